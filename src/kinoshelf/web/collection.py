"""The collection page, and further discs for the script that makes its list endless."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse

from kinoshelf.core.access.guards import local_or_signed_in, page_for_signed_in
from kinoshelf.web.collection_address import Asked
from kinoshelf.web.collection_view import read_chunk, read_collection
from kinoshelf.web.pages import render
from kinoshelf.web.queue import DatabaseDep

router = APIRouter(include_in_schema=False)


@router.get("/collection", dependencies=[Depends(page_for_signed_in)])
async def collection(request: Request, database: DatabaseDep) -> HTMLResponse:
    asked = Asked.of(request.query_params, request.cookies)
    view = await database.reading(lambda session: read_collection(session, asked))
    return render("collection.html", view=view)


@router.get("/collection/items", dependencies=[Depends(local_or_signed_in)])
async def items(request: Request, database: DatabaseDep) -> HTMLResponse:
    """Return the discs after a cursor as a part of the page."""
    asked = Asked.of(request.query_params, request.cookies)
    view = await database.reading(lambda session: read_chunk(session, asked))
    return render("parts/collection_chunk.html", view=view)

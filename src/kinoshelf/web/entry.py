"""The ways in: signing in, and the first set-up."""

from __future__ import annotations

import asyncio
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kinoshelf.core.access.approach import approach_of
from kinoshelf.core.access.gate import Gate
from kinoshelf.core.access.guards import local_or_signed_in, local_path, public
from kinoshelf.core.access.passwords import missing_from_password
from kinoshelf.core.access.policy import is_local
from kinoshelf.core.settings import SettingsStore
from kinoshelf.core.web import JSONBytes, use
from kinoshelf.web.folders import examine_folder
from kinoshelf.web.pages import render, url

router = APIRouter(include_in_schema=False)

GateDep = Annotated[Gate, Depends(use(Gate))]


class Access(NamedTuple):
    """How this visitor stands. `may_look` is what lists and actions ask for; `is_owner_here` may set the password."""

    has_password: bool
    is_signed_in: bool
    may_look: bool
    is_this_machine: bool


async def access_of(request: Request, gate: Gate) -> Access:
    caller = await gate.identify(request.scope)
    return Access(
        has_password=await gate.has_password(),
        is_signed_in=caller.is_signed_in,
        may_look=caller.is_signed_in or caller.is_local,
        is_this_machine=is_local(approach_of(request.scope)),
    )


@router.get("/login", dependencies=[Depends(public)])
async def login(request: Request, gate: GateDep) -> Response:
    following = local_path(request.query_params.get("next"), url("/queue"))
    access = await access_of(request, gate)
    if access.is_signed_in or (access.may_look and not access.has_password):
        return RedirectResponse(following, status_code=303)
    return render("login.html", access=access, next=following)


@router.get("/setup", dependencies=[Depends(public)])
async def setup(
    request: Request, gate: GateDep, store: Annotated[SettingsStore, Depends(use(SettingsStore))]
) -> HTMLResponse:
    access = await access_of(request, gate)
    settings = store.current
    # What the hub knows is shown to those who may see it anyway.
    may_change = access.may_look
    return render(
        "setup.html",
        access=access,
        next=url("/setup"),
        may_change=may_change,
        password_rules=missing_from_password(""),
        download_dir=str(settings.download_dir) if may_change else "",
        library_dir=str(settings.library_dir or "") if may_change else "",
        decided={key: variable for key, variable in store.origins.items() if may_change},
        keys_set={
            "tmdb.api_key": bool(settings.tmdb.api_key.get_secret_value()),
            "fshare.password": bool(settings.fshare.password.get_secret_value()),
            "fshare.app_key": bool(settings.fshare.app_key.get_secret_value()),
        }
        if may_change
        else {},
        fshare_email=settings.fshare.email if may_change else "",
    )


class FolderQuestion(BaseModel):
    path: str = Field(max_length=4096)


@router.post("/setup/folder", dependencies=[Depends(local_or_signed_in)])
async def examine(body: FolderQuestion) -> JSONBytes:
    """Tell whether a folder can be used. Nothing is made."""
    found = await asyncio.to_thread(examine_folder, body.path)
    return JSONBytes({"usable": found.is_usable, "message": found.message, "free_bytes": found.free_bytes})

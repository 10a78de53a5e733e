"""Pictures by number and size, for pages and for every dialect that shows one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from kinoshelf.core.access.guards import local_or_signed_in
from kinoshelf.core.database import Database
from kinoshelf.core.web import use
from kinoshelf.images.models import ArtworkState
from kinoshelf.images.queries import get_artwork
from kinoshelf.images.sizes import ArtworkSize, address
from kinoshelf.images.store import ArtworkStore, NotThere

PREFIX = "/artwork"
MOST_WAIT_SECONDS = 20
# The picture under a number hardly ever changes, and a look a day is answered without its bytes.
KEEP_A_DAY = "private, max-age=86400"

_FRAME = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 300" width="200" height="300">'
    b'<rect width="200" height="300" fill="#808791" fill-opacity=".18"/>'
    b'<g fill="none" stroke="#808791" stroke-width="5" stroke-linecap="round" stroke-linejoin="round">'
)
LOADING = (
    _FRAME + b'</g><g fill="#808791"><circle cx="76" cy="150" r="7"/><circle cx="100" cy="150" r="7"/>'
    b'<circle cx="124" cy="150" r="7"/></g></svg>'
)
NO_PICTURE = (
    _FRAME + b'<rect x="62" y="118" width="76" height="64" rx="6"/><circle cx="84" cy="139" r="6"/>'
    b'<path d="M66 176l24-22 14 12 14-14 16 16M56 192l88-84"/></g></svg>'
)

Store = Annotated[ArtworkStore, Depends(use(ArtworkStore))]
ArtworkId = Annotated[int, Path(ge=1, le=2**53, description="Number of the picture.")]

router = APIRouter(prefix=PREFIX, tags=["artwork"], dependencies=[Depends(local_or_signed_in)])


class ArtworkRead(BaseModel):
    id: int
    state: ArtworkState = Field(description="wanted: not here yet. kept: here. failed: `error_message` says why.")
    media_type: str | None
    width: int | None
    height: int | None
    size_bytes: int | None
    preview: str | None = Field(description="The picture in some pixels, as a data address.")
    error_message: str | None
    addresses: dict[str, str] = Field(description="Where each size is, below the base path.")


@router.get("/{artwork_id}", response_model=ArtworkRead)
async def show_artwork(artwork_id: ArtworkId, database: Annotated[Database, Depends(use(Database))]) -> dict[str, Any]:
    """Tell what is known of a picture, and why it could not be fetched."""
    artwork = await database.reading(lambda session: get_artwork(session, artwork_id))
    return _shown(artwork)


@router.head("/{artwork_id}/{size}", include_in_schema=False)
@router.get(
    "/{artwork_id}/{size}",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}, "image/jpeg": {}, "image/png": {}, "image/gif": {}, "image/svg+xml": {}}},
        304: {"description": "The caller has it already."},
    },
)
async def show_picture(
    request: Request,
    artwork_id: ArtworkId,
    size: ArtworkSize,
    store: Store,
    wait: Annotated[float, Query(ge=0, le=MOST_WAIT_SECONDS, description="Seconds to wait for one to arrive.")] = 0,
) -> Response:
    """Show a picture at most as wide as the size says: WebP where the caller takes it, else JPEG; `original` as it came.

    A picture that is not here yet is fetched now, and a drawing stands in for it. `X-Artwork-State` tells them apart.
    """
    given = request.headers
    file = await store.file(artwork_id, size, takes_webp=takes_webp(given.get("accept", "")), wait_seconds=wait)
    if isinstance(file, NotThere):
        return _stand_in(file.state, request.method)
    headers = {"Cache-Control": KEEP_A_DAY, "ETag": file.etag, "X-Artwork-State": ArtworkState.KEPT}
    if size is not ArtworkSize.ORIGINAL:
        headers["Vary"] = "Accept"
    if is_known(given.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    content = await store.content(file)
    if isinstance(content, NotThere):
        return _stand_in(content.state, request.method)
    return _answer(content, file.media_type, headers, request.method)


@router.post("", response_model=ArtworkRead, status_code=201)
async def upload_picture(
    store: Store,
    database: Annotated[Database, Depends(use(Database))],
    content: Annotated[bytes, Body(media_type="application/octet-stream", description="The file itself.")] = b"",
) -> dict[str, Any]:
    """Keep a picture: JPEG, PNG, GIF or WebP of at most 5 MB, whatever the file is called."""
    artwork_id = await store.keep_upload(content)
    return _shown(await database.reading(lambda session: get_artwork(session, artwork_id)))


@router.post("/{artwork_id}/retry", response_model=ArtworkRead)
async def retry_picture(
    artwork_id: ArtworkId, store: Store, database: Annotated[Database, Depends(use(Database))]
) -> dict[str, Any]:
    """Try a picture again that could not be fetched, at once."""
    await store.want_again(artwork_id)
    return _shown(await database.reading(lambda session: get_artwork(session, artwork_id)))


def takes_webp(accept: str) -> bool:
    """Tell whether an Accept header names WebP; `*/*` is sent also by what cannot show it."""
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind == "image/webp":
            return not any(
                parameter.replace(" ", "") in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for parameter in parameters
            )
    return False


def is_known(if_none_match: str, etag: str) -> bool:
    """Tell whether the caller has this version. A cache on the way may have made the tag a weak one."""
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in if_none_match.split(","))


def _stand_in(state: ArtworkState, method: str) -> Response:
    drawing = NO_PICTURE if state is ArtworkState.FAILED else LOADING
    headers = {"Cache-Control": "no-store", "X-Artwork-State": str(state)}
    return _answer(drawing, "image/svg+xml", headers, method)


def _answer(content: bytes, media_type: str, headers: dict[str, str], method: str) -> Response:
    if method == "HEAD":
        return Response(media_type=media_type, headers={**headers, "Content-Length": str(len(content))})
    return Response(content, media_type=media_type, headers=headers)


def _shown(artwork: Any) -> dict[str, Any]:
    names = ("id", "state", "media_type", "width", "height", "size_bytes", "preview", "error_message")
    addresses = {str(size): address(artwork.id, size) for size in ArtworkSize}
    return {**{name: getattr(artwork, name) for name in names}, "addresses": addresses}

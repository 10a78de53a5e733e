"""The interface described by itself: the OpenAPI document, and two pages that show it.

The pages hold no script of their own and load nothing from elsewhere; the libraries come from npm (`hatch_build.py`).
"""

from __future__ import annotations

import hashlib
from html import escape
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic_core import to_json

from kinoshelf.core.access.guards import public

DOCUMENT = "/api/openapi.json"

DESCRIPTION = """\
One hub for the films and series a household owns, watches, wants and fetches.

Callers on this machine may use the local surfaces as they are. Others send `Authorization: Bearer <token>` with the
token of `/api/auth/login`, or an API key in `X-Api-Key`."""

TAGS = {
    "auth": "Set-up, sign-in and sign-out.",
    "downloads": "Links and the files they become. Progress comes live over `/api/ws`.",
    "batches": "Groups of downloads.",
    "discs": "The collection of discs, and what its forms complete. One disc comes bare, everything else in one envelope.",
    "shelf": "Boxes, sets, tags, barcodes, and the choices of the filters.",
    "loans": "Discs in other people's hands.",
    "wishes": "Discs somebody would like to own.",
    "views": "Filters of the collection under a name.",
    "imports": "Lists and files that are read in.",
    "engine": "How fast, how many, how long.",
    "settings": "What can be changed while the hub runs.",
    "health": "How well the hub is; open to everyone.",
    "artwork": "Pictures by number and size, and those somebody hands in.",
    "metrics": "Figures for Prometheus.",
}

# The form of errors wherever a surface documents no other.
PROBLEM = {
    "title": "Problem",
    "type": "object",
    "required": ["success", "error", "message", "request_id"],
    "properties": {
        "success": {"const": False},
        "error": {"type": "string", "examples": ["VALIDATION_ERROR"]},
        "message": {"type": "string", "description": "A sentence a person understands."},
        "details": {"type": ["object", "null"], "additionalProperties": True},
        "request_id": {"type": "string", "description": "Also in the header X-Request-ID, and in the log."},
    },
}
LIMITED = {
    "title": "Limited",
    "description": "What limits answer, with the seconds to wait in the header Retry-After.",
    "type": "object",
    "required": ["detail"],
    "properties": {"detail": {"type": "string"}},
}
ANY_PROBLEM = {
    "description": "An error",
    "content": {
        "application/json": {
            "schema": {"anyOf": [{"$ref": "#/components/schemas/Problem"}, {"$ref": "#/components/schemas/Limited"}]}
        }
    },
}
KEY_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "An API key made in the settings."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "kinoshelf_session",
        "description": "The browser's sign-in. Requests that change something must come from the hub's own pages.",
    },
}

SWAGGER = "swagger"
REDOC = "redoc"
LIBRARIES = {SWAGGER: "swagger-ui-bundle.js", REDOC: "redoc.standalone.js"}
STYLES = {SWAGGER: ("vendor/swagger-ui.css", "docs/docs.css"), REDOC: ("docs/docs.css",)}
# ReDoc makes style elements and fills them by script. A hash lets in exactly these two: the empty one, and the one
# of its scroll bar.
REDOC_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
)
POLICY = (
    "default-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
POLICIES = {SWAGGER: POLICY, REDOC: f"{POLICY}; style-src 'self' {' '.join(REDOC_STYLES)}"}


def document_of(app: FastAPI, base_path: str) -> dict[str, Any]:
    """Return the OpenAPI document of the routes of `app`, with what the framework cannot know put right."""
    document = dict(FastAPI.openapi(app))
    document["info"] = {**document["info"], "description": DESCRIPTION}
    document["servers"] = [{"url": base_path or "/"}]
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    # The framework's own form of validation errors is never sent: every surface has its documented one.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(Problem=PROBLEM, Limited=LIMITED)
    schemes = components.setdefault("securitySchemes", {})
    schemes.update(KEY_SCHEMES)
    used = set()
    for operations in document["paths"].values():
        for operation in operations.values():
            used.update(operation.get("tags", ()))
            responses = operation["responses"]
            if "HTTPValidationError" in str(responses.get("422")):
                responses["422"] = {**ANY_PROBLEM, "description": "A value does not have the documented form"}
            responses.setdefault("default", ANY_PROBLEM)
            if operation.get("security"):
                operation["security"] = [*operation["security"], *({name: []} for name in KEY_SCHEMES)]
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items() if name in used]
    return document


def page_of(kind: str, base_path: str) -> str:
    """Return the page: a place, and the files that fill it."""
    static = escape(f"{base_path}/static")
    document = escape(f"{base_path}{DOCUMENT}")
    styles = "\n".join(f'<link rel="stylesheet" href="{static}/{name}">' for name in STYLES[kind])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kinoshelf API</title>
<link rel="icon" href="{static}/brand.svg">
{styles}
<script defer src="{static}/vendor/{LIBRARIES[kind]}"></script>
<script defer src="{static}/docs/{kind}.js"></script>
</head>
<body>
<div id="api-docs" data-openapi="{document}"></div>
<noscript><p class="docs-note">This page needs script. The document it shows is <a href="{document}">here</a>.</p>
</noscript>
</body>
</html>
"""


def install_docs(app: FastAPI) -> None:
    """Serve document and pages. Call it after every documented route; the framework's own pages must be off."""
    rendered: dict[str, tuple[bytes, str]] = {}

    def rendered_for(base_path: str) -> tuple[bytes, str]:
        if base_path not in rendered:
            content = to_json(document_of(app, base_path))
            rendered[base_path] = content, f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
        return rendered[base_path]

    router = APIRouter(include_in_schema=False, dependencies=[Depends(public)])

    @router.get(DOCUMENT)
    async def openapi(request: Request) -> Response:
        content, etag = rendered_for(request.scope.get("root_path", ""))
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="application/json", headers=headers)

    def add_page(path: str, kind: str) -> None:
        @router.get(path)
        async def page(request: Request) -> Response:
            return Response(
                page_of(kind, request.scope.get("root_path", "")),
                media_type="text/html",
                headers={"Content-Security-Policy": POLICIES[kind], "Cache-Control": "no-cache"},
            )

    add_page("/api/docs", SWAGGER)
    add_page("/api/redoc", REDOC)
    app.include_router(router)

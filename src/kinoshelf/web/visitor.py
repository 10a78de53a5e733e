"""Who looks at a page, as far as rendering cares: language, theme, base path, and whether HTML is what they read."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from kinoshelf.web.languages import choose, language_now

THEMES = ("light", "dark")
LANGUAGE_COOKIE = "kinoshelf_language"
THEME_COOKIE = "kinoshelf_theme"


@dataclass(frozen=True)
class Visitor:
    """`theme` is empty where the system decides; `language_wish` where the browser does."""

    base: str = ""
    path: str = "/"
    theme: str = ""
    language_wish: str = ""
    reads_html: bool = False


visitor_now: ContextVar[Visitor] = ContextVar("visitor_now", default=Visitor())  # noqa: B039 -- frozen


class VisitorMiddleware:
    """Notes the visitor for everything that renders during the request, errors outside of routes included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            visitor_now.set(_visitor(scope))
        await self._app(scope, receive, send)


def _visitor(scope: Scope) -> Visitor:
    headers = Headers(scope=scope)
    cookies = cookie_parser(headers.get("cookie", ""))
    wish = cookies.get(LANGUAGE_COOKIE, "")
    language_now.set(choose(wish, headers.get("accept-language", "")))
    theme = cookies.get(THEME_COOKIE, "")
    base = str(scope.get("root_path", ""))
    return Visitor(
        base=base,
        path=str(scope["path"]).removeprefix(base) or "/",
        theme=theme if theme in THEMES else "",
        language_wish=wish,
        reads_html="text/html" in headers.get("accept", ""),
    )

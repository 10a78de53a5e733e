"""Errors as pages. Programs that do not read HTML get what their surface promises."""

from __future__ import annotations

from kinoshelf.core.errors import KinoshelfError
from kinoshelf.core.request_ids import request_id_now
from kinoshelf.core.web import Rendered, Renderer, status_of
from kinoshelf.web.languages import gettext, mark
from kinoshelf.web.pages import render
from kinoshelf.web.visitor import visitor_now

TITLES = {
    400: mark("That did not work"),
    401: mark("Sign in first"),
    403: mark("Not allowed"),
    404: mark("Nothing here"),
    405: mark("That did not work"),
    429: mark("Too many requests"),
    503: mark("Not ready"),
    507: mark("Disk trouble"),
}


def page_or(other: Renderer) -> Renderer:
    """Make a renderer that answers browsers with a page and everybody else as `other` does."""

    def render_error(error: KinoshelfError) -> Rendered:
        if not visitor_now.get().reads_html:
            return other(error)
        status = status_of(error)
        message = error.message[:1].upper() + error.message[1:]
        page = render(
            "error.html",
            status,
            error_status=status,
            title=gettext(TITLES.get(status, mark("Something went wrong"))),
            message=message if message.endswith((".", "!", "?")) else f"{message}.",
            request_id=request_id_now.get() if status >= 500 else "",
        )
        return Rendered(status, page)

    return render_error

"""The dialect of seed 002: a library of series behind one master password.

Here stand its paths and errors; each module beside this one is one chapter of the seed. Start with `auth.py`.
"""

from kinoshelf.api.series.auth import router as auth_router
from kinoshelf.api.series.errors import render_error

# Sockets and /health have limits of their own or none.
PREFIXES = ("/api/auth", "/api/anime", "/api/queue", "/api/config", "/api/nfo", "/api/scheduler")

ROUTERS = (auth_router,)

__all__ = ["PREFIXES", "ROUTERS", "render_error"]

"""/dvd/export/: the collection as CSV."""

from __future__ import annotations

from starlette.responses import Response, StreamingResponse

from kinoshelf.api.discs.parts import DatabaseDep, Today
from kinoshelf.api.discs.routes import SurfaceRouter
from kinoshelf.discs.csv_export import Kind, export_csv, file_name

router = SurfaceRouter(prefix="/dvd", tags=["discs"])


@router.get(
    "/export/",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export(database: DatabaseDep, today: Today, kind: Kind = "not-kept") -> Response:
    """Return discs as a CSV file: those that are not kept, the disposed ones, or everything."""
    return StreamingResponse(
        export_csv(database, kind),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{file_name(kind, today)}"',
            "Cache-Control": "private, no-store",
        },
    )

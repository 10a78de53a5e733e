"""Rows of the factories fit the tables, on both databases."""

from __future__ import annotations

from sqlalchemy import func, select

from kinoshelf.core.database import Database
from kinoshelf.core.jobs.models import Job
from kinoshelf.downloads.models import Download, DownloadError
from kinoshelf.downloads.states import State
from tests.factories.downloads import add_batch, add_download, make_error
from tests.factories.jobs import add_job, add_schedule


def test_rows_fit_and_follow_one_another(database: Database) -> None:
    with database.write() as session:
        add_batch(session, 2, each={"state": State.COMPLETED})
        alone = add_download(session, url="https://a.example/x/y%20z.mkv?q=1")
        session.add(make_error(alone))
        add_job(session)
        add_schedule(session)
    with database.read() as session:
        found = session.scalars(select(Download).order_by(Download.position)).all()
        assert [row.downloaded_bytes for row in found] == [1_000_000, 1_000_000, 0]
        assert found[2].host == "a.example"
        assert [row.batch_id for row in found].count(None) == 1
        assert [session.scalar(select(func.count()).select_from(table)) for table in (Job, DownloadError)] == [1, 1]

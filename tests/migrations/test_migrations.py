"""The database is brought to the shape of the models, forward only, on both databases."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from kinoshelf.core import migrate as module
from kinoshelf.core.database import Base, Database, UTCDateTime, database_url
from kinoshelf.core.errors import NotConfigured
from kinoshelf.core.migrate import MIGRATIONS, alembic_config, found_revision, migrate, newest_revision

FILE_NAME = re.compile(r"(?P<revision>\d{4}_\d{2}_\d{2}_\d{4})__[a-z0-9_]+\.py")


@pytest.fixture
def empty_database(data_dir: Path, empty_database_url: str) -> Iterator[Database]:
    database = Database(database_url(data_dir, empty_database_url))
    yield database
    database.close()


def set_revision(database: Database, revision: str) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


class TestFiles:
    def test_each_is_named_after_its_revision_and_follows_the_one_before(self) -> None:
        files = sorted(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
        revisions = [match["revision"] for name in files if (match := FILE_NAME.fullmatch(name))]
        assert len(revisions) == len(files)
        script = ScriptDirectory.from_config(alembic_config())
        linear = [revision.revision for revision in script.walk_revisions()][::-1]
        assert linear == revisions
        assert script.get_heads() == [newest_revision()]

    def test_there_is_no_way_back(self) -> None:
        for path in (MIGRATIONS / "versions").glob("[0-9]*.py"):
            assert "def downgrade" not in path.read_text(encoding="utf-8"), path.name


class TestUpgrade:
    def test_from_empty_to_the_shape_of_the_models(self, empty_database: Database, data_dir: Path) -> None:
        assert found_revision(empty_database) is None
        assert migrate(empty_database, data_dir)
        assert found_revision(empty_database) == newest_revision()
        with empty_database.write_engine.connect() as connection:
            tables = set(inspect(connection).get_table_names())
            assert tables == {*Base.metadata.tables, "alembic_version"}
            context = MigrationContext.configure(connection, opts={"compare_type": _compare_type})
            assert compare_metadata(context, Base.metadata) == []

    def test_does_nothing_the_second_time(self, empty_database: Database, data_dir: Path) -> None:
        assert migrate(empty_database, data_dir)
        assert not migrate(empty_database, data_dir)
        assert not (data_dir / "backups").exists()

    def test_a_database_of_a_later_version_is_refused_and_left_alone(
        self, empty_database: Database, data_dir: Path
    ) -> None:
        migrate(empty_database, data_dir)
        set_revision(empty_database, "2999_01_01_0000")
        with pytest.raises(NotConfigured, match=r"2999_01_01_0000.*later version of Kinoshelf"):
            migrate(empty_database, data_dir)
        assert found_revision(empty_database) == "2999_01_01_0000"

    def test_two_processes_that_start_at_once(
        self, empty_database: Database, empty_database_url: str, data_dir: Path
    ) -> None:
        program = (
            "import sys; from pathlib import Path; from kinoshelf.core.migrate import migrate; "
            "from kinoshelf.core.database import Database, database_url; folder = Path(sys.argv[1]); "
            "migrate(Database(database_url(folder, sys.argv[2])), folder)"
        )
        words = [sys.executable, "-c", program, str(data_dir), empty_database_url]
        both = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        ends = [(one.communicate(timeout=30)[1], one.returncode) for one in both]
        assert [status for _, status in ends] == [0, 0], ends
        assert found_revision(empty_database) == newest_revision()

    @pytest.mark.databases("sqlite")
    def test_only_the_owner_reads_the_file(self, empty_database: Database, data_dir: Path) -> None:
        migrate(empty_database, data_dir)
        assert (data_dir / "kinoshelf.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.databases("sqlite")
class TestBackup:
    """Taken before an upgrade. The upgrade here is one more file, which the test adds in a copy of the folder."""

    @pytest.fixture
    def one_more(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        copy = tmp_path / "migrations"
        shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
        revision = "2999_12_31_2359"
        (copy / "versions" / f"{revision}__one_more.py").write_text(
            f"from alembic import op\nrevision = '{revision}'\ndown_revision = '{newest_revision()}'\n"
            "def upgrade() -> None:\n    op.execute('CREATE TABLE one_more (id INTEGER)')\n"
        )
        monkeypatch.setattr(module, "MIGRATIONS", copy)
        return revision

    def test_holds_what_was_there_before(
        self, empty_database: Database, data_dir: Path, request: pytest.FixtureRequest
    ) -> None:
        migrate(empty_database, data_dir)
        with empty_database.write() as session:
            session.execute(text("INSERT INTO schedules (name, cron, is_enabled) VALUES ('kept', '* * * * *', 1)"))
        before = newest_revision()
        revision = request.getfixturevalue("one_more")

        assert migrate(empty_database, data_dir)

        assert found_revision(empty_database) == revision
        (backup,) = (data_dir / "backups").iterdir()
        assert backup.stat().st_mode & 0o777 == 0o600
        copy = Database(database_url(data_dir, f"sqlite:///{backup}"))
        assert found_revision(copy) == before
        with copy.read() as session:
            assert session.scalar(text("SELECT name FROM schedules")) == "kept"
            assert not inspect(session.connection()).has_table("one_more")
        copy.close()


def _compare_type(
    _context: object, _inspected: object, _metadata: object, _type: object, wanted: object
) -> bool | None:
    return False if isinstance(wanted, UTCDateTime) else None

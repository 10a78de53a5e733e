"""Runs a hub that ends itself at the n-th step on its files or its database, then one that finishes: for every n.

A program of its own: it forks, which a process with threads should not. Prints one line of JSON for each n.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event

from kinoshelf.app import Hub, Role, open_hub
from kinoshelf.core.settings import SettingsStore
from kinoshelf.downloads.adding import NewDownload, add_all
from kinoshelf.downloads.engine.finish import JOURNAL_PREFIX
from kinoshelf.downloads.models import Download
from tests.simulators.nginx import sha256

GIVE_UP_SECONDS = 30
FILE_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.truncate", "os.mkdir"})


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    base = Path(asked["folder"])
    step, is_killed = 0, True
    while is_killed:
        step += 1
        folder = base / str(step)
        environ = {
            **asked["environ"],
            "KINOSHELF_DATA_DIR": str(folder / "data"),
            "KINOSHELF_DOWNLOAD_DIR": str(folder / "downloads"),
        }
        (folder / "data").mkdir(parents=True)
        shutil.copyfile(asked["template"], folder / "data" / "kinoshelf.db")
        is_killed = in_child(lambda environ=environ, step=step: run(environ, asked["wanted"], dies_at=step))
        if is_killed:
            in_child(lambda environ=environ: run(environ, [], dies_at=0))
        print(json.dumps({"step": step, **found(environ)}), flush=True)  # noqa: T201 -- a program
        shutil.rmtree(folder)


def in_child(work: Callable[[], None]) -> bool:
    """Run it in a child; tell whether the child was killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)  # noqa: T201 -- a program
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("a hub failed")
    return os.WIFSIGNALED(status)


def run(environ: dict[str, str], wanted: list[dict[str, Any]], *, dies_at: int) -> None:
    hub = open_hub(SettingsStore.load(environ), Role.WORKER)
    if wanted:
        with hub.database.write() as session:
            add_all(session, [NewDownload(**one) for one in wanted], hub.clock.now())
    if dies_at:
        die_at(dies_at, hub)
    hub.start()
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while not is_over(hub):
        if time.monotonic() > give_up:
            raise TimeoutError(f"never finished: {found(environ)}")
        time.sleep(0.005)
    hub.close()


def is_over(hub: Hub) -> bool:
    folder = hub.store.current.download_dir
    with hub.database.read() as session:
        open_rows = session.query(Download).filter(Download.state.not_in(["completed", "failed"])).count()
    return not open_rows and not list(folder.glob(f"{JOURNAL_PREFIX}*"))


def die_at(number: int, hub: Hub) -> None:
    """Count what the engine does to its files, and its commits, from here on; die at the n-th, before it is done."""
    left = number
    downloads = str(hub.store.current.download_dir)

    def count(*_arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_audit(name: str, arguments: tuple[Any, ...]) -> None:
        if name in FILE_EVENTS and str(arguments[0]).startswith(downloads):
            count()

    event.listen(hub.database.write_engine, "commit", count)
    sys.addaudithook(on_audit)


def found(environ: dict[str, str]) -> dict[str, Any]:
    hub = open_hub(SettingsStore.load(environ), Role.COMMAND)
    folder = hub.store.current.download_dir
    with hub.database.read() as session:
        rows = [[row.state, row.filename, row.is_verified, row.claimed_by] for row in session.query(Download)]
    hub.close()
    files = {str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()}
    return {"rows": sorted(rows), "files": files}


if __name__ == "__main__":
    main()

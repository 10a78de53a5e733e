"""Downloads from a local nginx into memory: the whole product beside curl, aria2c and pyLoad, in rotation."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.clients import Aria2, Client, Curl, Kinoshelf, Order, Outcome, PyLoad
from benchmarks.machine import (
    MEMORY_DISK,
    WARM_FACTOR,
    Cores,
    Unavailable,
    described,
    pin_myself,
    room,
    say,
    table,
    version_of,
    warn_of_load,
    write_results,
)
from benchmarks.web_server import Served, WebServer

MIB = 2**20
GIB = 2**30
OURS = "Kinoshelf"
WARM = "warm.bin"
# pyLoad looks for ended transfers twice a second, so each of its small files takes that long.
PYLOAD_SMALL_FILES = 200


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    files: Sequence[Served]
    parallel: int = 1
    segments: int = 0
    is_limited: bool = False
    schemes: Sequence[str] = ("http", "https")

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


@dataclass
class Measured:
    """One client, one workload, one round."""

    workload: str
    scheme: str
    client: str
    round: int
    size_bytes: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def mb_per_second(self) -> float:
        return self.size_bytes / self.seconds / 1e6

    @property
    def cpu_per_gib(self) -> float:
        return self.cpu_seconds / (self.size_bytes / GIB)


@dataclass(frozen=True)
class Aim:
    """A line of what was promised: at least, or at most, `factor`, of a peer or of a figure of ours."""

    workload: str
    schemes: Sequence[str]
    factor: float
    peer: str = ""
    """Empty: the figure is the CPU seconds a GiB, and less is better."""


AIMS = (
    Aim("large", ("https",), 1.0, "curl"),
    Aim("large", ("https",), 1.5, "aria2c"),
    Aim("large", ("https",), 6.0, "pyLoad"),
    Aim("twenty", ("http", "https"), 1.25, "aria2c"),
    Aim("small", ("http", "https"), 1.0, "aria2c"),
    Aim("limited", ("http",), 1.0, "aria2c"),
    Aim("large", ("http", "https"), 1.1),
    Aim("twenty", ("http", "https"), 1.1),
)


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./kinoshelf bench engine", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds over all clients (3)")
    parser.add_argument("--only", default="", help="workloads between commas: large, twenty, small, limited (all)")
    parser.add_argument("--scheme", choices=("http", "https", "both"), default="both")
    parser.add_argument("--clients", default="", help="kinoshelf, curl, aria2c, pyload between commas (all)")
    parser.add_argument("--large-mib", type=int, default=1024, help="size of the one large file (1024)")
    parser.add_argument("--twenty-mib", type=int, default=100, help="size of each of the 20 files (100)")
    parser.add_argument("--small-files", type=int, default=2000, help="number of files of 64 KiB (2000)")
    parser.add_argument("--limited-mib", type=int, default=100, help="size of the file from the limited host (100)")
    parser.add_argument("--limit-mib-per-second", type=int, default=20, help="what that host gives a connection (20)")
    parser.add_argument("--target", type=Path, default=None, help=f"where files lie and arrive ({MEMORY_DISK})")
    parser.add_argument("--no-pin", action="store_true", help="let the system choose the cores")
    parser.add_argument("--cold", action="store_true", help="let the first download of a new hub be the measured one")
    parser.add_argument("--give-up", type=float, default=300, help="seconds after which one run has failed (300)")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    chosen = options(words)
    warn_of_load()
    cores = Cores.chosen(is_pinned=not chosen.no_pin)
    machine = described()
    clients = _clients(chosen)
    if not clients:
        raise Unavailable("there is nobody to download anything")
    largest_mib = max(chosen.large_mib, 20 * chosen.twenty_mib, chosen.limited_mib, chosen.small_files // 16)
    # Served, arrived, and warmed before.
    needed = MIB * largest_mib * (1 + WARM_FACTOR)
    measured: list[Measured] = []
    failures: list[str] = []
    with ExitStack() as stack:
        home = stack.enter_context(room(chosen.target, needed_bytes=needed))
        pin_myself(cores.driver)
        server = stack.enter_context(WebServer(home, cores.server, limit_mib_per_second=chosen.limit_mib_per_second))
        server.add(WARM, 64 * 1024)
        for make in _workloads(chosen):
            # One after another, so that the files of one workload only are in memory.
            workload = make(server)
            for scheme in workload.schemes:
                _measure(workload, scheme, clients, chosen, cores, server, home, measured, failures)
            shutil.rmtree(home / "served" / workload.name, ignore_errors=True)
    print(_report(measured, failures))
    write_results(
        "engine",
        {
            "machine": machine,
            "options": {name: str(value) for name, value in vars(chosen).items()},
            "is_pinned": cores.client is not None,
            "versions": {client.name: client.version for client in clients} | {"nginx": version_of(["nginx", "-v"])},
            "aims": _judged(measured),
            "failures": failures,
            "measured": [asdict(one) for one in measured],
        },
    )
    return 1 if failures else 0


def _clients(chosen: argparse.Namespace) -> list[Client]:
    makers: dict[str, Callable[[], Client]] = {
        "kinoshelf": lambda: Kinoshelf(is_warm=not chosen.cold),
        "curl": Curl,
        "aria2c": Aria2,
        "pyload": PyLoad,
    }
    wanted = [name for name in chosen.clients.lower().split(",") if name] or list(makers)
    unknown = set(wanted) - makers.keys()
    if unknown:
        raise Unavailable(f"unknown clients: {', '.join(sorted(unknown))}; there are {', '.join(makers)}")
    found = []
    for name in wanted:
        try:
            found.append(makers[name]())
        except Unavailable as error:
            say(f"WITHOUT {name.upper()}: {error}")
    return found


def _workloads(chosen: argparse.Namespace) -> list[Callable[[WebServer], Workload]]:
    schemes = ("http", "https") if chosen.scheme == "both" else (chosen.scheme,)
    large, twenty, limited = chosen.large_mib * MIB, chosen.twenty_mib * MIB, chosen.limited_mib * MIB
    makers: dict[str, Callable[[WebServer], Workload]] = {
        "large": lambda server: Workload(
            "large",
            f"one file of {chosen.large_mib} MiB",
            [server.add("large/large.bin", large)],
            schemes=schemes,
        ),
        "twenty": lambda server: Workload(
            "twenty",
            f"20 files of {chosen.twenty_mib} MiB, four at a time",
            [server.add(f"twenty/{number:02}.bin", twenty) for number in range(20)],
            parallel=4,
            schemes=schemes,
        ),
        "small": lambda server: Workload(
            "small",
            f"{chosen.small_files} files of 64 KiB, eight at a time",
            [server.add(f"small/{number:05}.bin", 64 * 1024) for number in range(chosen.small_files)],
            parallel=8,
            schemes=schemes,
        ),
        "limited": lambda server: Workload(
            "limited",
            f"one file of {chosen.limited_mib} MiB, {chosen.limit_mib_per_second} MiB/s a connection",
            [server.add("limited/limited.bin", limited)],
            segments=8,
            is_limited=True,
            schemes=("http",) if "http" in schemes else schemes,
        ),
    }
    wanted = [name for name in chosen.only.split(",") if name] or list(makers)
    unknown = set(wanted) - makers.keys()
    if unknown:
        raise Unavailable(f"unknown workloads: {', '.join(sorted(unknown))}; there are {', '.join(makers)}")
    return [makers[name] for name in wanted]


def _measure(
    workload: Workload,
    scheme: str,
    clients: list[Client],
    chosen: argparse.Namespace,
    cores: Cores,
    server: WebServer,
    home: Path,
    measured: list[Measured],
    failures: list[str],
) -> None:
    say(f"{workload.title}, {scheme}")
    lost: set[str] = set()
    for number in range(1, chosen.rounds + 1):
        for client in _in_turn(clients, workload):
            if client.name in lost:
                continue
            files = _files_for(client, workload)
            target = home / "target"
            target.mkdir(exist_ok=True)
            order = Order(
                files=[
                    (
                        server.url(file.name, https=scheme == "https", is_limited=workload.is_limited),
                        Path(file.name).name,
                    )
                    for file in files
                ],
                parallel=workload.parallel,
                segments=workload.segments,
                target=target,
                home=home,
                ca_file=server.ca_file,
                warm_url=server.url(WARM),
                cores=cores,
                give_up_seconds=chosen.give_up,
                size_bytes=sum(file.size_bytes for file in files),
            )
            try:
                outcome = client.fetch(order)
                # Contents are compared once for each client, in its last round.
                _check(files, target, is_deep=number == chosen.rounds)
            except (Unavailable, TimeoutError) as error:
                # The others go on: a comparison with a gap is better than none.
                reason = str(error) or "it took too long"
                failures.append(f"{workload.name}, {scheme}, round {number}, {client.name}: {reason}")
                say(f"FAILED: {failures[-1]}")
                lost.add(client.name)
                continue
            finally:
                shutil.rmtree(target, ignore_errors=True)
            measured.append(_measured(workload, scheme, client, number, files, outcome))
            one = measured[-1]
            say(f"  {number} {client.name:<12} {one.mb_per_second:8.0f} MB/s {one.seconds:8.3f} s")


def _in_turn(clients: list[Client], workload: Workload) -> list[Client]:
    """A limited host is also asked with as many connections as the hub may open by itself, for comparison."""
    if not workload.is_limited or not any(isinstance(client, Aria2) for client in clients):
        return clients
    return [*clients, Aria2(16)]


def _files_for(client: Client, workload: Workload) -> Sequence[Served]:
    if workload.name == "small" and isinstance(client, PyLoad):
        return workload.files[:PYLOAD_SMALL_FILES]
    return workload.files


def _measured(
    workload: Workload, scheme: str, client: Client, number: int, files: Sequence[Served], outcome: Outcome
) -> Measured:
    return Measured(
        workload.name,
        scheme,
        client.name,
        number,
        sum(file.size_bytes for file in files),
        outcome.seconds,
        outcome.cpu_seconds,
        outcome.peak_bytes,
        outcome.notes | {"files": len(files)},
    )


def _check(files: Sequence[Served], target: Path, *, is_deep: bool) -> None:
    for file in files:
        path = target / Path(file.name).name
        if not path.is_file() or path.stat().st_size != file.size_bytes:
            raise Unavailable(f"{path.name} did not arrive whole")
        if is_deep:
            with path.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != file.sha256:
                    raise Unavailable(f"{path.name} has other bytes than were served")


# What it means.


def _runs(measured: list[Measured], workload: str, scheme: str, client: str) -> dict[int, Measured]:
    return {one.round: one for one in measured if (one.workload, one.scheme, one.client) == (workload, scheme, client)}


def _ratio(measured: list[Measured], workload: str, scheme: str, peer: str) -> float | None:
    """Return the median of how many times as fast as a peer we were, round by round."""
    ours, theirs = (_runs(measured, workload, scheme, name) for name in (OURS, peer))
    ratios = [ours[number].mb_per_second / theirs[number].mb_per_second for number in ours if number in theirs]
    return statistics.median(ratios) if ratios else None


def _judged(measured: list[Measured]) -> list[dict[str, Any]]:
    found = []
    for aim in AIMS:
        for scheme in aim.schemes:
            if aim.peer:
                reached = _ratio(measured, aim.workload, scheme, aim.peer)
                wanted = f"≥ {aim.factor:g} times {aim.peer}"
            else:
                runs = _runs(measured, aim.workload, scheme, OURS).values()
                reached = statistics.median(one.cpu_per_gib for one in runs) if runs else None
                wanted = f"≤ {aim.factor:g} CPU s/GiB"
            if reached is None:
                continue
            is_met = reached >= aim.factor if aim.peer else reached <= aim.factor
            found.append(
                {
                    "workload": aim.workload,
                    "scheme": scheme,
                    "aim": wanted,
                    "reached": round(reached, 2),
                    "is_met": is_met,
                }
            )
    return found


def _report(measured: list[Measured], failures: list[str]) -> str:
    parts = []
    for workload, scheme in dict.fromkeys((one.workload, one.scheme) for one in measured):
        rows = []
        for name in dict.fromkeys(one.client for one in measured if (one.workload, one.scheme) == (workload, scheme)):
            runs = list(_runs(measured, workload, scheme, name).values())
            speeds = [one.mb_per_second for one in runs]
            ratio = _ratio(measured, workload, scheme, name)
            files = runs[0].notes["files"]
            rows.append(
                [
                    name,
                    f"{statistics.median(speeds):.0f}",
                    f"{min(speeds):.0f}-{max(speeds):.0f}",
                    "-" if name == OURS or ratio is None else f"{ratio:.2f}",
                    f"{statistics.median(one.cpu_per_gib for one in runs):.2f}",
                    f"{max(one.peak_bytes for one in runs) / MIB:.0f}",
                    f"{statistics.median(one.seconds / one.notes['files'] for one in runs) * 1000:.2f}",
                    str(files),
                ]
            )
        head = ["client", "MB/s", "min-max", "ours ÷ it", "CPU s/GiB", "peak MiB", "ms a file", "files"]
        parts.append(f"{workload}, {scheme}\n\n{table(head, rows)}")
    judged = [
        [f"{one['workload']}, {one['scheme']}", one["aim"], str(one["reached"]), "yes" if one["is_met"] else "NO"]
        for one in _judged(measured)
    ]
    if judged:
        parts.append(f"Aims\n\n{table(['what', 'aim', 'reached', 'met'], judged)}")
    if failures:
        parts.append("Failures\n\n" + "\n".join(f"- {failure}" for failure in failures))
    return "\n\n".join(parts)

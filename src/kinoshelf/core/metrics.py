"""Figures for Prometheus: this process, its requests, and what the rooms add. Read at `/metrics`.

Labels are few and closed: surfaces and status classes, never paths.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kinoshelf import __version__
from kinoshelf.core.errors import KinoshelfError

log = structlog.get_logger()

PREFIX = "kinoshelf"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OTHER_SURFACE = "pages"

Figures = Mapping[tuple[str, ...], float]


class Metrics:
    """The registry of one process. Nothing is global, so that tests and processes do not share figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge(f"{PREFIX}_build", "The running version.", ["version"], registry=self.registry).labels(__version__).set(1)
        self.requests = Counter(
            f"{PREFIX}_http_requests",
            "Requests; those whose caller did not wait have left.",
            ["surface", "status"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            f"{PREFIX}_http_request_seconds",
            "Time to the end of the answer.",
            ["surface"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.sockets = Gauge(f"{PREFIX}_websockets_open", "Open WebSockets.", ["surface"], registry=self.registry)

    def add_gauge(self, name: str, description: str, labels: tuple[str, ...], read: Callable[[], Figures]) -> None:
        """Ask `read` whenever somebody reads the metrics, on a thread; it returns a figure for each set of labels."""
        self.registry.register(_Asked(f"{PREFIX}_{name}", description, labels, read))

    def rendered(self, accept: str) -> tuple[bytes, str]:
        """Return all figures and their content type. It asks the rooms, so call it on a thread."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type


class _Asked(Collector):
    def __init__(self, name: str, description: str, labels: tuple[str, ...], read: Callable[[], Figures]) -> None:
        self._name = name
        self._description = description
        self._labels = labels
        self._read = read

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return [GaugeMetricFamily(self._name, self._description, labels=self._labels)]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._description, labels=self._labels)
        try:
            figures = self._read()
        except KinoshelfError as error:
            # What cannot be told is left out; the other figures are told all the same.
            log.info("metrics.not_told", metric=self._name, error=error.message)
            return []
        for labels, figure in figures.items():
            family.add_metric(labels, figure)
        return [family]


class RequestWatch:
    """Outermost middleware: counts every request and tells it as one event at DEBUG.

    Failures are told at ERROR where they are handled (`web.failed`, `web.defect`), under the same request id.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, surfaces: Mapping[str, str]) -> None:
        self._app = app
        self._metrics = metrics
        self._surfaces = sorted(surfaces.items(), key=lambda pair: -len(pair[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._watch_request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._watch_socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _watch_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun_at = time.perf_counter()
        status: int | None = None
        request_id = ""

        async def noting(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status = message["status"]
                request_id = next(
                    (value.decode("latin-1") for name, value in message["headers"] if name == b"x-request-id"), ""
                )
            await send(message)

        outcome = "left"
        try:
            await self._app(scope, receive, noting)
        except BaseException:
            outcome = "5xx"
            raise
        finally:
            if status is not None:
                outcome = f"{status // 100}xx"
            took = time.perf_counter() - begun_at
            surface = self._surface(scope)
            self._metrics.requests.labels(surface, outcome).inc()
            self._metrics.request_seconds.labels(surface).observe(took)
            # Asking costs a tenth of putting together what nobody reads.
            if logging.getLogger().isEnabledFor(logging.DEBUG):
                log.debug(
                    "web.answered",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    milliseconds=round(took * 1000, 1),
                    request_id=request_id,
                )

    async def _watch_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        surface = self._surface(scope)
        with self._metrics.sockets.labels(surface).track_inprogress():
            await self._app(scope, receive, send)

    def _surface(self, scope: Scope) -> str:
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        return next(
            (name for prefix, name in self._surfaces if path == prefix or path.startswith(f"{prefix}/")), OTHER_SURFACE
        )

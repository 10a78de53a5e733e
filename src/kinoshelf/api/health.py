"""How well the hub is: the health endpoints of seed 002, the one of seed 004, and readiness for orchestrators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from kinoshelf import __version__
from kinoshelf.core.access.guards import public
from kinoshelf.core.clock import Clock, iso
from kinoshelf.core.health import Checked, Health, HealthChecks, worst
from kinoshelf.core.web import use

Checks = Annotated[HealthChecks, Depends(use(HealthChecks))]
Now = Annotated[Clock, Depends(use(Clock))]


async def never_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(tags=["health"], dependencies=[Depends(public), Depends(never_stored)])


class HealthRead(BaseModel):
    status: Health
    timestamp: str = Field(examples=["2025-12-13T10:30:00.000Z"])
    version: str


class DependencyRead(BaseModel):
    """One part of the hub. Each part adds figures of its own."""

    model_config = ConfigDict(extra="allow")

    status: Health
    message: str | None = None


class HealthDetailedRead(HealthRead):
    dependencies: dict[str, DependencyRead]
    startup_time: str | None = Field(description="When this process began to work.")


class ReadinessRead(BaseModel):
    ready: bool
    critical_failures: list[str] = Field(description="What keeps the hub from working, in words.")


class AliveRead(BaseModel):
    status: str = Field(examples=["ok"])


@router.get("/health", response_model=HealthRead)
async def health(checks: Checks, clock: Now) -> dict[str, Any]:
    """Tell whether all is well: the worst of what /health/detailed shows."""
    return _summary(worst(await checks.results()), clock)


@router.get("/health/detailed", response_model=HealthDetailedRead, response_model_exclude_unset=True)
async def health_detailed(checks: Checks, clock: Now) -> dict[str, Any]:
    """Show every part of the hub and the figures of the machine."""
    results = await checks.results()
    return {
        **_summary(worst(results), clock),
        "dependencies": {name: _shown(found) for name, found in results.items()},
        "startup_time": iso(checks.started_at),
    }


@router.get("/health/ready", response_model=ReadinessRead, responses={503: {"model": ReadinessRead}})
async def health_ready(checks: Checks, response: Response) -> dict[str, Any]:
    """Answer 200 when the hub can take work, 503 while it starts, stops, or lacks something it cannot do without."""
    failures = await checks.critical_failures()
    response.status_code = 503 if failures else 200
    return {"ready": not failures, "critical_failures": failures}


@router.get("/api/health", response_model=AliveRead)
async def alive() -> dict[str, str]:
    """Answer as long as the process serves at all."""
    return {"status": "ok"}


def _summary(status: Health, clock: Clock) -> dict[str, Any]:
    return {"status": status, "timestamp": iso(clock.now()), "version": __version__}


def _shown(found: Checked) -> dict[str, Any]:
    message = {"message": found.message} if found.message else {}
    return {"status": found.status, **found.facts, **message}

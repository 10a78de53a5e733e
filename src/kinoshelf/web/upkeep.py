"""Upkeep of the collection: refreshing facts with progress, asking for torrents, and matches that wait for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from kinoshelf.core.access.guards import local_or_signed_in, page_for_signed_in
from kinoshelf.core.clock import Clock
from kinoshelf.core.settings import Settings
from kinoshelf.core.web import JSONBytes, use
from kinoshelf.discs import refresh
from kinoshelf.discs.filters import DiscFilter
from kinoshelf.discs.queries import count
from kinoshelf.titles import review
from kinoshelf.titles.models import TitleReview
from kinoshelf.web.films import ArtworkDep, pictures_of
from kinoshelf.web.pages import render, url
from kinoshelf.web.queue import DatabaseDep, StoreDep

router = APIRouter(include_in_schema=False)

QUESTIONS_SHOWN = 25
FAILURES_SHOWN = 100

ReviewId = Annotated[int, Path(ge=1, le=2**53)]
ClockDep = Annotated[Clock, Depends(use(Clock))]


@dataclass(frozen=True)
class UpkeepView:
    """Everything the template of the upkeep knows. `task` is the refresh that runs, or ran last."""

    task: Mapping[str, Any] | None
    unmatched: int
    waiting: int
    has_tmdb_key: bool
    is_yts_on: bool


def read_upkeep(session: Session, settings: Settings) -> UpkeepView:
    task_id = refresh.running(session) or refresh.latest(session)
    return UpkeepView(
        task=refresh.progress(session, task_id) if task_id else None,
        unmatched=count(session, DiscFilter(is_matched=False)),
        waiting=review.count_waiting(session),
        has_tmdb_key=bool(settings.tmdb.api_key.get_secret_value().strip()),
        is_yts_on="yts" in settings.sources,
    )


@router.get("/upkeep", dependencies=[Depends(page_for_signed_in)])
async def upkeep(database: DatabaseDep, store: StoreDep) -> HTMLResponse:
    settings = store.current
    view = await database.reading(lambda session: read_upkeep(session, settings))
    return render("upkeep.html", view=view, most_failures=FAILURES_SHOWN)


# Matches that wait ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """A match nobody was sure of. `asker_href` leads to what asks, where it has a page."""

    row: TitleReview
    asker_href: str

    @property
    def paths(self) -> list[str]:
        return [str(one.get("poster_path") or "") for one in self.row.candidates]


def read_questions(session: Session, after: int) -> tuple[list[Question], int, int | None]:
    rows = review.list_waiting(session, after=after, limit=QUESTIONS_SHOWN + 1)
    found = [Question(row, _asker(row.subject)) for row in rows[:QUESTIONS_SHOWN]]
    return found, review.count_waiting(session), found[-1].row.id if len(rows) > QUESTIONS_SHOWN else None


def _asker(subject: str) -> str:
    kind, _, key = subject.partition(":")
    return url(f"/dvd/{key}/") if kind == "disc" and key.isascii() and key.isdigit() else ""


@router.get("/reviews", dependencies=[Depends(page_for_signed_in)])
async def reviews(
    database: DatabaseDep, artwork: ArtworkDep, after: Annotated[str, Query(max_length=16)] = ""
) -> HTMLResponse:
    behind = int(after) if after.isascii() and after.isdigit() else 0
    questions, waiting, following = await database.reading(lambda session: read_questions(session, behind))
    pictures = iter(await pictures_of(database, artwork, [path for one in questions for path in one.paths], "w92"))
    return render(
        "reviews.html",
        questions=[(one, _beside(one.row.candidates, pictures)) for one in questions],
        waiting=waiting,
        next_href=url("/reviews", after=following) if following else "",
    )


def _beside(candidates: Sequence[Mapping[str, Any]], pictures: Any) -> list[tuple[Mapping[str, Any], str]]:
    return [(one, next(pictures)) for one in candidates]


class Decision(BaseModel):
    source: str = Field(max_length=40)
    key: int = Field(ge=1, le=2**53)


@router.post("/reviews/{review_id}/decide", dependencies=[Depends(local_or_signed_in)])
async def decide(review_id: ReviewId, body: Decision, database: DatabaseDep, clock: ClockDep) -> JSONBytes:
    """Take a person's word for a match."""
    title_id = await database.writing(
        lambda session: review.decide(session, review_id, now=clock.now(), source=body.source, key=body.key)
    )
    return JSONBytes({"title_id": title_id})


@router.post("/reviews/{review_id}/dismiss", dependencies=[Depends(local_or_signed_in)])
async def dismiss(review_id: ReviewId, database: DatabaseDep, clock: ClockDep) -> JSONBytes:
    """Let a question rest: none of the titles fits."""
    await database.writing(lambda session: review.dismiss(session, review_id, now=clock.now()))
    return JSONBytes({"review_id": review_id})


@router.post("/reviews/{review_id}/reopen", dependencies=[Depends(local_or_signed_in)])
async def reopen(review_id: ReviewId, database: DatabaseDep) -> JSONBytes:
    """Let a question wait again, as before its answer."""
    await database.writing(lambda session: review.reopen(session, review_id))
    return JSONBytes({"review_id": review_id})

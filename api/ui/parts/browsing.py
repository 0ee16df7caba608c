"""Going through predictions page by page: what is asked for, and how a prediction becomes a row."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self, cast, get_args

from api.service.wiring import Service
from api.ui.parts import formats
from api.ui.parts.grid import Column, Grid, Row
from api.ui.parts.marks import ROUTE_WORDS
from signalbox.errors import SignalboxError
from signalbox.storage import PredictionStore
from signalbox.storage.ordering import Sort
from signalbox.types import ROUTES, Outcome, Prediction, utc_now

NAME = "predictions"
_FIRST_PAGE, _PAGE = 100, 300  # rows: what is seen first comes soon, what is scrolled to in fewer steps
_LONGEST_SHOWN = 300
_LONGEST_TEXT = 200
_SPANS = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_OUTCOME_WORDS = {"answered": "answered", "in_review": "in review", "refused": "refused"}

COLUMNS = (
    Column("query", "Query", "link", "minmax(160px, 3fr)", optional=False),
    Column("route", "Route", "badge", "104px"),
    Column("outcome", "Outcome", width="72px", quiet=True),
    Column("confidence", "Confidence", "confidence", "120px", sortable=True,
           title="Of answers marked 0.94, 94% were right."),
    Column("answer", "Answer", width="minmax(160px, 2fr)", quiet=True, away=True),
    Column("attempts", "Tried", "number", "64px", away=True, title="Routes tried"),
    Column("duration_ms", "Time", "number", "80px", sortable=True),
    Column("cost_usd", "Cost", "number", "96px", sortable=True),
    Column("saved", "Saved", "number", "96px", away=True, title="What a usual cloud answer would have cost more."),
    Column("policy", "Policy", width="136px", quiet=True, away=True),
    Column("session", "Session", width="120px", quiet=True, away=True),
    Column("created_at", "When", "time", "104px", sortable=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show, in which order. `since` is one of `1h`, `24h`, `7d`, `30d`, or empty."""

    text: str = ""
    outcome: Outcome | None = None
    route: str | None = None
    since: str = ""
    session: str = ""
    sort: Sort = "created_at"
    descending: bool = True

    @classmethod
    def make(
        cls, q: str, outcome: str, route: str, since: str, sort: str, *, descending: bool, session: str = ""
    ) -> Self:
        """From what an address or a form says; what is not known is left out."""
        return cls(
            text=q.strip()[:_LONGEST_TEXT],
            outcome=cast(Outcome, outcome) if outcome in get_args(Outcome) else None,
            route=route if route in (*ROUTES, "review") else None,
            since=since if since in _SPANS else "",
            session=session[:_LONGEST_TEXT],
            sort=cast(Sort, sort) if sort in get_args(Sort) else "created_at",
            descending=descending,
        )

    @property
    def narrow(self) -> bool:
        """Whether something is filtered out."""
        return bool(self.text or self.outcome or self.route or self.since or self.session)

    def sorted(self, key: str, descending: bool) -> Self:
        return replace(self, sort=cast(Sort, key), descending=descending)

    def address(self) -> dict[str, str]:
        """The parameters of the address that shows this."""
        given = {
            "q": self.text,
            "outcome": self.outcome or "",
            "route": self.route or "",
            "since": self.since,
            "session": self.session,
        }
        if self.sort != "created_at":
            given["sort"] = self.sort
        if not self.descending:
            given["up"] = "1"
        return {name: value for name, value in given.items() if value}

    async def page(
        self, store: PredictionStore, cursor: str | None, *, limit: int, now: datetime
    ) -> tuple[list[Prediction], str | None]:
        """A page of what they let through; `now` must be the same for all pages."""
        return await store.list(
            limit=limit,
            cursor=cursor,
            outcome=self.outcome,
            route=self.route,
            since=now - _SPANS[self.since] if self.since else None,
            session_id=self.session or None,
            text=self.text or None,
            sort=self.sort,
            descending=self.descending,
        )


class Browsing:
    """Fills a grid. Only a cursor is kept here; what was shown is the browser's."""

    def __init__(self, service: Service, filters: Filters) -> None:
        self.filters = filters
        self._service = service
        self._grid: Grid | None = None
        self._cursor: str | None = None
        self._now = utc_now()
        self._turn = 0
        self._one_at_a_time = asyncio.Lock()

    def show_in(self, grid: Grid) -> None:
        self._grid = grid

    async def begin(self, filters: Filters) -> None:
        """Start over with other filters or another order; a page under way of the ones before is dropped."""
        self.filters, self._cursor, self._now = filters, None, utc_now()
        self._turn += 1
        assert self._grid is not None, "there is a grid to show in"
        self._grid.reset()
        await self.more()

    async def more(self) -> None:
        """Show the next page."""
        turn, grid = self._turn, self._grid
        assert grid is not None, "there is a grid to show in"
        async with self._one_at_a_time:
            if turn != self._turn:
                return
            try:
                limit = _FIRST_PAGE if self._cursor is None else _PAGE
                found, cursor = await self.filters.page(
                    self._service.predictions, self._cursor, limit=limit, now=self._now
                )
            except SignalboxError as error:
                grid.failed(error.detail)
                return
            if turn != self._turn or grid.is_deleted:
                return
            self._cursor = cursor
            grid.append([row_of(item) for item in found], end=cursor is None)


def row_of(prediction: Prediction) -> Row:
    """What the grid shows of a prediction."""
    route = prediction.route or ("review" if prediction.outcome == "in_review" else None)
    answer = prediction.answer
    return {
        "id": prediction.id,
        "href": f"/ui/predictions/{prediction.id}",
        "query": formats.short(prediction.query or "(the query's text is not kept)", _LONGEST_SHOWN),
        "answer": formats.short((answer.short or answer.text or _labels(prediction)) if answer else "", _LONGEST_SHOWN),
        "route": {"route": route or "none", "word": ROUTE_WORDS.get(route or "", "No route")},
        "outcome": _OUTCOME_WORDS[prediction.outcome],
        "confidence": _confidence(prediction.confidence),
        "attempts": str(sum(attempt.outcome != "skipped" for attempt in prediction.attempts)),
        "duration_ms": formats.duration(prediction.duration_ms),
        "cost_usd": formats.money(prediction.cost_usd),
        "saved": formats.money(prediction.saved_usd),
        "policy": prediction.policy,
        "session": prediction.session_id or "",
        "created_at": {"iso": prediction.created_at.isoformat(), "exact": formats.exact(prediction.created_at)},
    }


def _confidence(value: float | None) -> dict[str, Any] | None:
    if value is None:
        return None
    tip = f"Of answers marked like this, {formats.share(value)} were right."
    return {"share": value, "text": formats.probability(value), "tip": tip}


def _labels(prediction: Prediction) -> str:
    labels = prediction.answer.labels if prediction.answer else None
    return ", ".join(label.label for label in labels or ())

"""The store of predictions: each is added once, with its ledger line and, if it waits for a person, its review.

What is stored never changes; what is read has the state and the decision of its review laid over it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import Any, get_args

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Connection, Insert, Row, Text, and_, bindparam, cast, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from signalbox.errors import InvalidInput, NotFound, UnknownName
from signalbox.storage import rows
from signalbox.storage.database import Database
from signalbox.storage.ordering import Order, Sort
from signalbox.storage.overlay import with_review
from signalbox.storage.review_rows import StoredReview
from signalbox.storage.reviews import REVIEW_COLUMNS
from signalbox.storage.schema import ledger, predictions, reviews
from signalbox.storage.texts import plain
from signalbox.types import ROUTES, Outcome, Prediction, Route, utc_now

MAX_LIMIT = 1000
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_FILTER_ROUTES: tuple[str, ...] = (*ROUTES, "review")
_INSERT_NEW: dict[str, Insert] = {
    "sqlite": sqlite.insert(predictions).on_conflict_do_nothing(index_elements=["id"]),
    "postgresql": postgresql.insert(predictions).on_conflict_do_nothing(index_elements=["id"]),
}

_INSERT_LEDGER = insert(ledger).inline()
_INSERT_REVIEW = insert(reviews)

# A prediction with its review, whose columns are null where there is none.
_SELECT = select(predictions.c.created_at, *REVIEW_COLUMNS).join_from(
    predictions, reviews, reviews.c.prediction_id == predictions.c.id, isouter=True
)
_ONE = _SELECT.where(predictions.c.id == bindparam("key"))

_Also = Callable[[Connection, str], None]
_also: ContextVar[_Also | None] = ContextVar("also", default=None)


@contextmanager
def written_with(work: _Also) -> Iterator[None]:
    """Within it, a prediction is added after `work(connection, prediction_id)`, together with it: both, or neither.

    First, so that the rows it locks are locked before any other, and what it refuses costs no more than that.
    """
    token = _also.set(work)
    try:
        yield
    finally:
        _also.reset(token)


class PredictionStore:
    """Predictions in `database`, which stays the caller's to close. `clock` tells whether a review is still claimed."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def add(self, prediction: Prediction) -> None:
        """Store `prediction`; when this returns, it survives a crash. An id that is there already is left as it is.

        Raises:
            InvalidInput: it can't be stored; `field` says why.
            Conflict: its review's id belongs to another prediction.
            Overloaded: too many writes are waiting; nothing was stored.
            Unavailable: nothing is known to be stored. Adding it again is safe.
        """
        rows.check(prediction)
        row = rows.prediction_row(prediction)
        money = rows.ledger_row(prediction)
        review = rows.review_row(prediction)
        also = _also.get()

        def work(connection: Connection) -> None:
            if also is not None:
                also(connection, prediction.id)
            if not _insert_new(connection, row):
                return
            connection.execute(_INSERT_LEDGER, money)
            if review is not None:
                connection.execute(_INSERT_REVIEW, review)

        await self._database.write(work)

    async def get(self, id: str) -> Prediction:  # noqa: A002 - the word for it everywhere else
        """The prediction called `id`; once a person has decided, with that decision.

        Raises:
            NotFound: there is none.
            CorruptArtefact: it can't be read.
        """
        row = await self._database.read(lambda connection: connection.execute(_ONE, {"key": plain(id)}).one_or_none())
        if row is None:
            raise NotFound(f"There is no prediction {id!r}.", field="id")
        return self._prediction(id, row)

    async def list(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        outcome: Outcome | None = None,
        route: Route | str | None = None,
        since: datetime | None = None,
        session_id: str | None = None,
        min_confidence: float | None = None,
        max_confidence: float | None = None,
        text: str | None = None,
        sort: Sort = "created_at",
        descending: bool = True,
    ) -> tuple[list[Prediction], str | None]:
        """A page of predictions, newest first, and the cursor of the next page (None: this was the last).

        Following cursors shows each prediction exactly once, whatever is added meanwhile.

        Args:
            limit: most to return, 1 to 1000; with `text` a page may hold fewer and have a next one nevertheless.
            since: the earliest `created_at` to show.
            min_confidence, max_confidence: inclusive; either leaves out those without a confidence.
            text: only those whose id is this, or whose query or answer, a person's too, has it, in capitals or not.
            sort, descending: another order; a cursor belongs to the order it was given for.

        Raises:
            InvalidInput: a limit, cursor or time that can't be.
            UnknownName: there is no such outcome, route or sort.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise InvalidInput(f"limit is {limit}; give 1 to {MAX_LIMIT}.", field="limit")
        table = predictions.c
        order = Order(sort, descending)
        query = _SELECT.with_only_columns(order.value, *_SELECT.selected_columns, table.id.label("key"))
        if outcome is not None:
            query = query.where(_has_outcome(_known("outcome", outcome, _OUTCOMES)))
        if route is not None:
            query = query.where(_took_route(_known("route", route, _FILTER_ROUTES)))
        if since is not None:
            if since.tzinfo is None:
                raise InvalidInput("since has no time zone; append Z for UTC.", field="since")
            try:
                query = query.where(table.created_at >= since.astimezone(UTC))
            except OverflowError:
                raise InvalidInput("since lies outside the years 1 to 9999 in UTC.", field="since") from None
        if session_id is not None:
            query = query.where(table.session_id == plain(session_id))
        if min_confidence is not None:
            query = query.where(table.confidence >= min_confidence, reviews.c.outcome.is_(None))
        if max_confidence is not None:
            query = query.where(table.confidence <= max_confidence, reviews.c.outcome.is_(None))
        if text:
            query = query.where(_may_have(text))
        query = order.applied(query, cursor).limit(limit + 1)

        def work(connection: Connection) -> tuple[list[Prediction], str | None]:
            found = connection.execute(query).all()
            items = [self._prediction(row.key, row[1:-1]) for row in found[:limit]]
            last = found[limit - 1] if len(found) > limit else None
            following = None if last is None else order.cursor(last[0], last.key)
            return [item for item in items if not text or _has(item, text.casefold())], following

        return await self._database.read(work)

    async def spent_usd(self, day: date) -> float:
        """What all predictions made on `day` (UTC) cost together, in US dollars."""
        if isinstance(day, datetime):
            raise InvalidInput("day is a moment; give a date.", field="day")
        return float(
            await self._database.read(
                lambda connection: connection.execute(
                    select(func.coalesce(func.sum(ledger.c.cost_usd), 0.0)).where(ledger.c.day == day)
                ).scalar_one()
            )
        )

    def _prediction(self, id: str, row: Row[Any] | tuple[Any, ...]) -> Prediction:  # noqa: A002
        review = StoredReview(*row[1:])
        prediction = rows.from_body(id, review.body)
        return prediction if review.id is None else with_review(prediction, review, self._clock())


def _has_outcome(outcome: str) -> ColumnElement[bool]:
    """As the review leaves it."""
    if outcome == "in_review":
        return and_(predictions.c.outcome == outcome, reviews.c.outcome.is_(None))
    return or_(predictions.c.outcome == outcome, reviews.c.outcome == outcome)


def _took_route(route: str) -> ColumnElement[bool]:
    if route == "review":
        return or_(predictions.c.route == route, reviews.c.outcome.is_not(None))
    return and_(predictions.c.route == route, reviews.c.outcome.is_(None))


def _may_have(text: str) -> ColumnElement[bool]:
    """Whether the JSON of the body, or what a person decided, has the text; the database can't tell more cheaply."""
    written = to_json(plain(text)).decode()[1:-1]
    return or_(
        cast(predictions.c.body, Text).icontains(written, autoescape=True),
        reviews.c.correction.icontains(plain(text), autoescape=True),
        reviews.c.labels.icontains(json.dumps(plain(text), ensure_ascii=False)[1:-1], autoescape=True),
    )


def _has(prediction: Prediction, folded: str) -> bool:
    texts = [prediction.query]
    if prediction.answer is not None:
        texts += [prediction.answer.text, prediction.answer.short]
        texts += [found.label for found in prediction.answer.labels or ()]
    return folded == prediction.id.casefold() or any(text is not None and folded in text.casefold() for text in texts)


def _insert_new(connection: Connection, row: dict[str, Any]) -> bool:
    """Insert unless the id is there; True if it was not. Two at once with one id: the second waits for the first."""
    statement = _INSERT_NEW[connection.dialect.name]
    return connection.execute(statement, row, execution_options={"preserve_rowcount": True}).rowcount == 1


def _known(field: str, value: str, names: tuple[str, ...]) -> str:
    if value not in names:
        raise UnknownName(f"There is no {field} {value!r}; there are {', '.join(names)}.", field=field)
    return value

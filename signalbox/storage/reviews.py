"""The reviews' rows: read, locked, saved, and the events and skips beside them. When one may change is not known here.

A `ReviewTable` lives as long as the transaction of its connection. Rows that will change are read with a lock, which
PostgreSQL needs and SQLite, with its one writer, ignores.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from signalbox.storage.many_rows import many_inserts, many_updates
from signalbox.storage.review_rows import ReviewFilter, StoredEvent, StoredReview
from signalbox.storage.schema import predictions, review_events, review_skips, reviews
from signalbox.storage.texts import plain

_CLAIM = ("state", "version", "claimed_by", "claimed_at", "lease_expires_at")
_MUTABLE = (
    *_CLAIM,
    "outcome",
    "verdict",
    "correction",
    "labels",
    "numbers",
    "comment",
    "decided_by",
    "decided_at",
)
REVIEW_COLUMNS = [
    predictions.c.body if field.name == "body" else reviews.c[field.name].label(field.name)
    for field in fields(StoredReview)
]
# Built once: building a statement takes longer than running it. Locks leave the key to be referred to (`key_share`):
# a webhook's outcome, written down while someone decides, would otherwise wait for him while he waits for the webhook.
_SELECT = select(*REVIEW_COLUMNS).join_from(reviews, predictions, reviews.c.prediction_id == predictions.c.id)
_ONE = _SELECT.where(reviews.c.id == bindparam("id"))
_ONE_LOCKED = _ONE.with_for_update(of=reviews, key_share=True)
_NEXT = (
    _SELECT.where(reviews.c.state == "waiting")
    .order_by(reviews.c.rank.desc(), reviews.c.id.desc())
    .limit(bindparam("most"))
    .with_for_update(of=reviews, key_share=True, skip_locked=True)
)
# No join: a planner without statistics looks each waiting review up among the skips, and there may be thousands.
_SKIPPED = select(review_skips.c.reviewer, review_skips.c.review_id).where(
    review_skips.c.reviewer.in_(bindparam("reviewers", expanding=True)), review_skips.c.until > bindparam("now")
)
_STATES = select(reviews.c.id, reviews.c.state).where(reviews.c.id.in_(bindparam("ids", expanding=True)))
_ALL_LOCKED = (
    _SELECT.where(reviews.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(reviews.c.id)
    .with_for_update(of=reviews, key_share=True)
)
_EXPIRED = (
    select(reviews.c.id, reviews.c.claimed_by, reviews.c.version)
    .where(reviews.c.state == "claimed", reviews.c.lease_expires_at <= bindparam("now"))
    .order_by(reviews.c.lease_expires_at)
    .limit(bindparam("most"))
    .with_for_update(key_share=True, skip_locked=True)
)
_FREE = (
    update(reviews)
    .where(reviews.c.id == bindparam("key"))
    .values(state="waiting", claimed_by=None, claimed_at=None, lease_expires_at=None)
)
_SAVE = many_updates(reviews, "id", _MUTABLE)
_SAVE_CLAIMS = many_updates(reviews, "id", _CLAIM)
_ADD_EVENTS = many_inserts(review_events, ("review_id", "at", "kind", "by", "version", "details"))
_HISTORY = (
    select(review_events)
    .where(review_events.c.review_id == bindparam("id"))
    .order_by(review_events.c.id.desc())
    .limit(bindparam("most"))
)


class ReviewTable:
    """The reviews as `connection`'s transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, id: str, *, lock: bool = False) -> StoredReview | None:  # noqa: A002
        row = self._connection.execute(_ONE_LOCKED if lock else _ONE, {"id": plain(id)}).one_or_none()
        return None if row is None else StoredReview(*row)

    def next_waiting(self, most: int) -> list[StoredReview]:
        """The first of the queue, locked; those that another transaction has locked are left out."""
        return _records(self._connection.execute(_NEXT, {"most": most}))

    def skipped_by(self, reviewers: Collection[str], now: datetime) -> dict[str, set[str]]:
        """Which waiting reviews each of them is not to be given at `now`."""
        skips = self._connection.execute(_SKIPPED, {"reviewers": list(reviewers), "now": now}).all()
        if not skips:
            return {}
        states = self._connection.execute(_STATES, {"ids": list({row.review_id for row in skips})})
        waiting = {row.id for row in states if row.state == "waiting"}
        found: dict[str, set[str]] = {}
        for row in skips:
            if row.review_id in waiting:
                found.setdefault(row.reviewer, set()).add(row.review_id)
        return found

    def free_expired(self, now: datetime, most: int) -> int:
        """Put back what is held longer than its lease, `most` at once, and say so in the history."""
        found = self._connection.execute(_EXPIRED, {"now": now, "most": most}).all()
        if found:
            self._connection.execute(_FREE, [{"key": row.id} for row in found])
            _ADD_EVENTS.write(
                self._connection, [_event(row.id, now, "expired", row.claimed_by, row.version, {}) for row in found]
            )
        return len(found)

    def get_all(self, ids: Collection[str]) -> dict[str, StoredReview]:
        """Those of them that are there, locked; always in the same order, so that no two wait for each other."""
        found = self._connection.execute(_ALL_LOCKED, {"ids": [plain(name) for name in ids]})
        return {record.id: record for record in _records(found)}

    def save(self, *records: StoredReview) -> None:
        """Write what can change of them. They were read with a lock."""
        _SAVE.write(self._connection, _values(records, _MUTABLE))

    def save_claims(self, records: Sequence[StoredReview]) -> None:
        """The same for those that only their claim has changed."""
        _SAVE_CLAIMS.write(self._connection, _values(records, _CLAIM))

    def add_events(
        self, at: datetime, events: Sequence[tuple[str, str | None, StoredReview, Mapping[str, Any]]]
    ) -> None:
        """Each of a kind, by someone, on an item, with details."""
        values = [_event(record.id, at, kind, by, record.version, details) for kind, by, record, details in events]
        _ADD_EVENTS.write(self._connection, values)

    def events(self, id: str, most: int) -> list[StoredEvent]:  # noqa: A002
        """The latest `most`, oldest first."""
        found = self._connection.execute(_HISTORY, {"id": plain(id), "most": most}).all()
        return [
            StoredEvent(row.at, row.kind, row.by, row.version, json.loads(row.details) if row.details else {})
            for row in reversed(found)
        ]

    def skip(self, id: str, reviewer: str, now: datetime, until: datetime) -> None:  # noqa: A002
        """`reviewer` is not to be given it before `until`; what is over of his skips is removed."""
        table = review_skips.c
        self._connection.execute(delete(review_skips).where(table.reviewer == reviewer, table.until <= now))
        self.unskip(id, reviewer)
        self._connection.execute(insert(review_skips), {"review_id": id, "reviewer": reviewer, "until": until})

    def unskip(self, id: str, reviewer: str) -> None:  # noqa: A002
        table = review_skips.c
        self._connection.execute(delete(review_skips).where(table.review_id == id, table.reviewer == reviewer))

    def page(
        self, wanted: ReviewFilter, now: datetime, limit: int, after: tuple[Any, str] | None = None
    ) -> list[StoredReview]:
        """In the queue's order; decided ones, where only they are wanted, latest first. `after` is a `place`."""
        key = _order(wanted)
        query = _SELECT.where(*_conditions(wanted, now))
        if after is not None:
            value, last = after
            query = query.where(and_(key <= value, or_(key < value, reviews.c.id < last)))
        return _records(self._connection.execute(query.order_by(key.desc(), reviews.c.id.desc()).limit(limit)))

    def counts(self, now: datetime) -> dict[str, int]:
        """By state; a claim whose lease is over counts as waiting."""
        rows = self._connection.execute(select(reviews.c.state, func.count()).group_by(reviews.c.state)).all()
        found = {"waiting": 0, "claimed": 0, "decided": 0} | {str(row[0]): int(row[1]) for row in rows}
        over = self._connection.execute(
            select(func.count()).where(reviews.c.state == "claimed", reviews.c.lease_expires_at <= now)
        ).scalar_one()
        return found | {"waiting": found["waiting"] + over, "claimed": found["claimed"] - over}

    def oldest_open(self) -> datetime | None:
        # State by state: an index gives the first of each, where it would have to be looked for among all decided ones.
        firsts = (
            select(func.min(reviews.c.created_at)).where(reviews.c.state == state) for state in ("waiting", "claimed")
        )
        first = [self._connection.execute(query).scalar_one() for query in firsts]
        return min((moment for moment in first if moment is not None), default=None)

    def latest_decisions(self, most: int) -> Sequence[Any]:
        """created_at, claimed_at, decided_at, verdict, decided_by and the provisional answer's confidence."""
        table = reviews.c
        query = (
            select(
                table.created_at,
                table.claimed_at,
                table.decided_at,
                table.verdict,
                table.decided_by,
                predictions.c.confidence,
            )
            .join_from(reviews, predictions, table.prediction_id == predictions.c.id)
            .where(table.state == "decided")
            .order_by(table.decided_at.desc(), table.id.desc())
            .limit(most)
        )
        return self._connection.execute(query).all()

    def decided_among(self, prediction_ids: Iterable[str]) -> set[str]:
        """Which of the predictions' reviews are decided."""
        table = reviews.c
        query = select(table.prediction_id).where(
            table.state == "decided", table.prediction_id.in_([plain(name) for name in prediction_ids])
        )
        return set(self._connection.execute(query).scalars())


def place(record: StoredReview, wanted: ReviewFilter) -> tuple[Any, str]:
    """Where `record` stands in the order of `page`."""
    return record.decided_at if wanted.state == "decided" else record.rank, record.id


def _order(wanted: ReviewFilter) -> ColumnElement[Any]:
    return reviews.c.decided_at if wanted.state == "decided" else reviews.c.rank


def _conditions(wanted: ReviewFilter, now: datetime) -> list[ColumnElement[bool]]:
    table = reviews.c
    over = and_(table.state == "claimed", table.lease_expires_at <= now)
    conditions: list[ColumnElement[bool]] = []
    if wanted.state == "waiting":
        conditions.append(or_(table.state == "waiting", over))
    elif wanted.state == "claimed":
        conditions += [table.state == "claimed", table.lease_expires_at > now]
    elif wanted.state is not None:
        conditions.append(table.state == wanted.state)
    if wanted.reason is not None:
        conditions.append(table.reason.icontains(plain(wanted.reason), autoescape=True))
    if wanted.text is not None:
        conditions.append(table.search_text.contains(plain(wanted.text.casefold()), autoescape=True))
    if wanted.claimed_by is not None:
        conditions += [table.claimed_by == plain(wanted.claimed_by), table.lease_expires_at > now]
    if wanted.decided_by is not None:
        conditions.append(table.decided_by == plain(wanted.decided_by))
    if wanted.verdict is not None:
        conditions.append(table.verdict == wanted.verdict)
    return conditions


def _records(rows: Iterable[Any]) -> list[StoredReview]:
    return [StoredReview(*row) for row in rows]


def _values(records: Iterable[StoredReview], names: Sequence[str]) -> list[dict[str, Any]]:
    return [{name: getattr(record, name) for name in ("id", *names)} for record in records]


def _event(
    review_id: str, at: datetime, kind: str, by: str | None, version: int, details: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "review_id": review_id,
        "at": at,
        "kind": kind,
        "by": by,
        "version": version,
        "details": json.dumps(dict(details), ensure_ascii=False) if details else None,
    }

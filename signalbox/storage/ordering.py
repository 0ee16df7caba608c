"""In which order predictions are listed, and the cursors that lead from page to page of each order.

A cursor holds the last row's value and id, so a list goes on behind that row whatever is added meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Select, and_, func, or_

from signalbox.errors import InvalidInput, UnknownName
from signalbox.storage.schema import predictions
from signalbox.storage.texts import plain

Sort = Literal["created_at", "confidence", "cost_usd", "duration_ms"]
_NO_CONFIDENCE = -1.0


@dataclass(frozen=True, slots=True)
class Order:
    """By `sort`, then by id in the same direction. Predictions without a confidence are the least confident."""

    sort: Sort = "created_at"
    descending: bool = True

    def __post_init__(self) -> None:
        if self.sort not in get_args(Sort):
            raise UnknownName(f"There is no sort {self.sort!r}; there are {', '.join(get_args(Sort))}.", field="sort")

    @property
    def value(self) -> ColumnElement[Any]:
        """What a row is ordered by; select it as the first column."""
        column: ColumnElement[Any] = predictions.c[self.sort]
        return func.coalesce(column, _NO_CONFIDENCE) if self.sort == "confidence" else column

    def applied(self, query: Select[Any], cursor: str | None) -> Select[Any]:
        """`query` in this order, behind `cursor`. Raises InvalidInput for a cursor that is not one of this order."""
        value, key = self.value, predictions.c.id
        if cursor is not None:
            last, id_ = self._read(cursor)
            if self.descending:
                query = query.where(and_(value <= last, or_(value < last, key < id_)))
            else:
                query = query.where(and_(value >= last, or_(value > last, key > id_)))
        return query.order_by(*(column.desc() if self.descending else column.asc() for column in (value, key)))

    def cursor(self, value: Any, id: str) -> str:  # noqa: A002 - the word for it everywhere else
        """The cursor behind the row with this value and id."""
        written = value.isoformat() if isinstance(value, datetime) else float(value)
        content = [written, id] if self == Order() else [written, id, self._name]
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    @property
    def _name(self) -> str:
        return f"{self.sort} {'descending' if self.descending else 'ascending'}"

    def _read(self, cursor: str) -> tuple[datetime | float, str]:
        try:
            written, last, *name = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if name != ([] if self == Order() else [self._name]):
                raise ValueError("of another order")
            return self._value(written), plain(last)
        except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error):
            raise InvalidInput(
                "cursor is not one we gave for this order; use next_cursor of the page before, unchanged.",
                field="cursor",
            ) from None

    def _value(self, written: Any) -> datetime | float:
        if self.sort != "created_at":
            number = float(written)
            if not math.isfinite(number):
                raise ValueError("no number")
            return number
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.astimezone(UTC)

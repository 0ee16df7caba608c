"""The tables as they are now; `migrations/versions` says how a database gets here, and a test holds the two together.

The columns beside `predictions.body` are copies of what lists, sums and filters need; the body is the record.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    cast,
)
from sqlalchemy.types import UserDefinedType


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, returned in UTC. SQLite has no such type, so there it is UTC text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(UserDefinedType[str]):
    """A column of type JSON whose value here is the JSON text itself, unparsed: pydantic parses it far faster."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "JSON"

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(column, Text)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# `body` is JSON and not JSONB: JSONB refuses the NUL character, which a query may contain, and reorders keys.
predictions = Table(
    "predictions",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("route", String(16)),
    Column("confidence", Double),
    Column("policy", Text, nullable=False),
    Column("cost_usd", Double, nullable=False),
    Column("saved_usd", Double, nullable=False),
    Column("duration_ms", Double, nullable=False),
    Column("query_hash", String(64)),
    Column("session_id", Text),
    Column("body", JsonText, nullable=False),
    CheckConstraint("length(id) > 0", name="id"),
    CheckConstraint("outcome IN ('answered', 'in_review', 'refused')", name="outcome"),
    CheckConstraint("route IN ('classifier', 'grounded', 'cloud', 'review')", name="route"),
    CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    CheckConstraint("cost_usd >= 0", name="cost_usd"),
    CheckConstraint("duration_ms >= 0", name="duration_ms"),
    Index(None, "created_at", "id"),
    Index(None, "outcome", "created_at", "id"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("prediction_id", String(200), ForeignKey("predictions.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("day", Date, nullable=False),
    Column("route", String(16)),
    Column("model", Text),
    Column("cost_usd", Double, nullable=False),
    Column("saved_usd", Double, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    UniqueConstraint("prediction_id"),
    CheckConstraint("cost_usd >= 0", name="cost_usd"),
    CheckConstraint("input_tokens >= 0 AND output_tokens >= 0", name="tokens"),
    Index(None, "day"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("prediction_id", String(200), ForeignKey("predictions.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("version", Integer, nullable=False),
    UniqueConstraint("prediction_id"),
    CheckConstraint("length(id) > 0", name="id"),
    CheckConstraint("state IN ('waiting', 'claimed', 'decided')", name="state"),
    CheckConstraint("version >= 1", name="version"),
    Index(None, "state", "created_at"),
)

# One row a day (UTC) and account. Billionths of a US dollar, since sums of floats would not be exact; `taken` is what
# processes have spent or hold to spend.
spending = Table(
    "spending",
    metadata,
    Column("day", Date, primary_key=True),
    Column("account", String(200), primary_key=True),
    Column("taken_nusd", BigInteger, nullable=False),
    CheckConstraint("length(account) > 0", name="account"),
    CheckConstraint("taken_nusd >= 0", name="taken_nusd"),
)

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
    # `rank` orders the queue, highest first: the priority less the age's share, see `priority.queue_rank`.
    Column("priority", Double, nullable=False, server_default="0.5"),
    Column("rank", Double, nullable=False, server_default="0"),
    Column("search_text", Text),
    Column("webhook_url", Text),
    Column("claimed_by", Text),
    Column("claimed_at", UtcDateTime),
    Column("lease_expires_at", UtcDateTime),
    # What the decision made of the prediction, which itself stays as it was.
    Column("outcome", String(16)),
    Column("verdict", String(16)),
    Column("correction", Text),
    Column("labels", Text),
    Column("numbers", Text),
    Column("comment", Text),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    UniqueConstraint("prediction_id"),
    CheckConstraint("length(id) > 0", name="id"),
    CheckConstraint("state IN ('waiting', 'claimed', 'decided')", name="state"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("outcome IN ('answered', 'refused')", name="outcome"),
    CheckConstraint("verdict IN ('right', 'wrong', 'unanswerable', 'unsafe')", name="verdict"),
    Index(None, "state", "created_at"),
    Index(None, "state", "rank", "id"),
    Index(None, "state", "lease_expires_at"),
    Index(None, "state", "decided_at", "id"),
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

# What happened to each review, in order; rows are only ever added.
review_events = Table(
    "review_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("review_id", String(200), ForeignKey("reviews.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("by", Text),
    Column("version", Integer, nullable=False),
    Column("details", Text),
    Index(None, "review_id", "id"),
)

# Who is not given a review again for a while, because he has skipped it.
review_skips = Table(
    "review_skips",
    metadata,
    Column("review_id", String(200), ForeignKey("reviews.id"), primary_key=True),
    Column("reviewer", String(200), primary_key=True),
    Column("until", UtcDateTime, nullable=False),
    Index(None, "reviewer", "until"),
)

# Calls to make after decisions: written with the decision, so that none is forgotten.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("review_id", String(200), ForeignKey("reviews.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("caller", Text),
    Column("payload", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    CheckConstraint("state IN ('pending', 'delivered', 'given_up', 'withdrawn')", name="state"),
    CheckConstraint("attempts >= 0", name="attempts"),
    Index(None, "state", "next_at"),
    Index(None, "review_id"),
)

# People's judgement of answers; the latest of each person counts, the earlier ones are kept.
verdicts = Table(
    "verdicts",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("prediction_id", String(200), ForeignKey("predictions.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("comment", Text),
    CheckConstraint("verdict IN ('right', 'wrong')", name="verdict"),
    Index(None, "prediction_id", "id"),
)

# Requests that must not be worked on twice, by the caller's own key, for a day.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("caller", String(200), primary_key=True),
    Column("idempotency_key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("claim", String(64), nullable=False),
    Column("claimed_until", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("prediction_id", String(200)),
    Index(None, "expires_at"),
)

# Keys as SHA-256 digests: what they were can't be read here. Rows stay when a key is revoked.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("daily_cap_usd", Double),
    Column("rate_per_minute", Integer),
    CheckConstraint("length(id) = 12", name="id"),
    CheckConstraint("length(digest) = 64", name="digest"),
    CheckConstraint("role IN ('admin', 'reviewer', 'service', 'viewer')", name="role"),
    CheckConstraint("daily_cap_usd >= 0", name="daily_cap_usd"),
    CheckConstraint("rate_per_minute >= 1", name="rate_per_minute"),
)

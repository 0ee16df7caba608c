"""Who holds and who decided a review, its history, calls to make after it, and verdicts on answers."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TIME = sa.DateTime(timezone=True)
_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _extend_reviews()
    _rank_those_there()
    op.create_table(
        "review_events",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("review_id", sa.String(200), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("by", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("details", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_events")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_review_events_review_id")),
    )
    op.create_index(op.f("ix_review_events_review_id_id"), "review_events", ["review_id", "id"])
    op.create_table(
        "review_skips",
        sa.Column("review_id", sa.String(200), nullable=False),
        sa.Column("reviewer", sa.String(200), nullable=False),
        sa.Column("until", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("review_id", "reviewer", name=op.f("pk_review_skips")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_review_skips_review_id")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("review_id", sa.String(200), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_webhooks_review_id")),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'given_up', 'withdrawn')", name=op.f("ck_webhooks_state")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_webhooks_attempts")),
    )
    op.create_index(op.f("ix_webhooks_state_next_at"), "webhooks", ["state", "next_at"])
    op.create_index(op.f("ix_webhooks_review_id"), "webhooks", ["review_id"])
    op.create_table(
        "verdicts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("prediction_id", sa.String(200), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("comment", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
        sa.ForeignKeyConstraint(["prediction_id"], ["predictions.id"], name=op.f("fk_verdicts_prediction_id")),
        sa.CheckConstraint("verdict IN ('right', 'wrong')", name=op.f("ck_verdicts_verdict")),
    )
    op.create_index(op.f("ix_verdicts_prediction_id_id"), "verdicts", ["prediction_id", "id"])


def _extend_reviews() -> None:
    """Rules stand at their columns: SQLite can't add them to a table otherwise without copying it."""
    time, number = ("DATETIME", "DOUBLE") if _is_sqlite() else ("TIMESTAMP WITH TIME ZONE", "DOUBLE PRECISION")
    for column in (
        f"priority {number} DEFAULT 0.5 NOT NULL",
        f"rank {number} DEFAULT 0 NOT NULL",
        "search_text TEXT",
        "webhook_url TEXT",
        "claimed_by TEXT",
        f"claimed_at {time}",
        f"lease_expires_at {time}",
        "outcome VARCHAR(16) CONSTRAINT ck_reviews_outcome CHECK (outcome IN ('answered', 'refused'))",
        "verdict VARCHAR(16) CONSTRAINT ck_reviews_verdict "
        "CHECK (verdict IN ('right', 'wrong', 'unanswerable', 'unsafe'))",
        "correction TEXT",
        "labels TEXT",
        "comment TEXT",
        "decided_by TEXT",
        f"decided_at {time}",
    ):
        op.execute(f"ALTER TABLE reviews ADD COLUMN {column}")
    op.create_index(op.f("ix_reviews_state_rank_id"), "reviews", ["state", "rank", "id"])
    op.create_index(op.f("ix_reviews_state_lease_expires_at"), "reviews", ["state", "lease_expires_at"])
    op.create_index(op.f("ix_reviews_state_decided_at_id"), "reviews", ["state", "decided_at", "id"])


def _rank_those_there() -> None:
    """Reviews of before get a place by what is known of them: the confidence and the age."""
    connection = op.get_bind()
    epoch = "strftime('%s', r.created_at)" if _is_sqlite() else "extract(epoch FROM r.created_at)"
    found = connection.exec_driver_sql(
        f"SELECT r.id, {epoch}, p.confidence, CAST(p.body AS TEXT) "  # noqa: S608 - of our own words only
        "FROM reviews r JOIN predictions p ON p.id = r.prediction_id"
    ).all()
    change = sa.text("UPDATE reviews SET priority = :priority, rank = :rank, search_text = :text WHERE id = :id")
    for name, seconds, confidence, body in found:
        priority = 0.9 * (1.0 - confidence) if confidence is not None else 0.9
        text = str(json.loads(body).get("query") or "").replace("\x00", " ").casefold()
        connection.execute(
            change, {"priority": priority, "rank": priority - float(seconds) / 86_400, "text": text, "id": name}
        )


def _is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")

"""Predictions, the ledger and reviews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("route", sa.String(16)),
        sa.Column("confidence", sa.Double),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("cost_usd", sa.Double, nullable=False),
        sa.Column("saved_usd", sa.Double, nullable=False),
        sa.Column("duration_ms", sa.Double, nullable=False),
        sa.Column("query_hash", sa.String(64)),
        sa.Column("session_id", sa.Text),
        sa.Column("body", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        sa.CheckConstraint("length(id) > 0", name=op.f("ck_predictions_id")),
        sa.CheckConstraint("outcome IN ('answered', 'in_review', 'refused')", name=op.f("ck_predictions_outcome")),
        sa.CheckConstraint("route IN ('classifier', 'grounded', 'cloud', 'review')", name=op.f("ck_predictions_route")),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_predictions_confidence")),
        sa.CheckConstraint("cost_usd >= 0", name=op.f("ck_predictions_cost_usd")),
        sa.CheckConstraint("duration_ms >= 0", name=op.f("ck_predictions_duration_ms")),
    )
    op.create_index(op.f("ix_predictions_created_at_id"), "predictions", ["created_at", "id"])
    op.create_index(op.f("ix_predictions_outcome_created_at_id"), "predictions", ["outcome", "created_at", "id"])

    op.create_table(
        "ledger",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("prediction_id", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("route", sa.String(16)),
        sa.Column("model", sa.Text),
        sa.Column("cost_usd", sa.Double, nullable=False),
        sa.Column("saved_usd", sa.Double, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.ForeignKeyConstraint(["prediction_id"], ["predictions.id"], name=op.f("fk_ledger_prediction_id")),
        sa.UniqueConstraint("prediction_id", name=op.f("uq_ledger_prediction_id")),
        sa.CheckConstraint("cost_usd >= 0", name=op.f("ck_ledger_cost_usd")),
        sa.CheckConstraint("input_tokens >= 0 AND output_tokens >= 0", name=op.f("ck_ledger_tokens")),
    )
    op.create_index(op.f("ix_ledger_day"), "ledger", ["day"])

    op.create_table(
        "reviews",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("prediction_id", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.ForeignKeyConstraint(["prediction_id"], ["predictions.id"], name=op.f("fk_reviews_prediction_id")),
        sa.UniqueConstraint("prediction_id", name=op.f("uq_reviews_prediction_id")),
        sa.CheckConstraint("length(id) > 0", name=op.f("ck_reviews_id")),
        sa.CheckConstraint("state IN ('waiting', 'claimed', 'decided')", name=op.f("ck_reviews_state")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_reviews_version")),
    )
    op.create_index(op.f("ix_reviews_state_created_at"), "reviews", ["state", "created_at"])

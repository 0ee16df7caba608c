"""API keys, as hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(12), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("daily_cap_usd", sa.Double),
        sa.Column("rate_per_minute", sa.Integer),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.CheckConstraint("length(id) = 12", name=op.f("ck_api_keys_id")),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_api_keys_digest")),
        sa.CheckConstraint("role IN ('admin', 'reviewer', 'service', 'viewer')", name=op.f("ck_api_keys_role")),
        sa.CheckConstraint("daily_cap_usd >= 0", name=op.f("ck_api_keys_daily_cap_usd")),
        sa.CheckConstraint("rate_per_minute >= 1", name=op.f("ck_api_keys_rate_per_minute")),
    )

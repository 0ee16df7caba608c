"""What may no longer be spent of each account's daily cap."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "spending",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("taken_nusd", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "account", name=op.f("pk_spending")),
        sa.CheckConstraint("length(account) > 0", name=op.f("ck_spending_account")),
        sa.CheckConstraint("taken_nusd >= 0", name=op.f("ck_spending_taken_nusd")),
    )

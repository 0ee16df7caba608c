"""Whose webhooks they are, so that one caller can't take all the places of delivery."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("caller", sa.Text))

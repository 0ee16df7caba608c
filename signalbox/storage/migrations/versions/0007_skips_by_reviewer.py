"""What a person has skipped is found by the person: each claim asks for it."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index(op.f("ix_review_skips_reviewer_until"), "review_skips", ["reviewer", "until"])

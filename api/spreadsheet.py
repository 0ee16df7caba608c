"""Predictions as rows of a table that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from signalbox.types import Prediction

COLUMNS = (
    "id",
    "created_at",
    "query",
    "outcome",
    "reason",
    "route",
    "confidence",
    "answer",
    "short",
    "labels",
    "value",
    "cost_usd",
    "saved_usd",
    "duration_ms",
    "policy",
    "session_id",
    "caller",
    "review",
    "warnings",
)
# What spreadsheets take for the beginning of a formula, also in full width, and what they skip before it. Where lists
# are separated by `;`, or the file is read as tab-separated, a cell also begins inside of ours, and with it a formula.
_FORMULA = re.compile(r"(^|[;\t\r\n])([ \u00a0\"]*)([=+\-@＝＋－＠])")
_SKIPPED = tuple("\t\r\n")
Cell = str | float | None


def row_of(prediction: Prediction) -> tuple[Cell, ...]:
    """A cell for each of `COLUMNS`."""
    answer = prediction.answer
    labels = "; ".join(f"{label.task}: {label.label}" for label in (answer.labels if answer else None) or ())
    return (
        prediction.id,
        prediction.created_at.isoformat(),
        prediction.query,
        prediction.outcome,
        prediction.reason,
        prediction.route,
        prediction.confidence,
        answer.text if answer else None,
        answer.short if answer else None,
        labels or None,
        answer.value.estimate if answer and answer.value else None,
        prediction.cost_usd,
        prediction.saved_usd,
        prediction.duration_ms,
        prediction.policy,
        prediction.session_id,
        prediction.caller,
        prediction.review.id if prediction.review else None,
        "; ".join(prediction.warnings) or None,
    )


def line_of(cells: Sequence[Cell]) -> bytes:
    """One line of CSV (RFC 4180). Numbers stay numbers; texts never become formulas."""
    written = io.StringIO()
    csv.writer(written).writerow([_safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return written.getvalue().encode("utf-8", "replace")


def _safe(text: str) -> str:
    text = text.replace("\x00", "\ufffd")
    text = _FORMULA.sub(r"\1'\2\3", text)
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_SKIPPED) else text

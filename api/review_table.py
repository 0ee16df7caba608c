"""Decided reviews as rows of a table; what makes texts safe to open in a spreadsheet is `api.spreadsheet`'s."""

from __future__ import annotations

from collections.abc import Mapping

from api.spreadsheet import Cell
from evaluators.review import ReviewCase

COLUMNS = (
    "id",
    "prediction_id",
    "created_at",
    "query",
    "answer",
    "short",
    "labels",
    "value",
    "confidence",
    "policy",
    "reason",
    "verdict",
    "correction",
    "correct_labels",
    "correct_values",
    "comment",
    "by",
    "at",
)


def row_of(case: ReviewCase) -> tuple[Cell, ...]:
    """A cell for each of `COLUMNS`; `answer` to `confidence` are the provisional answer's."""
    answer = case.answer
    labels = {label.task: label.label for label in (answer.labels if answer else None) or ()}
    return (
        case.id,
        case.prediction_id,
        case.created_at.isoformat(),
        case.query,
        answer.text if answer else None,
        answer.short if answer else None,
        _named(labels),
        answer.value.estimate if answer and answer.value else None,
        case.confidence,
        case.policy,
        case.reason,
        case.verdict,
        case.correction,
        _named(case.labels),
        _named({task: f"{number:.15g}" for task, number in (case.values or {}).items()}),
        case.comment,
        case.by,
        case.at.isoformat(),
    )


def _named(values: Mapping[str, str] | None) -> str | None:
    return "; ".join(f"{task}: {value}" for task, value in (values or {}).items()) or None

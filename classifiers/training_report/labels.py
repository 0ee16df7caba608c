"""What a task with labels gets right and wrong: which labels are confused, each label's figures, doubtful rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Rows
from classifiers.training_report.words import counted
from signalbox.calibration import clopper_pearson
from signalbox.charts import heat_map, percent, reliability
from signalbox.charts.bins import reliability_bins
from signalbox.charts.parts import folded, pictures, said, table

_CONFUSED = 15
_MOST_LABELS = 300
_MOST_DOUBTFUL = 50


def label_parts(task: Mapping[str, Any], drawn: Mapping[str, Any]) -> str:
    """The pictures and tables of one task, from true and said positions of its held-out rows."""
    labels: list[str] = [str(label) for label in task["labels"]]
    truth, guessed = (np.array(drawn.get(name, ()), dtype=np.int64) for name in ("truth", "said"))
    if not len(truth) or len(truth) != len(guessed) or max(truth.max(), guessed.max()) >= len(labels):
        return ""
    seen = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(seen, (truth, guessed), 1)
    probability = np.array(drawn.get("probability", ()), dtype=np.float64)
    diagram = ""
    if len(probability) == len(truth):
        bins = reliability_bins(probability, (truth == guessed).astype(np.float64))
        diagram = reliability(bins, title=f"Reliability of the probability of {task['name']}")
    return "".join(
        (
            said(_worst(labels, seen)),
            pictures(
                ("Labels most confused, counts; right ones are left out", _confusion(task, labels, seen)),
                ("Probability of the label said, and share right", diagram),
            ),
            folded(f"Every label ({len(labels):,}), the hardest first", _each(labels, seen)),
            folded("Rows whose label may be wrong, the most doubtful first", _doubtful(drawn.get("doubtful", ()))),
        )
    )


def _worst(labels: Sequence[str], seen: NDArray[np.int64]) -> str:
    wrong = seen - np.diag(np.diag(seen))
    if not wrong.any():
        return "No held-out row was given a wrong label."
    true, guessed = np.unravel_index(int(wrong.argmax()), wrong.shape)
    pair = (
        f"Most often, “{_short(labels[int(true)])}” is taken for “{_short(labels[int(guessed)])}”: "
        f"{counted(int(wrong[true, guessed]), 'time')}"
    )
    return f"{pair} of {counted(int(seen[true].sum()), 'row')}."


def _confusion(task: Mapping[str, Any], labels: Sequence[str], seen: NDArray[np.int64]) -> str:
    wrong = seen - np.diag(np.diag(seen))
    picked = _most_confused(wrong, ordinal=task.get("kind") == "ordinal")
    if len(picked) < 2 or not wrong.any():
        return ""
    names = [labels[i] for i in picked]
    cells = [[float(value) for value in row] for row in wrong[np.ix_(picked, picked)]]
    return heat_map(
        names,
        names,
        cells,
        title=f"Labels of {task['name']} that are confused",
        row_title="True label",
        column_title="Said",
        description="Counts of held-out rows whose label was wrong, by true and said label.",
    )


def _most_confused(wrong: NDArray[np.int64], *, ordinal: bool) -> list[int]:
    """Labels of the largest cells first, so that pairs stand together; ordered ones, and few, keep their order."""
    k = len(wrong)
    if k <= _CONFUSED:
        return list(range(k))
    found: list[int] = []
    for cell in np.argsort(-wrong, axis=None, kind="stable")[: k * k].tolist():
        for label in divmod(cell, k):
            if label not in found:
                found.append(label)
        if len(found) >= _CONFUSED:
            break
    return sorted(found[:_CONFUSED]) if ordinal else found[:_CONFUSED]


def _each(labels: Sequence[str], seen: NDArray[np.int64]) -> str:
    rows, guessed, hit = seen.sum(axis=1), seen.sum(axis=0), np.diag(seen)
    recall = np.where(rows > 0, hit / np.maximum(rows, 1), 1.0)
    order: Rows = np.lexsort((-rows, recall))[:_MOST_LABELS]
    head = ("Label", "Rows", "Found", "95% interval", "Right when said", "Taken most for")
    return table(head, (_label_row(labels, seen, guessed, i) for i in order.tolist()), numbers=(1, 2, 3, 4))


def _label_row(labels: Sequence[str], seen: NDArray[np.int64], guessed: NDArray[np.int64], i: int) -> tuple[str, ...]:
    rows, hit, claimed = int(seen[i].sum()), int(seen[i, i]), int(guessed[i])
    low, high = clopper_pearson(hit, rows) if rows else (0.0, 1.0)
    others = seen[i].copy()
    others[i] = 0
    worst = int(others.argmax())
    return (
        labels[i],
        f"{rows:,}",
        percent(hit / rows) if rows else "–",
        f"{percent(low)} to {percent(high)}" if rows else "–",
        percent(hit / claimed) if claimed else "–",
        f"{labels[worst]} ({int(others[worst]):,})" if others[worst] else "",
    )


def _doubtful(rows: Sequence[Mapping[str, Any]]) -> str:
    head = ("Text", "Label given", "Its probability", "Label said")
    cells = (
        (str(row["text"]), str(row["label"]), percent(float(row["probability"])), str(row["said"]))
        for row in rows[:_MOST_DOUBTFUL]
        if row["label"] != row["said"]
    )
    return table(head, cells, numbers=(2,))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"

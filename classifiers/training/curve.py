"""What more labels would bring: held-out accuracy of the cheap learner from a few rows a label up to all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.contract import FitContext, Rows, TrainingSet
from classifiers.learners import DEFAULT, make_learner
from classifiers.training.splits import Split
from signalbox.errors import InvalidInput
from signalbox.statistics import share

_STEPS = (2, 5, 10, 20, 50, 100, 200, 500)
_MOST_ROWS = 10_000  # more rows than that cost minutes and tell nothing new


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """`per_label` rows of each label were learnt from, `rows` in all; `accuracy` is of the first task."""

    per_label: int
    rows: int
    accuracy: dict[str, Any]


def learning_curve(data: TrainingSet, split: Split, context: FitContext) -> tuple[CurvePoint, ...]:
    """Points of the first task if it has labels, each with its 95% interval; empty for numbers."""
    task = data.examples.tasks[0]
    if task.kind == "regression":
        return ()
    known = set(data.examples.known(0).tolist())
    fit = np.array([row for row in split.fit if row in known], dtype=np.int64)
    held = np.array([row for row in split.held if row in known], dtype=np.int64)
    if not len(held) or len(fit) > 5 * _MOST_ROWS:
        return ()
    sizes = np.bincount(data.examples.positions(0, fit), minlength=task.width)
    steps = [step for step in _STEPS if step < sizes.max()]
    quiet = FitContext(context.encoder, context.seed)
    points = []
    for number, step in enumerate([*steps, int(sizes.max())]):
        context.progress(number / (len(steps) + 1), f"Learning from {step:,} rows a label")
        rows = _at_most(data, fit, step, context.seed)
        if len(rows) > _MOST_ROWS:
            break
        try:
            model = make_learner(DEFAULT).fit(data.take(rows, split.outside_fit), quiet)
        except InvalidInput:
            continue  # too few rows for another task
        said = model.outputs([data.examples.texts[row] for row in held], data.vectors[held]).scores[0]
        right = said.argmax(axis=1) == data.examples.positions(0, held)
        points.append(CurvePoint(step, len(rows), share(right)))
    return tuple(points)


def _at_most(data: TrainingSet, rows: Rows, step: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    shuffled = random.permutation(rows)
    positions = data.examples.positions(0, shuffled)
    seen: dict[int, int] = {}
    kept = []
    for row, position in zip(shuffled.tolist(), positions.tolist(), strict=True):
        seen[position] = seen.get(position, 0) + 1
        if seen[position] <= step:
            kept.append(row)
    return np.sort(np.array(kept, dtype=np.int64))

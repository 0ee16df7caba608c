"""How well each held-out row was answered, as one number a row: what two learners are compared by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from classifiers.contract import Examples, Floats, Rows, Task
from classifiers.training.crossfit import Held
from signalbox.errors import InvalidInput


def hits(examples: Examples, held: Held, rows: Rows) -> Floats:
    """Mean over a row's tasks, higher is better, shape (len(rows),), NaN where a row has no target at all.

    A right label counts 1; of ordered labels one that is off by all steps counts 0; a number counts minus its absolute
    error, in units of what the median misses by.
    """
    return _mean(examples, held, rows, _hit)


def likelihoods(examples: Examples, held: Held, rows: Rows) -> Floats:
    """As `hits`, but the log-probability of the true label: notices smaller gains than right and wrong do."""
    return _mean(examples, held, rows, _likelihood)


def _mean(examples: Examples, held: Held, rows: Rows, reward: Callable[[Task, Floats, Floats], Floats]) -> Floats:
    place = {int(row): index for index, row in enumerate(held.rows)}
    try:
        found = np.array([place[int(row)] for row in rows], dtype=np.int64)
    except KeyError as error:
        raise InvalidInput(f"row {error} was not held out", field="rows") from None
    total, count = np.zeros(len(rows)), np.zeros(len(rows))
    for index, task in enumerate(examples.tasks):
        truth = examples.targets[rows, index]
        known = ~np.isnan(truth)
        total[known] += reward(task, held.scores[index][found[known]], truth[known])
        count += known
    means: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def _hit(task: Task, scores: Floats, truth: Floats) -> Floats:
    if task.kind == "regression":
        return _error(scores, truth)
    said = scores.argmax(axis=1)
    if task.kind == "ordinal":
        near: Floats = 1.0 - np.abs(said - truth) / (task.width - 1)
        return near
    right: Floats = (said == truth).astype(np.float64)
    return right


def _likelihood(task: Task, scores: Floats, truth: Floats) -> Floats:
    if task.kind == "regression":
        return _error(scores, truth)
    peak = scores.max(axis=1, keepdims=True)
    log_total = peak[:, 0] + np.log(np.exp(scores - peak).sum(axis=1))
    said: Floats = scores[np.arange(len(truth)), truth.astype(np.int64)] - log_total
    return said


def _error(scores: Floats, truth: Floats) -> Floats:
    spread = float(np.mean(np.abs(truth - np.median(truth)))) or 1.0
    error: Floats = -np.abs(scores[:, 0] - truth) / spread
    return error

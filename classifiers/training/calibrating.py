"""From out-of-fold outputs to what an expert is believed by: probabilities, sets, intervals and the confidence.

Nothing here has seen a row that its model learnt from. What is returned beside the fitted parts are figures' raw
material: probabilities, intervals and confidences from parts that were not fitted on the row either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.calibration import (
    Confidence,
    cross_confidence,
    cross_intervals,
    cross_label_sets,
    cross_probabilities,
    fit_confidence,
    fit_intervals,
    fit_label_sets,
    fit_labels,
)
from classifiers.calibration.conformal import SetMethod
from classifiers.calibration.reference import fit_reference
from classifiers.calibration.scope import SCOPE_SIGNALS, Scope, cross_scope, fit_scope, fit_scope_from_unseen
from classifiers.calibration.unseen import can_leave_labels_out, leave_labels_out
from classifiers.contract import Examples, FitContext, Floats, Learner, Outputs, Rows, TrainingSet
from classifiers.experts.expert import known_share
from classifiers.experts.memory import label_groups
from classifiers.experts.reading import TaskReading, probabilities, signal_names, signals
from classifiers.learners.tfidf import words
from classifiers.training.choosing import is_dear
from classifiers.training.crossfit import Held, Part
from signalbox.errors import InvalidInput

_LOST = 0.002  # share of held-out texts in scope that an expert abstains from; new ones are lost more often
_FEWEST_OUTSIDE = 10  # texts out of scope from which they say more than labels left out do


@dataclass(frozen=True)
class HeldTask:
    """One task on the held rows that have a target for it.

    Attributes:
        rows: of the training set, shape (m,); `places` where they are among the held rows.
        probabilities: honest ones, shape (m, labels); `sets` honest label sets of that shape; None for numbers.
        intervals: honest ones, shape (m, 2); None for labels.
        estimates: shape (m,); None for labels.
    """

    rows: Rows
    places: Rows
    probabilities: Floats | None = None
    sets: NDArray[np.bool_] | None = None
    estimates: Floats | None = None
    intervals: Floats | None = None


@dataclass(frozen=True)
class Calibrated:
    """Fitted parts, and honest figures' raw material.

    Attributes:
        right: 1 where every label of a held row is right, 0 where one is not or the text is out of scope; NaN where
            the row has no label. Shape (held rows + held outside,); None for numbers alone.
        held_confidence: from models not fitted on the row, NaN as above.
        held_scope: probability of being in scope of held rows and held texts out of scope, from models not fitted on
            the row; None without texts out of scope.
    """

    readings: tuple[TaskReading, ...]
    confidence: Confidence | None
    scope: Scope | None
    tasks: tuple[HeldTask, ...]
    signals: Floats
    right: Floats | None
    held_confidence: Floats | None
    held_scope: Floats | None


def calibrate(
    data: TrainingSet,
    held: Held,
    learner: Learner,
    context: FitContext,
    *,
    level: float,
    groups: Sequence[Sequence[int]] = (),
) -> Calibrated:
    """Fit everything that turns a model's outputs into answers.

    Args:
        learner: for telling what is out of scope where no example is: it is fitted again without some of the labels.
        level: of label sets and intervals.
        groups: near duplicates, as `splits.related` gives them.

    Raises:
        InvalidInput: a task has no target among the held rows.
    """
    examples, seed = data.examples, context.seed
    readings, tasks = [], []
    inside = held.vectors[: len(held.rows)].astype(np.float64)
    for index, task in enumerate(examples.tasks):
        places = np.flatnonzero(~np.isnan(examples.targets[held.rows, index]))
        if not len(places):
            raise InvalidInput(f"No held-out row has a {task.name!r}: label more rows of it.", field="target")
        rows, scores = held.rows[places], held.scores[index][places]
        if task.kind == "regression":
            estimates, truth = scores[:, 0], examples.targets[rows, index]
            # A model with vectors of its own is fitted again for serving, and what they mean is then another thing.
            vectors = None if is_dear(learner) else inside[places]
            readings.append(
                TaskReading(task, intervals=fit_intervals(estimates, truth, vectors=vectors, level=level, seed=seed))
            )
            honest = cross_intervals(estimates, truth, vectors=vectors, level=level, seed=seed)
            tasks.append(HeldTask(rows, places, estimates=estimates, intervals=honest))
        else:
            positions = examples.positions(index, rows)
            method: SetMethod = "ordinal" if task.kind == "ordinal" else "lac"
            labels = fit_labels(scores, positions, seed=seed)
            crossed = cross_probabilities(scores, positions, seed=seed, method=labels.method)
            sets = fit_label_sets(crossed, positions, level=level, method=method)
            readings.append(TaskReading(task, labels, sets))
            honest_sets = cross_label_sets(crossed, positions, level=level, method=method, seed=seed)
            tasks.append(HeldTask(rows, places, probabilities=crossed, sets=honest_sets))
    values = _signals(data, held, tuple(readings), seed)
    right = _right(examples, held, tasks)
    if right is None:
        return Calibrated(tuple(readings), None, None, tuple(tasks), values, None, None, None)
    known = np.flatnonzero(~np.isnan(right))
    names = signal_names(examples.tasks)
    confidence = fit_confidence(values[known], right[known], names=names, seed=seed)
    honest_confidence = np.full(len(right), np.nan)
    folds = held.folds if len(held.parts) > 1 else np.random.default_rng(seed).integers(5, size=len(right))
    honest_confidence[known] = cross_confidence(values[known], right[known], folds[known], names=names, seed=seed)
    scope, held_scope = _scope(data, held, values, tuple(readings), learner, context, groups)
    return Calibrated(tuple(readings), confidence, scope, tuple(tasks), values, right, honest_confidence, held_scope)


def _scope(
    data: TrainingSet,
    held: Held,
    values: Floats,
    readings: tuple[TaskReading, ...],
    learner: Learner,
    context: FitContext,
    groups: Sequence[Sequence[int]],
) -> tuple[Scope | None, Floats | None]:
    """From texts out of scope, else from labels left out where there are enough of them and fitting again is cheap."""
    own = values[:, : len(SCOPE_SIGNALS)]
    if len(held.outside) >= _FEWEST_OUTSIDE:
        inside = np.repeat([1.0, 0.0], [len(held.rows), len(held.outside)])
        scope = fit_scope(own, inside, rejected=_LOST, seed=context.seed)
        return scope, cross_scope(own, inside, seed=context.seed)
    lead = next(index for index, task in enumerate(data.examples.tasks) if task.kind != "regression")
    temperature = readings[lead].labels
    if len(held.parts) == 1 or temperature is None or not can_leave_labels_out(data, lead):
        return None, None
    unseen = leave_labels_out(data, lead, learner, context, temperature=temperature.temperature, groups=groups)
    return fit_scope_from_unseen(unseen.signals, unseen.inside, own[: len(held.rows)], rejected=_LOST), None


def _right(examples: Examples, held: Held, tasks: Sequence[HeldTask]) -> Floats | None:
    """Of the labels that are answered: the most probable ones once calibrated."""
    if all(own.probabilities is None for own in tasks):
        return None
    n = len(held.rows)
    right, known = np.ones(n), np.zeros(n, dtype=bool)
    for index, own in enumerate(tasks):
        if own.probabilities is not None:
            wrong = own.probabilities.argmax(axis=1) != examples.positions(index, own.rows)
            right[own.places[wrong]] = 0.0
            known[own.places] = True
    return np.concatenate([np.where(known, right, np.nan), np.zeros(len(held.outside))])


def _signals(data: TrainingSet, held: Held, readings: tuple[TaskReading, ...], seed: int) -> Floats:
    """Of the held rows, then the held texts out of scope; each part compared with what its own model learnt from."""
    groups, labels = label_groups(data.examples)
    n = len(held.rows)
    out = np.empty((n + len(held.outside), len(signal_names(data.examples.tasks))))
    for number, part in enumerate(held.parts):
        places = np.flatnonzero(held.folds == number)
        out[places] = _part_signals(data, part, groups, labels, readings, seed)
    return out


def _part_signals(
    data: TrainingSet, part: Part, groups: Rows, labels: int, readings: tuple[TaskReading, ...], seed: int
) -> Floats:
    reference = fit_reference(part.fitted, groups[part.kept], labels, part.fitted_outside, seed=seed)
    texts = data.examples.texts
    known = frozenset(word for row in part.kept for word in words(texts[row]))
    asked = [texts[row] for row in part.split.held] + [data.examples.outside[row] for row in part.split.outside_held]
    outputs = Outputs(part.scores, part.vectors)
    return signals(readings, reference, outputs, known_share(known, asked), probabilities(readings, outputs))

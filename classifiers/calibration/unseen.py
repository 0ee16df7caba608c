"""Texts out of scope where nobody has given any: whole labels are left out of training and played as the unknown.

What it is worth: the texts left out are as near to the kept ones as labels are to each other, which real strangers may
or may not be. It orders texts nearly as well as real examples do; how frequent strangers are it can't know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from classifiers.calibration.folds import dealt
from classifiers.calibration.head_signals import head_signals
from classifiers.calibration.reference import fit_reference
from classifiers.contract import Examples, FitContext, Floats, Learner, Rows, TrainingSet
from signalbox.errors import InvalidInput

_PARTS = 3
_FEWEST_LABELS = 4
_MOST_ROWS = 6_000


@dataclass(frozen=True)
class Unseen:
    """Signals of texts a model had not seen, shape (n, len(SCOPE_SIGNALS)), and 1 where their label was known to it."""

    signals: Floats
    inside: Floats


def can_leave_labels_out(data: TrainingSet, task: int) -> bool:
    """Whether the task has labels enough to leave some out."""
    return data.examples.tasks[task].kind != "regression" and len(data.examples.tasks[task].labels) >= _FEWEST_LABELS


def leave_labels_out(
    data: TrainingSet,
    task: int,
    learner: Learner,
    context: FitContext,
    *,
    temperature: float,
    groups: Sequence[Sequence[int]] = (),
) -> Unseen:
    """Fit three times (twice where labels are few), each time without a share of one task's labels.

    At most 6,000 rows are used, evenly of all labels. Other tasks are left aside.

    Args:
        temperature: what logits are divided by, as the task's calibrator says.
        groups: rows that are near duplicates: of those with one that is held out none is learnt from.

    Raises:
        InvalidInput: the task has fewer than four labels.
    """
    if not can_leave_labels_out(data, task):
        raise InvalidInput(f"labels can only be left out where there are {_FEWEST_LABELS} or more", field="task")
    labels = len(data.examples.tasks[task].labels)
    rows = _sample(data.examples, task, context.seed)
    positions = data.examples.positions(task, rows)
    held = dealt(positions, context.seed) == 0
    twins = ~held & np.isin(rows, [row for group in groups if set(group) & set(rows[held].tolist()) for row in group])
    parts = min(_PARTS, labels // 2)
    part = np.random.default_rng(context.seed).permutation(labels) % parts
    found: list[tuple[Floats, Floats]] = []
    for number in range(parts):
        kept = np.flatnonzero(part != number)
        known = np.isin(positions, kept)
        fitted = _only(data, task, rows[known & ~held & ~twins], kept)
        told = _told(context, number, parts)
        model = learner.fit(fitted, replace(context, progress=told, budget_s=_shared(context.budget_s, parts)))
        seen = model.represent(fitted.examples.texts, fitted.vectors)
        labelled = fitted.examples.positions(0, np.arange(len(fitted.examples)))
        reference = fit_reference(seen, labelled, len(kept), seen[:0], seed=context.seed)
        asked = np.flatnonzero(held)
        said = model.outputs([data.examples.texts[i] for i in rows[asked]], data.vectors[rows[asked]])
        logits = said.scores[0] / temperature
        signals = np.hstack([head_signals([logits]), reference.signals(said.vectors, logits.argmax(axis=1))])
        found.append((signals, known[asked].astype(np.float64)))
    return Unseen(np.concatenate([signals for signals, _ in found]), np.concatenate([inside for _, inside in found]))


def _only(data: TrainingSet, task: int, rows: Rows, kept: Rows) -> TrainingSet:
    """These rows with this task alone, its labels only the kept ones, and nothing out of scope."""
    examples = data.examples
    whole = examples.tasks[task]
    own = np.full(len(whole.labels), -1)
    own[kept] = np.arange(len(kept))
    fewer = replace(whole, labels=tuple(whole.labels[label] for label in kept))
    targets = own[examples.positions(task, rows)].astype(np.float64)[:, None]
    texts = tuple(examples.texts[i] for i in rows)
    return TrainingSet(Examples(texts, (fewer,), targets), data.vectors[rows], data.outside[:0], data.analysed)


def _sample(examples: Examples, task: int, seed: int) -> Rows:
    rows = examples.known(task)
    if len(rows) <= _MOST_ROWS:
        return rows
    # Folds spread every label evenly, so the first of many folds is an even sample.
    parts = int(np.ceil(len(rows) / _MOST_ROWS))
    even: Rows = rows[dealt(examples.positions(task, rows), seed + 1, parts) == 0]
    return even


def _told(context: FitContext, number: int, parts: int) -> Callable[[float, str], None]:
    def told(share: float, stage: str) -> None:
        where = f"Leaving labels out, part {number + 1} of {parts}"
        context.progress((number + share) / parts, f"{where}: {stage}" if stage else where)

    return told


def _shared(budget_s: float | None, parts: int) -> float | None:
    return None if budget_s is None else budget_s / parts

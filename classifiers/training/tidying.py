"""What is taken out before learning, so that no copy of a row judges itself: empty texts and exact duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.contract import Examples, Floats
from classifiers.text.duplicates import exact_groups
from signalbox.errors import InvalidInput


@dataclass(frozen=True)
class Tidied:
    examples: Examples
    times: Floats | None
    notes: tuple[str, ...]


def tidy(examples: Examples, times: Floats | None) -> Tidied:
    """Drop texts that preparation left empty, and of the same texts all but one; say how many.

    Of the same texts with different labels the most frequent label stays, where there is one; numbers are averaged.

    Raises:
        InvalidInput: nothing is left to learn from.
    """
    notes = []
    filled = np.array([bool(text.strip()) for text in examples.texts])
    rows = np.flatnonzero(filled)
    if len(rows) < len(examples):
        notes.append(f"{len(examples) - len(rows):,} rows without a text after preparation were left out.")
    outside = np.array([i for i, text in enumerate(dict.fromkeys(examples.outside)) if text.strip()], dtype=np.int64)
    distinct = tuple(dict.fromkeys(examples.outside))
    kept = Examples(
        tuple(examples.texts[i] for i in rows),
        examples.tasks,
        examples.targets[rows].copy(),
        tuple(distinct[i] for i in outside),
    )
    kept_times = None if times is None else times[rows]
    groups = exact_groups(kept.texts)
    dropped: set[int] = set()
    conflicts = 0
    for group in groups:
        members = list(group)
        conflicts += _merge(kept, members)
        if kept_times is not None:
            kept_times[members[0]] = (
                np.nanmin(kept_times[members]) if (~np.isnan(kept_times[members])).any() else np.nan
            )
        dropped.update(members[1:])
    if dropped:
        notes.append(f"{len(dropped):,} copies of other rows were left out.")
    if conflicts:
        notes.append(
            f"{conflicts:,} texts had several labels; the most frequent one was learnt, or none where there is none."
        )
    left = np.array([i for i in range(len(kept)) if i not in dropped], dtype=np.int64)
    left = left[~np.isnan(kept.targets[left]).all(axis=1)]
    _check(kept, left)
    return Tidied(kept.take(left), None if kept_times is None else kept_times[left], tuple(notes))


def _merge(examples: Examples, members: Sequence[int]) -> bool:
    """Put one target for all into the first of the rows; True where labels were at odds."""
    at_odds = False
    for index, task in enumerate(examples.tasks):
        values = examples.targets[list(members), index]
        values = values[~np.isnan(values)]
        if not len(values):
            continue
        if task.kind == "regression":
            examples.targets[members[0], index] = float(np.mean(values))
            continue
        found, counts = np.unique(values, return_counts=True)
        at_odds |= len(found) > 1
        tied = (counts == counts.max()).sum() > 1
        examples.targets[members[0], index] = np.nan if tied else found[counts.argmax()]
    return at_odds


def _check(examples: Examples, rows: np.ndarray) -> None:
    for index, task in enumerate(examples.tasks):
        targets = examples.targets[rows, index]
        targets = targets[~np.isnan(targets)]
        if task.kind == "regression":
            if len(np.unique(targets)) < 2:
                raise InvalidInput(f"{task.name!r} has one value only: there is nothing to learn.", field="target")
            continue
        counts = np.bincount(targets.astype(np.int64), minlength=task.width)
        short = [label for label, count in zip(task.labels, counts, strict=True) if count < 2]
        if short:
            raise InvalidInput(
                f"{task.name!r} has fewer than 2 different texts for {', '.join(map(repr, short[:5]))}"
                f"{' and others' if len(short) > 5 else ''}: add some, or leave the label out.",
                field="target",
            )

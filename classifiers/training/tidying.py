"""What is taken out before learning, so that no copy of a row judges itself: empty texts and exact duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classifiers.contract import Examples, Floats, Rows, Task
from classifiers.text.canonical import canonical
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
    inside = {canonical(text) for text in examples.texts}
    outside = {canonical(text): text for text in reversed(examples.outside) if text.strip()}
    both = [form for form in outside if form in inside]
    if both:
        notes.append(f"{len(both):,} texts out of scope have a label elsewhere in the data; they count as in scope.")
    kept = Examples(
        tuple(examples.texts[i] for i in rows),
        examples.tasks,
        examples.targets[rows].copy(),
        tuple(reversed([text for form, text in outside.items() if form not in inside])),
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
    tasks, rare = _without_rare(kept, left)
    if rare:
        shown = ", ".join(map(repr, rare[:5])) + (" and others" if len(rare) > 5 else "")
        notes.append(f"Labels with fewer than 2 different texts were left out: {shown}.")
    left = left[~np.isnan(kept.targets[left]).all(axis=1)]
    return Tidied(replace(kept.take(left), tasks=tasks), None if kept_times is None else kept_times[left], tuple(notes))


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


def _without_rare(examples: Examples, rows: Rows) -> tuple[tuple[Task, ...], list[str]]:
    """Tasks without labels that have fewer than two rows, targets numbered anew, and those labels.

    Raises:
        InvalidInput: a task is left with one label, or a number with one value.
    """
    tasks, rare = [], []
    for index, task in enumerate(examples.tasks):
        targets = examples.targets[:, index]
        known = rows[~np.isnan(targets[rows])]
        if task.kind == "regression":
            if len(np.unique(targets[known])) < 2:
                raise InvalidInput(f"{task.name!r} has one value only: there is nothing to learn.", field="target")
            tasks.append(task)
            continue
        counts = np.bincount(targets[known].astype(np.int64), minlength=task.width)
        kept = np.flatnonzero(counts >= 2)
        if len(kept) < 2:
            raise InvalidInput(
                f"{task.name!r} has {len(kept)} labels with 2 different texts or more; at least 2 are needed.",
                field="target",
            )
        number = np.full(task.width, np.nan)
        number[kept] = np.arange(len(kept))
        given = ~np.isnan(targets)
        targets[given] = number[targets[given].astype(np.int64)]
        rare += [task.labels[label] for label in np.flatnonzero(counts < 2)]
        tasks.append(replace(task, labels=tuple(task.labels[label] for label in kept)))
    return tuple(tasks), rare

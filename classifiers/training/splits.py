"""Which rows are learnt from and which are held out: figures are only worth what these keep apart.

Near duplicates stay together, labels are dealt out evenly, and with a time for each row the later ones are held out,
because that is how a served expert meets its texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.contract import Examples, Floats, Rows

FOLDS = 5
_LATER_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers to fit on and row numbers held out, of the texts and of those out of scope."""

    fit: Rows
    held: Rows
    outside_fit: Rows
    outside_held: Rows


def folds(examples: Examples, groups: Sequence[Sequence[int]], *, seed: int, parts: int = FOLDS) -> tuple[Split, ...]:
    """Every row held out once, in `parts` parts.

    Args:
        groups: rows that must not be parted, each in one group at most.
    """
    random = np.random.default_rng(seed)
    fold = _dealt(examples, groups, parts, random)
    outside = random.permutation(np.arange(len(examples.outside))) % parts
    return tuple(
        Split(
            np.flatnonzero(fold != part),
            np.flatnonzero(fold == part),
            np.flatnonzero(outside != part),
            np.flatnonzero(outside == part),
        )
        for part in range(parts)
    )


def one_part(splits: tuple[Split, ...]) -> tuple[Split, ...]:
    """The first split alone: for learners too dear to be fitted five times."""
    return splits[:1]


def later(examples: Examples, times: Floats, *, seed: int) -> tuple[Split, ...]:
    """The last fifth by time held out; rows of the same moment stay together, rows without a time are learnt from."""
    known = np.flatnonzero(~np.isnan(times))
    boundary = np.quantile(times[known], 1 - _LATER_SHARE, method="higher")
    held = known[times[known] >= boundary]
    random = np.random.default_rng(seed)
    outside = random.permutation(np.arange(len(examples.outside)))
    cut = int(len(outside) * (1 - _LATER_SHARE))
    return (Split(np.setdiff1d(np.arange(len(examples)), held), held, np.sort(outside[:cut]), np.sort(outside[cut:])),)


def _dealt(examples: Examples, groups: Sequence[Sequence[int]], parts: int, random: np.random.Generator) -> Rows:
    """A fold a row: each label's rows dealt out evenly, so that no part of the fit lacks a label that has several."""
    n = len(examples)
    leader = np.arange(n)
    for group in groups:
        leader[list(group)] = min(group)
    key = _strata(examples)
    fold = np.zeros(n, dtype=np.int64)
    dealt = 0
    for stratum in np.unique(key):
        members = random.permutation(np.unique(leader[key == stratum]))
        # Going on where the last label ended keeps the folds of small sets equally large.
        fold[members] = (dealt + np.arange(len(members))) % parts
        dealt += len(members)
    return fold[leader]


def _strata(examples: Examples) -> Rows:
    """The label of the first task that a row has one of; numbers by tenths of their order."""
    key = np.full(len(examples), -1, dtype=np.int64)
    start = 0
    for index, task in enumerate(examples.tasks):
        rows = examples.known(index)
        if task.kind == "regression":
            values = examples.targets[rows, index]
            tenths = np.searchsorted(np.quantile(values, np.linspace(0.1, 0.9, 9)), values) if len(values) else values
            own = tenths.astype(np.int64)
        else:
            own = examples.positions(index, rows)
        free = key[rows] < 0
        key[rows[free]] = start + own[free]
        start += max(task.width, 10)
    return key

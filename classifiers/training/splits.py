"""Which rows are learnt from and which are held out: figures are only worth what these keep apart.

Near duplicates stay together, labels are dealt out evenly, and with a time for each row the later ones are held out,
because that is how a served expert meets its texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.contract import Examples, Floats, Rows
from classifiers.text.duplicates import near_groups
from signalbox.errors import InvalidInput

FOLDS = 5
_FEWEST_TIMES = 20
_MOST_LATER = 0.5
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
        groups: what must not be parted, as `related` gives it: rows, and texts out of scope counted on after them.
    """
    random = np.random.default_rng(seed)
    leader = _leaders(examples, groups)
    fold = _dealt(examples, leader[: len(examples)], parts, random)
    outside = _dealt_outside(leader, fold, parts, random)
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


def later(examples: Examples, times: Floats, groups: Sequence[Sequence[int]], *, seed: int) -> tuple[Split, ...]:
    """The last fifth by time held out, what is learnt from rid of its near duplicates.

    Rows of the same moment stay together, rows without a time are learnt from.

    Raises:
        InvalidInput: the times don't part the rows: too few are known, or too many are the same.
    """
    known = np.flatnonzero(~np.isnan(times))
    if len(known) < _FEWEST_TIMES:
        raise InvalidInput(f"{len(known)} rows have a time; at least {_FEWEST_TIMES} are needed.", field="time")
    boundary = np.quantile(times[known], 1 - _LATER_SHARE, method="higher")
    held = known[times[known] >= boundary]
    leader = _leaders(examples, groups)
    fit = np.setdiff1d(np.arange(len(examples)), held)
    fit = fit[~np.isin(leader[fit], leader[held])]
    if len(held) > _MOST_LATER * len(known) or not len(fit):
        raise InvalidInput(
            f"{len(held):,} of {len(known):,} rows with a time are of its last moments, too many to hold out: name a "
            "finer column of times, or none.",
            field="time",
        )
    part = np.where(np.isin(np.arange(len(examples)), held), 0, 1)
    outside = _dealt_outside(leader, part, round(1 / _LATER_SHARE), np.random.default_rng(seed))
    return (Split(fit, held, np.flatnonzero(outside != 0), np.flatnonzero(outside == 0)),)


def related(examples: Examples, *, seed: int) -> list[tuple[int, ...]]:
    """Groups of near duplicates among the texts and, counted on after them, those out of scope."""
    return near_groups([*examples.texts, *examples.outside], seed=seed)


def _leaders(examples: Examples, groups: Sequence[Sequence[int]]) -> Rows:
    """The first of the group of each text and each text out of scope; itself where it is alone."""
    leader = np.arange(len(examples) + len(examples.outside))
    for group in groups:
        leader[list(group)] = min(group)
    return leader


def _dealt_outside(leader: Rows, fold: Rows, parts: int, random: np.random.Generator) -> Rows:
    """A fold for each text out of scope: that of a near duplicate in scope, else dealt out evenly."""
    n = len(fold)
    own = leader[n:]
    out = np.zeros(len(own), dtype=np.int64)
    shared = own < n
    out[shared] = fold[own[shared]]
    alone = np.unique(own[~shared])
    dealt = dict(zip(random.permutation(alone).tolist(), (np.arange(len(alone)) % parts).tolist(), strict=True))
    out[~shared] = [dealt[int(first)] for first in own[~shared]]
    return out


def _dealt(examples: Examples, leader: Rows, parts: int, random: np.random.Generator) -> Rows:
    """A fold a row: each label's rows dealt out evenly, so that no part of the fit lacks a label that has several."""
    key = _strata(examples)
    fold = np.zeros(len(examples), dtype=np.int64)
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

"""Agreement beyond chance: Cohen's kappa, with an interval that holds for few rows and for rows in groups.

The interval is of a Bayesian bootstrap (Rubin 1981): every group of rows gets an exponential weight, every cell of the
table half a row more (Jeffreys), so twenty rows of perfect agreement do not give an interval from 1 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signalbox.errors import InvalidInput

Bools = NDArray[np.bool_]
Groups = NDArray[np.int64]
Floats = NDArray[np.float64]

_DRAWS = 4_000
_BLOCK = 250
_ENDS = (0.025, 0.975)
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Kappa:
    """`value` is None where both sides said the same of every row, so that chance explains all."""

    value: float | None
    low: float
    high: float
    n: int


def cohen_kappa(first: Sequence[bool] | Bools, second: Sequence[bool] | Bools) -> float | None:
    """(observed - expected) / (1 - expected) agreement; None where chance alone would agree on everything."""
    return _of(_cells([_bools(first), _bools(second)], None))


def kappa(first: Sequence[bool] | Bools, second: Sequence[bool] | Bools, *, groups: Groups | None = None,
          seed: int = 0) -> Kappa:  # fmt: skip
    """Kappa with its 95% interval.

    Args:
        groups: which rows belong together and so are not independent, shape (n,); None: each stands alone.

    Raises:
        InvalidInput: no rows, or not as many on both sides.
    """
    sides = [_bools(first), _bools(second)]
    draws = _kappas(_drawn(sides, groups, seed))
    low, high = np.quantile(draws, _ENDS)
    value = _of(_cells(sides, None))
    held = 0.0 if value is None else value
    return Kappa(value, min(float(low), held), max(float(high), held), len(sides[0]))


def kappa_change(people: Bools, before: Bools, now: Bools, *, groups: Groups | None = None, seed: int = 0) -> Kappa:
    """Kappa with people now less kappa before, on the same rows, with its paired 95% interval."""
    sides = [_bools(people), _bools(before), _bools(now)]
    drawn = _drawn(sides, groups, seed)  # (draws, people, before, now)
    draws = _kappas(drawn.sum(axis=2)) - _kappas(drawn.sum(axis=3))
    low, high = np.quantile(draws, _ENDS)
    one, other = _of(_cells([sides[0], sides[2]], None)), _of(_cells([sides[0], sides[1]], None))
    value = (one or 0.0) - (other or 0.0)
    return Kappa(value, min(float(low), value), max(float(high), value), len(people))


def _bools(values: Sequence[bool] | Bools) -> Bools:
    return np.asarray(values, dtype=bool)


def _cells(sides: Sequence[Bools], weights: Floats | None) -> Floats:
    """The table of all sides: how much weight each combination has, shape (2,) * sides."""
    if not len(sides[0]) or len({len(side) for side in sides}) > 1:
        raise InvalidInput("kappa needs at least one row, with a verdict of each side", field="verdicts")
    place = sum(side.astype(np.int64) << shift for shift, side in enumerate(reversed(sides)))
    counts = np.bincount(np.asarray(place), weights=weights, minlength=1 << len(sides))
    return counts.astype(np.float64).reshape((2,) * len(sides))


def _drawn(sides: Sequence[Bools], groups: Groups | None, seed: int) -> Floats:
    """Tables as they might have come out, shape (draws, 2, 2, ...)."""
    n, cells = len(sides[0]), 1 << len(sides)
    flat = _cells(sides, None)  # also checks the sides
    random = np.random.default_rng(seed)
    if groups is None:
        drawn = random.gamma(np.repeat((flat.ravel() + _HALF * 4 / cells)[None], _DRAWS, axis=0))
        return drawn.reshape((_DRAWS, *flat.shape))
    _, group = np.unique(groups, return_inverse=True)
    members = np.zeros((int(group.max()) + 1, cells))
    place = np.asarray(sum(side.astype(np.int64) << shift for shift, side in enumerate(reversed(sides))))
    np.add.at(members, (group, place), 1.0)
    drawn = np.vstack([random.exponential(size=(_BLOCK, len(members))) @ members for _ in range(_DRAWS // _BLOCK)])
    # Prior rows count as much less as a group counts for more rows than one.
    drawn += random.gamma(_HALF * 4 / cells, size=drawn.shape) * max(1.0, n / len(members))
    return drawn.reshape((_DRAWS, *flat.shape))


def _kappas(tables: Floats) -> Floats:
    """Of each table, shape (draws, 2, 2)."""
    shares = tables / tables.sum(axis=(1, 2), keepdims=True)
    observed = shares[:, 0, 0] + shares[:, 1, 1]
    rows, columns = shares.sum(axis=2), shares.sum(axis=1)
    expected = (rows * columns).sum(axis=1)
    result: Floats = (observed - expected) / np.maximum(1 - expected, 1e-12)
    return result


def _of(table: Floats) -> float | None:
    shares = table / table.sum()
    expected = float(shares.sum(axis=1) @ shares.sum(axis=0))
    if expected > 1 - 1e-12:
        return None
    return (float(np.trace(shares)) - expected) / (1 - expected)

"""Intervals of what pairs show: shares, differences of shares and ratios of costs, counted by original case.

Several attacks on one case are not independent, so cases are what is counted.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from evaluators.statistics import mean_interval
from signalbox.types import Frozen

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
_ROUNDS = 2_000
_LEVEL = (2.5, 97.5)


class Share(Frozen):
    """A share with its 95% interval, of `n` values in `cases` original cases."""

    value: float
    low: float
    high: float
    n: int = Field(ge=1)
    cases: int = Field(ge=1)


class Difference(Frozen):
    """The attacked share less the benign one, with its 95% interval, of `n` pairs in `cases` original cases."""

    value: float
    low: float
    high: float
    attacked: float
    benign: float
    n: int = Field(ge=1)
    cases: int = Field(ge=1)


class Ratio(Frozen):
    """What all attacked ones cost together by what their benign twins do, with its 95% bootstrap interval."""

    value: float
    low: float
    high: float
    n: int = Field(ge=1)


def share(values: Floats, groups: Groups) -> Share | None:
    """Of values of 0 and 1; None where there is none."""
    if not len(values):
        return None
    found = mean_interval(values, bounded=True, share=True, groups=groups)
    return Share(value=found.value, low=found.low, high=found.high, n=len(values), cases=len(np.unique(groups)))


def difference(attacked: Floats, benign: Floats, groups: Groups) -> Difference | None:
    """Of pairs of 0 and 1: Newcombe's (1998, method 10) square-and-add of both shares' intervals.

    It needs no variation: of pairs that are all alike a bootstrap would say that nothing else is possible.
    """
    one, other = share(attacked, groups), share(benign, groups)
    if one is None or other is None:
        return None
    phi = _correlation(attacked, benign, one.cases)
    below, above = one.value - one.low, one.high - one.value
    under, over = other.value - other.low, other.high - other.value
    value = one.value - other.value
    return Difference(
        value=value,
        low=max(-1.0, value - math.sqrt(max(0.0, below**2 - 2 * phi * below * over + over**2))),
        high=min(1.0, value + math.sqrt(max(0.0, above**2 - 2 * phi * above * under + under**2))),
        attacked=one.value,
        benign=other.value,
        n=one.n,
        cases=one.cases,
    )


def _correlation(attacked: Floats, benign: Floats, cases: int) -> float:
    """Newcombe's phi, corrected for continuity; a negative one is not believed, which makes no interval shorter.

    Pairs of one case are not independent: the four counts are scaled to as many pairs as there are cases.
    """
    scale = cases / len(attacked)
    both, first = float((attacked * benign).sum()) * scale, float((attacked * (1 - benign)).sum()) * scale
    second = float(((1 - attacked) * benign).sum()) * scale
    neither = cases - both - first - second
    sides = (both + first) * (second + neither) * (both + second) * (first + neither)
    return max(0.0, both * neither - first * second - cases / 2) / math.sqrt(sides) if sides > 0 else 0.0


def ratio(attacked: Floats, benign: Floats, groups: Groups, *, seed: int) -> Ratio | None:
    """Of sums, with a bootstrap over original cases; None where the benign ones cost nothing."""
    if not len(attacked) or benign.sum() <= 0:
        return None
    _, place = np.unique(groups, return_inverse=True)
    above, below = np.bincount(place, weights=attacked), np.bincount(place, weights=benign)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(above), size=(_ROUNDS, len(above)))
    tops, bottoms = above[drawn].sum(axis=1), below[drawn].sum(axis=1)
    ratios = tops[bottoms > 0] / bottoms[bottoms > 0]
    value = float(attacked.sum() / benign.sum())
    low, high = np.percentile(ratios, _LEVEL) if len(ratios) else (value, value)
    return Ratio(value=value, low=min(float(low), value), high=max(float(high), value), n=len(attacked))

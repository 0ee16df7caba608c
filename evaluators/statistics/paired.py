"""Two runs on the same cases: the difference, its interval, and tests that it is not 0 and that it is within a margin.

Shares: McNemar's exact test, Tango's score interval (1998), which holds up where few cases differ, and its score test
for equivalence. Other metrics: t of the differences. Groups of related cases widen both: shares are counted at the
effective number of cases, t over groups. Nothing is decided here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluators.statistics.intervals import LEVEL, Floats, Groups, group_error, t_quantile
from signalbox.errors import InvalidInput

_STEPS = 40
_FEWEST = 3  # independent cases or groups; from fewer nothing is claimed


@dataclass(frozen=True, slots=True)
class Paired:
    """After less before on the same cases.

    Attributes:
        low, high: infinite where nothing is known of how far off the difference is.
        p: two-sided, of no difference; 1 of fewer than three cases, or groups where groups were counted.
        p_lower, p_higher: one-sided, of a difference of the margin or more, below or above 0.
        gained, lost: cases whose value went up or down.
        deviation: standard deviation of the differences, for planning; `groups` where groups were counted.
    """

    n: int
    difference: float
    low: float
    high: float
    p: float
    p_lower: float
    p_higher: float
    gained: int
    lost: int
    deviation: float
    method: str
    groups: int | None = None

    @property
    def p_equivalent(self) -> float:
        """Of a difference of the margin or more to either side: two one-sided tests."""
        return max(self.p_lower, self.p_higher)


def paired_shares(
    before: Floats, after: Floats, *, margin: float, groups: Groups | None = None, level: float = LEVEL
) -> Paired:
    """The difference of two shares; both hold 0 or 1 a case, shape (n,).

    Raises:
        InvalidInput: no cases, not the same ones, or a margin that is not above 0.
    """
    _check(before, after, margin)
    n = len(before)
    if (units := _independent(n, groups)) < _FEWEST:
        return _unknown(before, after, groups is not None and units < n, units, bounded=True)
    gained, lost = int(((after > 0.5) & (before < 0.5)).sum()), int(((after < 0.5) & (before > 0.5)).sum())
    difference = (gained - lost) / n
    variance = max((gained + lost) / n - difference**2, 0.0)
    factor, count = _design(after - before, groups, variance, n)
    own_n, own_gained, own_lost = n / factor, gained / factor, lost / factor
    reach = t_quantile(level, count - 1) if count is not None else normal_quantile((1 + level) / 2)
    low, high = tango_interval(np.array([own_gained]), np.array([own_lost]), own_n, reach)
    lower = float(tango(np.array([own_gained]), np.array([own_lost]), own_n, np.array([-margin]))[0])
    upper = float(tango(np.array([own_gained]), np.array([own_lost]), own_n, np.array([margin]))[0])
    if count is None:
        p = float(exact_mcnemar(np.array([gained]), np.array([lost]))[0])
        below, above = normal_share(-lower), normal_share(upper)
        method = "McNemar's exact test; Tango's interval"
    else:
        z = float(tango(np.array([own_gained]), np.array([own_lost]), own_n, np.array([0.0]))[0])
        p = 2 * t_share(-abs(z), count - 1)
        below, above = t_share(-lower, count - 1), t_share(upper, count - 1)
        method = "score test and interval at the effective number of cases"
    # One more case each way, so that a run of equal answers does not promise that none will ever differ.
    smoothed = math.sqrt((gained + lost + 1) / (n + 1))
    return Paired(
        n, difference, float(low[0]), float(high[0]), min(p, 1.0), below, above, gained, lost, smoothed, method, count
    )


def paired_means(
    before: Floats,
    after: Floats,
    *,
    margin: float,
    groups: Groups | None = None,
    level: float = LEVEL,
    bounded: bool = False,
) -> Paired:
    """The difference of two means, shape (n,) each; `bounded` where all values lie within 0 and 1.

    Raises:
        InvalidInput: no cases, not the same ones, or a margin that is not above 0.
    """
    _check(before, after, margin)
    n = len(before)
    if (units := _independent(n, groups)) < _FEWEST:
        return _unknown(before, after, groups is not None and units < n, units, bounded=bounded)
    gain = after - before
    difference = float(gain.mean())
    gained, lost = int((gain > 0).sum()), int((gain < 0).sum())
    deviation = float(gain.std(ddof=1))
    count = None
    error, free = deviation / math.sqrt(n), n - 1
    if groups is not None and len(np.unique(groups)) < n:
        error, count = group_error(gain, groups)
        free = count - 1
    if error <= 1e-12 * max(1.0, float(np.abs(before).max())):
        return _alike(n, difference, gained, lost, margin, level, bounded, count)
    reach = t_quantile(level, free) * error
    low, high = difference - reach, difference + reach
    p = 2 * t_share(-abs(difference) / error, free)
    below, above = t_share(-(difference + margin) / error, free), t_share((difference - margin) / error, free)
    method = "t of the paired differences" + ("" if count is None else " over groups")
    spread = error * math.sqrt(n)
    return Paired(n, difference, low, high, p, below, above, gained, lost, spread, method, count)


def exact_mcnemar(
    gained: NDArray[np.float64] | NDArray[np.int64], lost: NDArray[np.float64] | NDArray[np.int64]
) -> Floats:
    """Two-sided p of each pair of counts; 1 where no case differs."""
    from scipy.special import betainc

    fewer, total = np.minimum(gained, lost).astype(np.float64), (gained + lost).astype(np.float64)
    # P(X <= k) of a fair binomial is a regularised incomplete beta function.
    tail = betainc(np.maximum(total - fewer, 1e-9), fewer + 1, 0.5)
    p: Floats = np.where(total > 0, np.minimum(1.0, 2 * tail), 1.0)
    return p


def tango(gained: Floats, lost: Floats, n: float, at: Floats) -> Floats:
    """How many standard errors a paired difference of shares lies above `at`, by the score statistic."""
    a = 2.0 * n
    b = -gained - lost + (2 * n - gained + lost) * at
    c = -lost * at * (1 - at)
    q = (np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = n * np.maximum(2 * q + at * (1 - at), 0.0)
    off = gained - lost - n * at
    found: Floats = np.where(
        variance > 1e-12, off / np.sqrt(np.maximum(variance, 1e-12)), np.where(off > 0, np.inf, -np.inf)
    )
    return np.where(off == 0, 0.0, found)


def tango_interval(gained: Floats, lost: Floats, n: float, reach: float) -> tuple[Floats, Floats]:
    """The differences that lie within `reach` standard errors, by bisection; shape (m,) in and out."""
    middle = (gained - lost) / n
    return (
        _edge(gained, lost, n, reach, np.full_like(middle, -1.0), middle),
        _edge(gained, lost, n, -reach, middle, np.full_like(middle, 1.0)),
    )


def _edge(gained: Floats, lost: Floats, n: float, wanted: float, low: Floats, high: Floats) -> Floats:
    for _ in range(_STEPS):
        middle = (low + high) / 2
        above = tango(gained, lost, n, middle) > wanted
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


def normal_quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


def normal_share(z: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(z))


def t_share(t: float, degrees: float) -> float:
    """The share of Student's t below `t`."""
    from scipy.special import stdtr

    return float(stdtr(max(degrees, 1.0), t))


def _design(gain: Floats, groups: Groups | None, variance: float, n: int) -> tuple[float, int | None]:
    """By how much related cases inflate the variance, at least 1, and how many groups there are; None: no groups."""
    if groups is None or len(np.unique(groups)) == n:
        return 1.0, None
    error, count = group_error(gain, groups)
    # Where nothing differs the data can't tell; then each group counts as one case.
    return (max(1.0, error**2 * n / variance) if variance > 0 else n / count), count


def _alike(
    n: int, difference: float, gained: int, lost: int, margin: float, level: float, bounded: bool, count: int | None
) -> Paired:
    """All cases differ by the same: of bounded values is known how rarely another difference can come up."""
    independent = float(count if count is not None else n)
    # A sign test: nothing is known of how much they could differ, only that none has gone the other way.
    p = 1.0 if difference == 0 else min(1.0, 2 * 0.5**independent)
    offs = difference + margin, margin - difference
    if not bounded:
        below, above = (0.5**independent if off > 0 else 1.0 for off in offs)
        return Paired(n, difference, difference, difference, p, below, above, gained, lost, 0.0, "all alike", count)
    reach = normal_quantile((1 + level) / 2)
    room = reach**2 / (independent + reach**2)
    # As for shares of which none differ, so that p and interval say the same.
    none = np.zeros(2)
    z = tango(none, none, independent, np.clip(offs, 0.0, 1.0))
    below, above = (normal_share(float(own)) if off > 0 else 1.0 for own, off in zip(z, offs, strict=True))
    low, high = max(-1.0, difference - room), min(1.0, difference + room)
    return Paired(n, difference, low, high, p, below, above, gained, lost, 0.0, "all alike, within 0 and 1", count)


def _independent(n: int, groups: Groups | None) -> int:
    return n if groups is None else len(np.unique(groups))


def _unknown(before: Floats, after: Floats, grouped: bool, units: int, *, bounded: bool) -> Paired:
    """Of one or two cases, or groups of cases, nothing is known of how much others would differ."""
    gain = after - before
    reach = 1.0 if bounded else math.inf
    method = f"nothing can be claimed of fewer than {_FEWEST} {'groups' if grouped else 'cases'}"
    return Paired(
        len(gain), float(gain.mean()), -reach, reach, 1.0, 1.0, 1.0, int((gain > 0).sum()), int((gain < 0).sum()), 0.0,
        method, units if grouped else None,
    )  # fmt: skip


def _check(before: Floats, after: Floats, margin: float) -> None:
    if before.shape != after.shape or not len(before):
        raise InvalidInput("a paired comparison needs two values for each of at least one case", field="after")
    if not margin > 0 or not math.isfinite(margin):
        raise InvalidInput(
            f"the margin must be greater than 0, not {margin}: a difference that matters", field="margin"
        )

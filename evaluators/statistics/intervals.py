"""The interval of a mean, made for what its values are: shares, scores within 0 and 1, or any numbers.

Shares: exact (Clopper and Pearson 1934). Scores: Wilson's (1927) at the number of yes-or-no cases that would vary as
much, found with one more case at either end, so that a run of equal scores is not taken for certainty. Numbers: t with
Hall's (1992) correction for skewness, as costs and durations need. Cases that share a template or an original are not
independent: then groups are counted, shares by Korn and Graubard (1998). `docs/decisions/0018-statistics.md` has how
often each covers the true mean, and what was tried beside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signalbox.errors import InvalidInput

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and what covers the true one at `level`; infinite where one case, or one group, is all there is.

    `method` names how it was made, `groups` where they counted.
    """

    value: float
    low: float
    high: float
    method: str
    groups: int | None = None


def share_interval(right: float, n: float, *, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval of `right` in `n`; neither needs to be a whole number.

    Raises:
        InvalidInput: unless 0 <= right <= n and n > 0.
    """
    if not 0 <= right <= n or n <= 0:
        raise InvalidInput(f"{right} of {n} is not a share: 0 <= right <= n and n > 0 are needed", field="n")
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if right <= 0 else float(betaincinv(right, n - right + 1, tail))
    high = 1.0 if right >= n else float(betaincinv(right + 1, n - right, 1 - tail))
    return low, high


def wilson(value: float, n: float, reach: float) -> tuple[float, float]:
    """Wilson's interval of a share seen in `n` cases, `reach` standard errors to either side."""
    centre = (value + reach**2 / (2 * n)) / (1 + reach**2 / n)
    half = reach / (1 + reach**2 / n) * math.sqrt(max(value * (1 - value), 0.0) / n + reach**2 / (4 * n * n))
    return max(0.0, min(value, centre - half)), min(1.0, max(value, centre + half))


def mean_interval(
    values: Floats, *, bounded: bool, share: bool = False, groups: Groups | None = None, level: float = LEVEL
) -> Interval:
    """The mean of values with its interval.

    Args:
        values: shape (n,), n at least 1, all finite.
        bounded: they lie within 0 and 1; share: they are 0 or 1.
        groups: which group each belongs to, shape (n,); None: each stands alone.

    Raises:
        InvalidInput: there are no values.
    """
    n = len(values)
    if not n:
        raise InvalidInput("there are no values to take a mean of", field="values")
    if groups is not None and len(np.unique(groups)) < n:
        return _grouped(values, groups, bounded=bounded, share=share, level=level)
    value = float(values.mean())
    if share:
        return Interval(value, *share_interval(float(values.sum()), n, level=level), "exact (Clopper-Pearson)")
    if bounded:
        return Interval(value, *wilson(value, alike_cases(values), t_quantile(level, n)), "Wilson, effective cases")
    return Interval(value, *_skewed(values, level), "t, corrected for skewness (Hall)")


def alike_cases(scores: Floats) -> float:
    """How many yes-or-no cases of the same mean would vary as much as these scores within 0 and 1."""
    n = len(scores)
    mean = (float(scores.sum()) + 1) / (n + 2)
    variance = (float(((scores - mean) ** 2).sum()) + mean**2 + (1 - mean) ** 2) / (n + 2)
    return n * mean * (1 - mean) / variance


def group_error(values: Floats, groups: Groups) -> tuple[float, int]:
    """The standard error of a mean of grouped values, and how many groups there are.

    The linearised variance of a ratio of group sums to group sizes, with the small-sample factor G / (G - 1).
    """
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    count = len(sizes)
    sums = np.bincount(place, weights=values - values.mean())
    if count < 2:
        return 0.0, count
    return math.sqrt(count / (count - 1) * float((sums**2).sum())) / len(values), count


def t_quantile(level: float, degrees: float) -> float:
    """How many standard errors a two-sided interval reaches to each side."""
    from scipy.special import stdtrit

    return float(stdtrit(max(degrees, 1.0), (1 + level) / 2))


def _skewed(values: Floats, level: float) -> tuple[float, float]:
    n, value = len(values), float(values.mean())
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    if spread <= 1e-12 * max(1.0, abs(value)):
        return (value, value) if n > 2 else (-math.inf, math.inf)
    reach = t_quantile(level, n - 1) / math.sqrt(n)
    if n < 3:
        return value - reach * spread, value + reach * spread
    skew = float(((values - value) ** 3).mean()) / float(values.std()) ** 3 * math.sqrt(n * (n - 1)) / (n - 2)
    if abs(skew) < 1e-6:
        return value - reach * spread, value + reach * spread

    def back(at: float) -> float:
        return 3 / skew * (float(np.cbrt(1 + skew * (at - skew / (6 * n)))) - 1)

    low, high = value - back(reach) * spread, value - back(-reach) * spread
    # What can't be negative, as a cost, has no negative mean either.
    return (max(low, 0.0) if values.min() >= 0 else low), high


def _grouped(values: Floats, groups: Groups, *, bounded: bool, share: bool, level: float) -> Interval:
    value, n = float(values.mean()), len(values)
    error, count = group_error(values, groups)
    reach = t_quantile(level, count - 1)
    if not bounded:
        reach, error = (reach, error) if count > 1 else (math.inf, 1.0)
        return Interval(value, value - reach * error, value + reach * error, "t over groups", count)
    # All alike: no more is known than of as many cases as there are groups.
    effective = float(count) if error <= 1e-12 else max(1.0, min(value * (1 - value) / error**2, float(n)))
    if not share:
        return Interval(value, *wilson(value, effective, reach), "Wilson, effective cases over groups", count)
    own = max(1.0, effective * (t_quantile(level, n - 1) / reach) ** 2) if count > 1 else 1.0
    return Interval(value, *share_interval(value * own, own, level=level), "exact, effective cases over groups", count)

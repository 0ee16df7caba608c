"""The few statistics that the checks share: entropy, rank correlation, AUC with its interval, corrected p-values.

numpy and scipy only, and scipy only within functions. Nothing here knows of texts or findings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval and the p-value of there being nothing."""

    value: float
    low: float
    high: float
    p: float


def evenness(counts: ArrayLike) -> float:
    """Entropy of the shares over its maximum: 1 where all labels are as frequent, 0 where there is one only."""
    numbers = np.asarray(counts, dtype=np.float64)
    shares = numbers[numbers > 0] / numbers.sum()
    if len(numbers) < 2:
        return 0.0
    return float(-(shares * np.log(shares)).sum() / math.log(len(numbers)))


def spearman(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Rank correlation with the interval of Bonett and Wright (2000); 0 with the widest interval below 5 rows.

    `x` and `y` are finite and of one length; a constant has correlation 0.
    """
    from scipy.stats import norm, rankdata

    first, second = rankdata(np.asarray(x, dtype=np.float64)), rankdata(np.asarray(y, dtype=np.float64))
    n = len(first)
    if n < 5 or first.std() == 0 or second.std() == 0:
        return Estimate(0.0, -1.0, 1.0, 1.0)
    rho = float(np.clip(np.corrcoef(first, second)[0, 1], -1, 1))
    clipped = max(-0.999999, min(0.999999, rho))
    error = math.sqrt((1 + clipped**2 / 2) / (n - 3))
    reach = float(norm.ppf(0.5 + confidence / 2)) * error
    p = float(2 * norm.sf(abs(math.atanh(clipped)) * math.sqrt((n - 3) / 1.06)))
    return Estimate(rho, math.tanh(math.atanh(clipped) - reach), math.tanh(math.atanh(clipped) + reach), p)


def auc(negative: ArrayLike, positive: ArrayLike, *, confidence: float = 0.95) -> Estimate:
    """Probability that a positive scores above a negative, with the interval of DeLong et al. (1988)."""
    from scipy.stats import norm, rankdata

    low_scores, high_scores = np.asarray(negative, dtype=np.float64), np.asarray(positive, dtype=np.float64)
    m, n = len(high_scores), len(low_scores)
    ranks = rankdata(np.concatenate([high_scores, low_scores]))
    # Placements: for each positive the share of negatives below it, and the other way round.
    above = (ranks[:m] - rankdata(high_scores)) / n
    below = 1 - (ranks[m:] - rankdata(low_scores)) / m
    value = float(above.mean())
    # Where all is separated the variance is estimated as 0; one row the other way round is what it can't exclude.
    variance = max(float(above.var(ddof=1)) / m + float(below.var(ddof=1)) / n, (0.5 / min(m, n)) ** 2)
    reach = float(norm.ppf(0.5 + confidence / 2)) * math.sqrt(variance)
    null = math.sqrt((m + n + 1) / (12 * m * n))
    return Estimate(
        value, max(0.0, value - reach), min(1.0, value + reach), float(2 * norm.sf(abs(value - 0.5) / null))
    )


def cramers_v(table: ArrayLike) -> tuple[float, float]:
    """Association of two categories by their table of counts, corrected for bias (Bergsma 2013), and its p-value."""
    from scipy.stats import chi2

    counts = np.asarray(table, dtype=np.float64)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n, (rows, columns) = counts.sum(), counts.shape
    if min(rows, columns) < 2:
        return 0.0, 1.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    statistic = float(((counts - expected) ** 2 / expected).sum())
    degrees = (rows - 1) * (columns - 1)
    phi = max(0.0, statistic / n - degrees / (n - 1))
    r, c = rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
    smallest = min(r, c) - 1
    return math.sqrt(phi / smallest) if smallest > 0 else 0.0, float(chi2.sf(statistic, degrees))


def holm(p_values: ArrayLike) -> Floats:
    """p-values corrected for their number, so that a false alarm among all is as rare as asked for (Holm 1979)."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(1.0, steps)
    return corrected


def folds_by_group(strata: NDArray[np.int64], groups: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """The fold of each row, 0 to count - 1: rows of one group together, the strata spread evenly."""
    generator = np.random.default_rng(seed)
    _, first = np.unique(groups, return_index=True)
    shuffled = generator.permutation(first)
    # Group by stratum of a group's first row, then deal them out in turn.
    leaders = shuffled[np.argsort(strata[shuffled], kind="stable")]
    fold_of = {int(groups[row]): position % count for position, row in enumerate(leaders.tolist())}
    return np.array([fold_of[int(group)] for group in groups], dtype=np.int64)

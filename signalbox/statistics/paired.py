"""Two systems on the same rows: what they differ by, and whether that is more than chance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.errors import InvalidInput
from signalbox.statistics.figures import LEVEL, Figure


def paired_difference(
    after: NDArray[np.float64], before: NDArray[np.float64], *, seed: int, rounds: int = 2_000
) -> Figure:
    """Mean of `after` less mean of `before` on the same rows, with its paired bootstrap interval.

    Raises:
        InvalidInput: no rows, or not the same ones.
    """
    if after.shape != before.shape or not len(after):
        raise InvalidInput("a paired difference needs two values for each of at least one row", field="after")
    gain = after - before
    random = np.random.default_rng(seed)
    draws = np.array([gain[random.integers(len(gain), size=len(gain))].mean() for _ in range(rounds)])
    low, high = np.quantile(draws, LEVEL)
    return {"value": float(gain.mean()), "low": float(low), "high": float(high), "n": len(gain)}


def mcnemar(after: NDArray[Any], before: NDArray[Any]) -> dict[str, Any]:
    """Whether two models differ in how often they are right on the same rows: McNemar's exact test.

    Returns:
        `gained` and `lost`: rows that only the one or only the other got right; `p`: two-sided, 1 where none differ.
    """
    from scipy.stats import binomtest

    if after.shape != before.shape or not len(after):
        raise InvalidInput("McNemar's test needs two outcomes for each of at least one row", field="after")
    one, other = np.asarray(after, dtype=bool), np.asarray(before, dtype=bool)
    gained, lost = int((one & ~other).sum()), int((~one & other).sum())
    p = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return {"gained": gained, "lost": lost, "p": p, "n": len(one)}

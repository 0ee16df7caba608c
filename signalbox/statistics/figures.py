"""A share, a mean or any other figure of rows, with its 95% interval; what can't be measured is None, never NaN.

A figure is `{"value", "low", "high", "n"}`. Shares have exact binomial intervals, the others bootstrap ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.calibration import clopper_pearson
from signalbox.errors import InvalidInput

Figure = dict[str, Any]
Rows = NDArray[np.int64]
FEW_ROUNDS = 300
LEVEL = (0.025, 0.975)
_ROUNDS = 1_000


def share(outcomes: NDArray[Any]) -> Figure:
    """The share of outcomes that are true, with its exact interval."""
    if not len(outcomes):
        raise InvalidInput("there are no outcomes to take a share of", field="outcomes")
    k, n = int(np.sum(outcomes)), len(outcomes)
    low, high = clopper_pearson(k, n)
    return {"value": k / n, "low": low, "high": high, "n": n}


def bootstrapped(compute: Callable[[Rows], float], n: int, *, seed: int, rounds: int = _ROUNDS) -> Figure | None:
    """A figure of n rows, `compute` being told which; None where it can't be measured on all of them."""
    value = compute(np.arange(n))
    if not np.isfinite(value):
        return None
    random = np.random.default_rng(seed)
    draws = np.array([compute(random.integers(n, size=n)) for _ in range(rounds)])
    # A draw of a tiny set may hold one outcome only, where there is nothing to compare.
    draws = draws[np.isfinite(draws)]
    low, high = np.quantile(draws, LEVEL) if len(draws) else (value, value)
    # Repeated rows make some figures look larger or smaller, so all draws may lie on one side of the value itself.
    return {"value": float(value), "low": min(float(low), value), "high": max(float(high), value), "n": n}


def mean(values: NDArray[Any], *, seed: int) -> Figure | None:
    """The mean of rows with its bootstrap interval."""
    own = np.asarray(values, dtype=np.float64)
    return bootstrapped(lambda rows: float(own[rows].mean()), len(own), seed=seed, rounds=FEW_ROUNDS)

"""How good an expert is, from rows it has not seen, each figure with its 95% interval.

A figure is `{"value", "low", "high", "n"}`. Shares have exact binomial intervals, the others bootstrap ones; what can't
be measured is left out, never NaN. It knows nothing of training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Floats, Rows
from signalbox.calibration import clopper_pearson
from signalbox.errors import InvalidInput

Figure = dict[str, Any]
_ROUNDS = 1_000
_LEVEL = (0.025, 0.975)


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
    low, high = np.quantile(draws, _LEVEL) if len(draws) else (value, value)
    # Repeated rows make some figures look larger or smaller, so all draws may lie on one side of the value itself.
    return {"value": float(value), "low": min(float(low), value), "high": max(float(high), value), "n": n}


def paired_difference(after: Floats, before: Floats, *, seed: int, rounds: int = 2_000) -> Figure:
    """Mean of `after` less mean of `before` on the same rows, with its paired bootstrap interval.

    Raises:
        InvalidInput: no rows, or not the same ones.
    """
    if after.shape != before.shape or not len(after):
        raise InvalidInput("a paired difference needs two values for each of at least one row", field="after")
    gain = after - before
    random = np.random.default_rng(seed)
    draws = np.array([gain[random.integers(len(gain), size=len(gain))].mean() for _ in range(rounds)])
    low, high = np.quantile(draws, _LEVEL)
    return {"value": float(gain.mean()), "low": float(low), "high": float(high), "n": len(gain)}

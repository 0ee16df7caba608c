"""How good an expert is, from out-of-fold predictions, each figure with its 95% interval.

Shares have exact binomial intervals, the other figures bootstrap ones. It knows nothing of training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.intents.signals import Floats
from signalbox.calibration import auroc, clopper_pearson, expected_calibration_error

_ROUNDS = 300


def measure(
    probabilities: Floats,
    targets: NDArray[np.int64],
    confidence: Floats,
    right: Floats,
    threshold: float,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """Figures by name, each `{"value", "low", "high", "n"}`; what can't be measured is left out.

    Args:
        probabilities: shape (n + m, labels), n utterances first, then m texts out of scope.
        targets: labels of the utterances, shape (n,).
        confidence: shape (n + m,); right: 1 where the label is right and the text in scope, shape (n + m,).
    """
    n = len(targets)
    sets = np.maximum(probabilities[:n] >= threshold, probabilities[:n] == probabilities[:n].max(axis=1, keepdims=True))
    in_scope = np.arange(len(right)) < n
    figures = {
        "accuracy": _share(right[:n]),
        "set_coverage": _share(sets[np.arange(n), targets]),
        "set_size": _bootstrap(lambda rows: float(sets[rows].sum(axis=1).mean()), n, seed),
        "ece": _bootstrap(lambda rows: expected_calibration_error(confidence[rows], right[rows]), len(right), seed),
    }
    for name, outcome in (("right_auroc", right), ("out_of_scope_auroc", in_scope.astype(np.float64))):
        if 0 < outcome.mean() < 1:
            figures[name] = _bootstrap(_auroc(confidence, outcome), len(right), seed)
    return figures


def _auroc(confidence: Floats, outcome: Floats) -> Callable[[NDArray[np.int64]], float]:
    def compute(rows: NDArray[np.int64]) -> float:
        drawn = outcome[rows]
        return auroc(confidence[rows], drawn) if 0 < drawn.mean() < 1 else float("nan")

    return compute


def _share(outcomes: NDArray[Any]) -> dict[str, Any]:
    k, n = int(outcomes.sum()), len(outcomes)
    low, high = clopper_pearson(k, n)
    return {"value": k / n, "low": low, "high": high, "n": n}


def _bootstrap(compute: Callable[[NDArray[np.int64]], float], n: int, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    draws = np.array([compute(random.integers(n, size=n)) for _ in range(_ROUNDS)])
    # A draw of a tiny set may hold one outcome only, where there is nothing to compare.
    low, high = np.nanquantile(draws, [0.025, 0.975])
    value = compute(np.arange(n))
    # Repeated rows make a calibration error look larger, so all its draws may lie above the value itself.
    return {"value": value, "low": min(float(low), value), "high": max(float(high), value), "n": n}

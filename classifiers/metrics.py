"""How good an expert is, from rows it has not seen, each figure with its 95% interval.

A figure is `{"value", "low", "high", "n"}`. Shares have exact binomial intervals, the others bootstrap ones; what can't
be measured is left out, never NaN. It knows nothing of training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Floats, Rows
from signalbox.calibration import auroc, clopper_pearson, expected_calibration_error
from signalbox.statistics import Figure, bootstrapped, mean, paired_difference, share

_FEW_ROUNDS = 300
_POINTS = 40


def label_figures(
    probabilities: Floats,
    positions: Rows,
    *,
    sets: NDArray[np.bool_] | None = None,
    ordinal: bool = False,
    seed: int = 0,
) -> dict[str, Figure]:
    """Figures of one task with labels.

    Args:
        probabilities: honest ones, shape (n, k); positions: the true labels, shape (n,); n at least 1.
        sets: which labels were thought possible, shape (n, k).
        ordinal: adds how many steps predictions are off, and the quadratic weighted kappa.
    """
    n, k = probabilities.shape
    rows = np.arange(n)
    said, most = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = (said == positions).astype(np.float64)
    losses = -np.log(np.maximum(probabilities[rows, positions], 1e-12))
    found: dict[str, Figure | None] = {
        "accuracy": share(right),
        "macro_f1": bootstrapped(lambda r: macro_f1(said[r], positions[r]), n, seed=seed, rounds=_FEW_ROUNDS),
        "log_loss": mean(losses, seed=seed),
        **_honesty(most, right, "", seed),
    }
    if sets is not None:
        found["set_coverage"] = share(sets[rows, positions])
        found["set_size"] = mean(sets.sum(axis=1), seed=seed)
    if ordinal:
        found["steps_off"] = mean(np.abs(said - positions), seed=seed)
        found["quadratic_kappa"] = bootstrapped(
            lambda r: quadratic_kappa(said[r], positions[r], k), n, seed=seed, rounds=_FEW_ROUNDS
        )
    return _measured(found)


def number_figures(
    estimates: Floats,
    targets: Floats,
    *,
    intervals: Floats | None = None,
    constant: Floats | None = None,
    seed: int = 0,
) -> tuple[dict[str, Figure], dict[str, Figure]]:
    """Figures of one number, and of its anchor on the same rows.

    Args:
        estimates, targets: shape (n,), n at least 1; intervals: shape (n, 2).
        constant: what knows nothing of the text would have said, shape (n,); None: the targets' own median.

    Returns:
        The figures, and those of the constant with the paired difference to it (below 0: the model is better).
    """
    said = np.full(len(targets), np.median(targets)) if constant is None else constant
    found: dict[str, Figure | None] = _errors(estimates, targets, seed)
    anchors: dict[str, Figure | None] = {f"{name} of the median": f for name, f in _errors(said, targets, seed).items()}
    total = float(((targets - targets.mean()) ** 2).sum())
    if total > 0:
        found["r2"] = bootstrapped(lambda r: _r2(estimates[r], targets[r]), len(targets), seed=seed, rounds=_FEW_ROUNDS)
    found["spearman"] = bootstrapped(
        lambda r: spearman(estimates[r], targets[r]), len(targets), seed=seed, rounds=_FEW_ROUNDS
    )
    if intervals is not None:
        found["interval_coverage"] = share((intervals[:, 0] <= targets) & (targets <= intervals[:, 1]))
        found["interval_width"] = mean(intervals[:, 1] - intervals[:, 0], seed=seed)
    anchors["mae less the median's"] = paired_difference(np.abs(estimates - targets), np.abs(said - targets), seed=seed)
    if targets.min() >= 0:
        anchors["squared log error less the median's"] = paired_difference(
            _log_errors(estimates, targets), _log_errors(said, targets), seed=seed
        )
    return _measured(found), _measured(anchors)


def confidence_figures(
    confidence: Floats, right: Floats, *, in_scope: Floats | None = None, inside: Floats | None = None, seed: int = 0
) -> dict[str, Figure]:
    """Figures of the confidence in the whole answer.

    Args:
        confidence: shape (n,); right: 1 where the answer was right and the text in scope, shape (n,).
        in_scope: the probability of being in scope; inside: 1 where the text was, both of shape (m,).
    """
    found: dict[str, Figure | None] = dict(_honesty(confidence, right, "confidence_", seed))
    found["risk_coverage_area"] = bootstrapped(
        lambda r: float(_risks(confidence[r], right[r])[1].mean()), len(right), seed=seed, rounds=_FEW_ROUNDS
    )
    if in_scope is not None and inside is not None and len(inside):
        found["out_of_scope_auroc"] = bootstrapped(_auroc(in_scope, inside), len(inside), seed=seed, rounds=_FEW_ROUNDS)
    return _measured(found)


def risk_coverage(confidence: Floats, right: Floats, *, points: int = _POINTS) -> list[dict[str, float]]:
    """How often answers are wrong if only the surest are given: the share answered against the share wrong of those.

    Returns:
        At most `points` of `{"coverage", "risk", "low", "high", "threshold", "n"}`, by coverage, exact intervals.
    """
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence, wrong = confidence[order], np.cumsum(1 - right[order])
    # A threshold can't part rows of equal confidence.
    ends = np.flatnonzero(np.append(np.diff(sorted_confidence) < 0, True)) + 1
    picked = np.unique(ends[np.searchsorted(ends, np.linspace(1, len(right), points)).clip(max=len(ends) - 1)])
    found = []
    for n in picked.tolist():
        k = round(float(wrong[n - 1]))
        low, high = clopper_pearson(k, n)
        threshold = float(sorted_confidence[n - 1])
        found.append(
            {"coverage": n / len(right), "risk": k / n, "low": low, "high": high, "threshold": threshold, "n": n}
        )
    return found


def macro_f1(said: Rows, truth: Rows) -> float:
    """Mean over the labels that were said or true of the harmonic mean of precision and recall."""
    k = int(max(said.max(), truth.max())) + 1
    hit = np.bincount(truth[said == truth], minlength=k)
    total = np.bincount(said, minlength=k) + np.bincount(truth, minlength=k)
    present = total > 0
    return float((2 * hit[present] / total[present]).mean())


def quadratic_kappa(said: Rows, truth: Rows, labels: int) -> float:
    """Agreement of ordered labels beyond chance, misses counting by the square of their steps; NaN for one label."""
    seen = np.zeros((labels, labels))
    np.add.at(seen, (truth, said), 1.0)
    places = np.arange(labels)
    cost = (places[:, None] - places) ** 2
    chance = float((cost * np.outer(seen.sum(axis=1), seen.sum(axis=0))).sum()) / len(truth)
    return 1 - float((cost * seen).sum()) / chance if chance > 0 else float("nan")


def spearman(one: Floats, other: Floats) -> float:
    """Correlation of ranks; NaN where one of them is constant."""
    from scipy.stats import rankdata

    a, b = rankdata(one), rankdata(other)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else float("nan")


def _errors(estimates: Floats, targets: Floats, seed: int) -> dict[str, Figure | None]:
    off = estimates - targets
    found = {"mae": mean(np.abs(off), seed=seed), "rmse": _root_mean(off**2, seed)}
    if targets.min() >= 0:
        found["rmsle"] = _root_mean(_log_errors(estimates, targets), seed)
    return found


def _log_errors(estimates: Floats, targets: Floats) -> Floats:
    off: Floats = (np.log1p(np.maximum(estimates, 0)) - np.log1p(targets)) ** 2
    return off


def _root_mean(squares: Floats, seed: int) -> Figure | None:
    n = len(squares)
    return bootstrapped(lambda rows: float(np.sqrt(squares[rows].mean())), n, seed=seed, rounds=_FEW_ROUNDS)


def _r2(estimates: Floats, targets: Floats) -> float:
    spread = float(((targets - targets.mean()) ** 2).sum())
    return 1 - float(((targets - estimates) ** 2).sum()) / spread if spread > 0 else float("nan")


def _honesty(probability: Floats, right: Floats, prefix: str, seed: int) -> dict[str, Figure | None]:
    n = len(right)
    return {
        f"{prefix}ece": bootstrapped(
            lambda r: expected_calibration_error(probability[r], right[r]), n, seed=seed, rounds=_FEW_ROUNDS
        ),
        f"{prefix or 'right_'}auroc": bootstrapped(_auroc(probability, right), n, seed=seed, rounds=_FEW_ROUNDS),
    }


def _auroc(score: Floats, outcome: Floats) -> Callable[[Rows], float]:
    def compute(rows: Rows) -> float:
        drawn = outcome[rows]
        return auroc(score[rows], drawn) if 0 < drawn.mean() < 1 else float("nan")

    return compute


def _risks(confidence: Floats, right: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-confidence, kind="stable")
    counts = np.arange(1, len(right) + 1)
    return counts / len(right), np.cumsum(1 - right[order]) / counts


def _measured(found: Mapping[str, Figure | None]) -> dict[str, Figure]:
    return {name: figure for name, figure in found.items() if figure is not None}

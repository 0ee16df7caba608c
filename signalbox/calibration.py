"""Turning raw signals into probabilities, and measuring how honest those are.

A ridge logistic model fitted by Newton's method, calibration error, AUROC and exact binomial bounds, in
numpy only, so that the policy, the judges and the experts share one implementation. It knows nothing of
where the signals come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signalbox.errors import InvalidInput

Floats = NDArray[np.float64]

_MAX_STEPS = 100
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class LogisticModel:
    """A probability from named features: sigmoid(bias + sum(weights * (x - mean) / scale)).

    Attributes:
        names: the features in the order of the columns.
        mean: what is subtracted from each column.
        scale: what each column is divided by, greater than 0.
        weights: one a feature, in units of the standardised column.
        bias: the log-odds at the mean.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    def __post_init__(self) -> None:
        lengths = {len(self.names), len(self.mean), len(self.scale), len(self.weights)}
        if len(lengths) != 1:
            raise InvalidInput("names, mean, scale and weights of a logistic model must have the same length")
        values = np.array([*self.mean, *self.scale, *self.weights, self.bias], dtype=np.float64)
        if not np.isfinite(values).all() or not all(scale > 0 for scale in self.scale):
            raise InvalidInput("the numbers of a logistic model must be finite, and its scales greater than 0")

    @overload
    def predict(self, features: Mapping[str, float]) -> float: ...

    @overload
    def predict(self, features: NDArray[np.floating]) -> Floats: ...

    def predict(self, features: Mapping[str, float] | NDArray[np.floating]) -> float | Floats:
        """The probability for one mapping (names beyond `self.names` are ignored), or for each row of an (n, d) array.

        Raises:
            InvalidInput: a feature is missing or not finite, or the array is not (n, d).
        """
        if isinstance(features, Mapping):
            return float(sigmoid(self._log_odds(self._row(features)))[0])
        rows = np.asarray(features, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise InvalidInput(f"features must be an (n, {len(self.names)}) array, not {rows.shape}", field="features")
        return sigmoid(self._log_odds(rows))

    def _row(self, features: Mapping[str, float]) -> Floats:
        missing = [name for name in self.names if name not in features]
        if missing:
            raise InvalidInput(f"the features {', '.join(missing)} are missing", field="features")
        return np.array([[features[name] for name in self.names]], dtype=np.float64)

    def _log_odds(self, rows: Floats) -> Floats:
        if not np.isfinite(rows).all():
            bad = [name for name, column in zip(self.names, rows.T, strict=True) if not np.isfinite(column).all()]
            raise InvalidInput(f"the features {', '.join(bad)} are not finite", field="features")
        result: Floats = (rows - np.array(self.mean)) / np.array(self.scale) @ np.array(self.weights) + self.bias
        return result

    def to_json(self) -> dict[str, object]:
        """A mapping that `json.dumps` takes and `from_json` turns back into an equal model."""
        return {
            "names": list(self.names),
            "mean": list(self.mean),
            "scale": list(self.scale),
            "weights": list(self.weights),
            "bias": self.bias,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> LogisticModel:
        """Raises InvalidInput when `data` is not what `to_json` gives."""
        try:
            names = tuple(str(name) for name in _list(data["names"]))
            mean, scale, weights = (tuple(map(_number, _list(data[key]))) for key in ("mean", "scale", "weights"))
            return cls(names, mean, scale, weights, _number(data["bias"]))
        except (KeyError, TypeError) as error:
            raise InvalidInput(f"this is not a logistic model in JSON: {error!r}") from None


def fit_logistic(
    x: ArrayLike,
    y: ArrayLike,
    *,
    names: Sequence[str],
    l2: float = 1.0,
    sample_weight: ArrayLike | None = None,
) -> LogisticModel:
    """Fit by Newton's method on standardised columns; a constant column gets weight 0.

    Args:
        x: signals, shape (n, d).
        y: outcomes 0 or 1, or probabilities in between, shape (n,).
        names: the d columns.
        l2: penalty l2/2 * sum(weights**2) beside the summed log-loss, greater than 0; the bias is free.
        sample_weight: how much each row counts, at least 0, shape (n,).

    Raises:
        InvalidInput: no rows, NaN, shapes that don't match, or one outcome only.
    """
    rows, target = _matrix(x, names), _outcomes(y)
    if len(rows) != len(target):
        raise InvalidInput(f"{len(rows)} rows of signals but {len(target)} outcomes", field="y")
    weight = _weights(sample_weight, len(target))
    if l2 <= 0:
        raise InvalidInput("l2 must be greater than 0: without it, separable outcomes have no solution", field="l2")
    share = float(np.average(target, weights=weight))
    if not 0 < share < 1:
        raise InvalidInput("all outcomes are the same: both right and wrong examples are needed", field="y")
    mean = np.average(rows, axis=0, weights=weight)
    deviation = np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=weight))
    # Rounding leaves a constant column a deviation just above 0; dividing by it would blow up noise.
    scale = np.where(deviation > 1e-10 * (1 + np.abs(mean)), deviation, 1.0)
    columns = np.where(deviation > 1e-10 * (1 + np.abs(mean)), (rows - mean) / scale, 0.0)
    solution = _newton(np.column_stack([columns, np.ones(len(rows))]), target, weight, l2, np.log(share / (1 - share)))
    weights, bias = tuple(map(float, solution[:-1])), float(solution[-1])
    return LogisticModel(tuple(names), tuple(map(float, mean)), tuple(map(float, scale)), weights, bias)


def _newton(design: Floats, target: Floats, weight: Floats, l2: float, bias: float) -> Floats:
    """Newton steps, halved while they make the penalised loss worse; the last column is the free bias."""
    penalty = np.full(design.shape[1], l2)
    penalty[-1] = 0.0
    beta = np.zeros(design.shape[1])
    beta[-1] = bias

    def loss(at: Floats) -> float:
        z = design @ at
        return float(weight @ (np.logaddexp(0.0, z) - target * z) + 0.5 * penalty @ at**2)

    current = loss(beta)
    for _ in range(_MAX_STEPS):
        p = sigmoid(design @ beta)
        gradient = design.T @ (weight * (p - target)) + penalty * beta
        curvature = weight * np.maximum(p * (1 - p), 1e-12)
        hessian = (design * curvature[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while (after := loss(beta - size * step)) > current and size > 1e-6:
            size /= 2
        if after > current:
            break
        beta = beta - size * step
        if current - after <= _TOLERANCE * (1 + abs(current)):
            break
        current = after
    return beta


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + exp(-z)) without overflow."""
    result: Floats = 0.5 * (1 + np.tanh(0.5 * np.asarray(z, dtype=np.float64)))
    return result


def expected_calibration_error(p: ArrayLike, y: ArrayLike, *, bins: int = 10) -> float:
    """Mean gap between probability and frequency over bins of equal count (Nguyen and O'Connor 2015).

    Equal probabilities share their mean outcome, so the order of the rows does not matter.

    Raises:
        InvalidInput: empty, NaN, a value outside 0 to 1, or lengths that differ.
    """
    if bins < 1:
        raise InvalidInput("bins must be at least 1", field="bins")
    probability, outcome = _pairs(p, y)
    _, inverse, counts = np.unique(probability, return_inverse=True, return_counts=True)
    outcome = (np.bincount(inverse, weights=outcome) / counts)[inverse]
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(float(probability[part].mean() - outcome[part].mean())) * len(part) for part in parts]
    return sum(gaps) / len(order)


def brier(p: ArrayLike, y: ArrayLike) -> float:
    """Mean squared distance between probability and outcome. Raises InvalidInput as the calibration error does."""
    probability, outcome = _pairs(p, y)
    return float(np.mean((probability - outcome) ** 2))


def auroc(score: ArrayLike, y: ArrayLike) -> float:
    """Probability that a positive row scores above a negative one, ties counting half.

    Raises:
        InvalidInput: empty, NaN, lengths that differ, or one outcome only.
    """
    scores, outcome = _vector(score, "score"), _outcomes(y)
    if len(scores) != len(outcome):
        raise InvalidInput(f"{len(scores)} scores but {len(outcome)} outcomes", field="y")
    positive = outcome > 0.5
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        raise InvalidInput("AUROC needs both positive and negative rows", field="y")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a share seen `k` times in `n` (Clopper and Pearson 1934).

    For a one-sided bound that fails with probability `delta`, take one end at `confidence = 1 - 2 * delta`.

    Raises:
        InvalidInput: unless 0 <= k <= n, n >= 1 and 0 < confidence < 1.
    """
    if n < 1 or not 0 <= k <= n:
        raise InvalidInput(f"{k} of {n} is not a share: 0 <= k <= n and n >= 1 are needed", field="n")
    if not 0 < confidence < 1:
        raise InvalidInput(f"confidence must lie between 0 and 1, not {confidence}", field="confidence")
    # Loading it takes as long as the rest of the kernel together.
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return low, high


def _matrix(x: ArrayLike, names: Sequence[str]) -> Floats:
    rows = np.asarray(x, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise InvalidInput(f"signals must be an (n, {len(names)}) array, not {rows.shape}", field="x")
    if len(set(names)) != len(names):
        raise InvalidInput("the names of the signals must differ", field="names")
    if not len(rows):
        raise InvalidInput("there are no rows to fit on", field="x")
    if not np.isfinite(rows).all():
        bad = [name for name, column in zip(names, rows.T, strict=True) if not np.isfinite(column).all()]
        raise InvalidInput(f"the signals {', '.join(bad)} hold values that are not finite", field="x")
    return rows


def _vector(values: ArrayLike, field: str) -> Floats:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or not len(vector):
        raise InvalidInput(f"{field} must be a list of at least one number", field=field)
    if not np.isfinite(vector).all():
        raise InvalidInput(f"{field} holds values that are not finite", field=field)
    return vector


def _outcomes(values: ArrayLike, field: str = "y") -> Floats:
    outcome = _vector(values, field)
    if outcome.min() < 0 or outcome.max() > 1:
        raise InvalidInput(f"{field} must lie between 0 and 1", field=field)
    return outcome


def _pairs(p: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    probability, outcome = _outcomes(p, "p"), _outcomes(y)
    if len(probability) != len(outcome):
        raise InvalidInput(f"{len(probability)} probabilities but {len(outcome)} outcomes", field="y")
    return probability, outcome


def _weights(values: ArrayLike | None, n: int) -> Floats:
    if values is None:
        return np.ones(n)
    weight = _vector(values, "sample_weight")
    if len(weight) != n or weight.min() < 0 or not weight.sum() > 0:
        raise InvalidInput(f"sample_weight must hold {n} numbers of at least 0, not all 0", field="sample_weight")
    return weight


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return float(value)

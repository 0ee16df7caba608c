"""From what a judge says to the probability that people would call the answer right: the curve, and how it is chosen.

A constant (the judge tells nothing), a ridge logistic curve, or isotonic regression shrunk towards the share of right
ones; cross-validation chooses, and the simpler one stays unless another is better beyond noise. A curve never falls:
a judge whose scores go the wrong way is told to be of no use, not turned round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from signalbox.calibration import fit_logistic, sigmoid
from signalbox.errors import InvalidInput
from signalbox.types import Frozen, Probability

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
Finite = Annotated[float, Field(allow_inf_nan=False)]

FOLDS = 5
_L2 = 1.0
_PRIOR_ROWS = 4.0  # how many rows like the average each step of the isotonic curve counts beside its own
_CLIP = 0.005


class Curve(Frozen):
    """`x` to `p`: one point for a constant, (0, 1) slope and bias for logistic, knots for isotonic.

    Attributes:
        x: the signals of the knots, ascending; of `logistic` and `constant` empty.
        p: the probability at each knot; of `constant` the one there is.
        slope, bias: of `logistic`: sigmoid(bias + slope * signal).
    """

    kind: Literal["constant", "logistic", "isotonic"]
    x: tuple[Finite, ...] = ()
    p: tuple[Probability, ...] = ()
    slope: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    bias: Finite = 0.0

    @model_validator(mode="after")
    def _rises(self) -> Self:
        wanted = {"constant": (0, 1), "logistic": (0, 0)}.get(self.kind, (len(self.x), len(self.x)))
        if (len(self.x), len(self.p)) != wanted or (self.kind == "isotonic" and not self.x):
            raise ValueError(f"x and p don't fit a curve that is {self.kind}")
        if any(b <= a for a, b in zip(self.x, self.x[1:], strict=False)):
            raise ValueError("x has to rise")
        if any(b < a for a, b in zip(self.p, self.p[1:], strict=False)):
            raise ValueError("p must not fall")
        return self

    def predict(self, signal: Floats | float) -> Floats:
        """The probability of each signal, shape as given."""
        values = np.asarray(signal, dtype=np.float64)
        if not np.isfinite(values).all():
            raise InvalidInput("a judge's signal must be a finite number", field="signal")
        if self.kind == "constant":
            return np.full(values.shape, self.p[0], dtype=np.float64)
        if self.kind == "isotonic":
            return np.asarray(np.interp(values, self.x, self.p), dtype=np.float64)
        rising: Floats = np.clip(sigmoid(self.bias + self.slope * values), _CLIP, 1 - _CLIP)
        return rising


def fit_curve(signal: Floats, right: Floats, *, groups: Groups | None = None, seed: int = 0) -> Curve:
    """The curve that cross-validation chooses, fitted on all rows.

    Args:
        signal: what the judge said, higher for more surely right, shape (n,).
        right: 1 where people said right, else 0, shape (n,).
        groups: rows that must not be on both sides of a fold, shape (n,).

    Raises:
        InvalidInput: no rows, NaN, or shapes that don't match.
    """
    _check(signal, right)
    best, losses = "constant", None
    if len(np.unique(signal)) > 1 and 0 < right.sum() < len(right):
        folds = list(_folds(len(right), groups, seed))
        for kind in ("constant", "logistic", "isotonic"):
            own = _held_out(_FITS[kind], signal, right, folds)
            loss = -(right * np.log(own) + (1 - right) * np.log(1 - own))
            if losses is None or _better(loss, losses):
                best, losses = kind, loss
    return _FITS[best](signal, right)


def cross_fitted(signal: Floats, right: Floats, *, groups: Groups | None = None, seed: int = 0) -> Floats:
    """Each row's probability by a curve that was chosen and fitted without it, nor its group; shape (n,)."""
    _check(signal, right)
    folds = list(_folds(len(right), groups, seed + 1))
    result = np.empty(len(right))
    for held in folds:
        rest = ~held
        own = None if groups is None else groups[rest]
        curve = fit_curve(signal[rest], right[rest], groups=own, seed=seed)
        result[held] = curve.predict(signal[held])
    return result


def _check(signal: Floats, right: Floats) -> None:
    if signal.shape != right.shape or signal.ndim != 1 or len(signal) < 2:
        raise InvalidInput("calibrating needs at least two rows, each with a signal and a verdict", field="labels")
    if not np.isfinite(signal).all() or not np.isin(right, (0.0, 1.0)).all():
        raise InvalidInput("signals must be finite, and verdicts 0 or 1", field="labels")


def _better(loss: Floats, before: Floats) -> bool:
    """Lower by more than its standard error: few labels don't carry a finer curve."""
    gain = before - loss
    return bool(gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)))


def _folds(n: int, groups: Groups | None, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Which rows are held out, five times; groups stay together."""
    own = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    if (count := int(own.max()) + 1) < 2:  # one group alone can't be divided, its rows can
        own, count = np.arange(n), n
    dealt = np.random.default_rng(seed).permutation(count) % min(FOLDS, count)
    for fold in range(min(FOLDS, count)):
        held = dealt[own] == fold
        if held.any() and not held.all():
            yield held


def _held_out(
    fit: Callable[[Floats, Floats], Curve], signal: Floats, right: Floats, folds: list[NDArray[np.bool_]]
) -> Floats:
    result = np.full(len(right), right.mean())
    for held in folds:
        result[held] = fit(signal[~held], right[~held]).predict(signal[held])
    clipped: Floats = np.clip(result, _CLIP, 1 - _CLIP)
    return clipped


def _constant(_: Floats, right: Floats) -> Curve:
    """One right and one wrong row are added, so that a handful of equal verdicts is no certainty."""
    return Curve(kind="constant", p=((float(right.sum()) + 1) / (len(right) + 2),))


def _logistic(signal: Floats, right: Floats) -> Curve:
    if not 0 < right.mean() < 1:
        return _constant(signal, right)
    model = fit_logistic(signal[:, None], right, names=["signal"], l2=_L2)
    slope = model.weights[0] / model.scale[0]
    if slope <= 0:
        return _constant(signal, right)
    return Curve(kind="logistic", slope=slope, bias=model.bias - slope * model.mean[0])


def _isotonic(signal: Floats, right: Floats) -> Curve:
    """Pool adjacent violators, each step shrunk; knots at the mean signal of each step."""
    x, place = np.unique(signal, return_inverse=True)
    weight = np.bincount(place).astype(np.float64)
    steps = [[at, one, size] for at, one, size in zip(x, np.bincount(place, weights=right), weight, strict=True)]
    pooled: list[list[float]] = []
    for at, hits, size in steps:
        pooled.append([at * size, hits, size])
        while len(pooled) > 1 and pooled[-2][1] * pooled[-1][2] >= pooled[-1][1] * pooled[-2][2]:
            last = pooled.pop()
            pooled[-1] = [a + b for a, b in zip(pooled[-1], last, strict=True)]
    base = float(right.mean())
    p = np.maximum.accumulate([(hits + _PRIOR_ROWS * base) / (size + _PRIOR_ROWS) for _, hits, size in pooled])
    knots = [total / size for total, _, size in pooled]
    return Curve(kind="isotonic", x=tuple(knots), p=tuple(float(value) for value in p))


_FITS: dict[str, Callable[[Floats, Floats], Curve]] = {
    "constant": _constant,
    "logistic": _logistic,
    "isotonic": _isotonic,
}

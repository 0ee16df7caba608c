"""The probability that an expert's whole answer is right, from the signals of a text.

A ridge logistic model over the signals, refined by a curve where there are rows enough and nested cross-validation
finds a gain beyond noise. What the signals are and when an answer counts as right is the caller's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.calibration.curves import Curve, Shape, fit_curve
from classifiers.calibration.folds import FOLDS, beats, binary_losses, dealt
from classifiers.calibration.state import State
from classifiers.contract import Floats, Rows
from signalbox.calibration import LogisticModel, fit_logistic
from signalbox.errors import CorruptArtefact, InvalidInput

_SHAPES: tuple[Shape, ...] = ("venn_abers", "isotonic")
_REFINED_ROWS = 500
_REFINED_OF_EACH = 50


@dataclass(frozen=True)
class Confidence:
    """Signals to a probability, never surer than 1 - 1 / (2 n + 4).

    Attributes:
        model: says which signals it needs, in `model.names`.
        curve: what makes the model's probabilities more honest, if anything did.
        n: rows it was fitted on, those out of scope included.
    """

    model: LogisticModel
    curve: Curve | None
    n: int

    def predict(self, signals: Floats) -> Floats:
        """Shape (n,), from signals in the order of `model.names`. Raises InvalidInput where one is not finite."""
        plain = self.model.predict(np.asarray(signals, dtype=np.float64))
        share = 1 / (self.n + 2)
        # Mixing keeps the order of texts, which cutting off or the steps of a curve would not.
        curved = plain if self.curve is None else (1 - share) * self.curve(plain) + share * plain
        mixed: Floats = (1 - share) * curved + share / 2
        return mixed

    def state(self) -> State:
        parts = {"curve": self.curve.state()} if self.curve is not None else {}
        curve = State.join(parts)
        return State({"model": self.model.to_json(), "n": self.n, **curve.values}, curve.arrays)

    @classmethod
    def from_state(cls, state: State) -> Confidence:
        """Raises CorruptArtefact."""
        try:
            model = LogisticModel.from_json(state.value("model", dict))
        except InvalidInput as error:
            raise CorruptArtefact(f"{error.detail}: train the expert again.") from None
        curve = Curve.from_state(state.part("curve")) if "curve" in state.values else None
        return cls(model, curve, state.value("n", int))


def fit_confidence(
    signals: Floats,
    right: Floats,
    *,
    names: Sequence[str],
    seed: int = 0,
    sample_weight: Floats | None = None,
) -> Confidence:
    """Fit on out-of-fold signals, shape (n, d), and whether the answer was right, 0 or 1, shape (n,).

    Texts out of scope belong among the rows, with `right` 0.

    Args:
        sample_weight: how much each row counts, shape (n,); say with it how frequent texts out of scope will be.

    Raises:
        InvalidInput: no rows, shapes that don't match, or signals that are not finite.
    """
    signals, right = np.asarray(signals, dtype=np.float64), np.asarray(right, dtype=np.float64)
    weight = np.ones(len(right)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if not len(right):
        raise InvalidInput("there are no rows to fit a confidence on", field="right")
    model = _logistic(signals, right, weight, names)
    return Confidence(model, _refinement(signals, right, weight, names, seed), len(right))


def cross_confidence(
    signals: Floats,
    right: Floats,
    folds: Rows,
    *,
    names: Sequence[str],
    seed: int = 0,
    sample_weight: Floats | None = None,
) -> Floats:
    """Confidences from models that were not fitted on the row they judge, for honest figures; shape (n,)."""
    out = np.empty(len(right))
    for fold in np.unique(folds):
        held = folds == fold
        # With one fold there is nothing else to fit on.
        fitted = held if held.all() else ~held
        weight = None if sample_weight is None else sample_weight[fitted]
        confidence = fit_confidence(signals[fitted], right[fitted], names=names, seed=seed, sample_weight=weight)
        out[held] = confidence.predict(signals[held])
    return out


def _logistic(signals: Floats, right: Floats, weight: Floats, names: Sequence[str]) -> LogisticModel:
    share = float(np.average(right, weights=weight))
    if 0 < share < 1:
        return fit_logistic(signals, right, names=names, sample_weight=weight)
    # Nothing to tell apart: a constant, which is no surer than the number of examples allows (Laplace).
    share = (right.sum() + 1) / (len(right) + 2)
    zeros, ones = (0.0,) * len(names), (1.0,) * len(names)
    return LogisticModel(tuple(names), zeros, ones, zeros, float(np.log(share / (1 - share))))


def _refinement(signals: Floats, right: Floats, weight: Floats, names: Sequence[str], seed: int) -> Curve | None:
    """A curve over held-out probabilities of the model, if it makes held-out log-loss smaller beyond noise."""
    enough = min(right.sum(), len(right) - right.sum()) >= _REFINED_OF_EACH and len(right) >= _REFINED_ROWS
    if not enough or not (weight == weight[0]).all():
        return None
    inner = dealt(right.astype(np.int64), seed)
    plain = np.empty(len(right))
    for fold in range(FOLDS):
        held = inner == fold
        plain[held] = _logistic(signals[~held], right[~held], weight[~held], names).predict(signals[held])
    outer = dealt(right.astype(np.int64), seed + 1)
    anchor = binary_losses(plain, right)
    losses = {shape: _held_losses(shape, plain, right, outer) for shape in _SHAPES}
    best = min(_SHAPES, key=lambda shape: float(losses[shape].mean()))
    return fit_curve(best, plain, right) if beats(losses[best], anchor) else None


def _held_losses(shape: Shape, plain: Floats, right: Floats, folds: Rows) -> Floats:
    losses = np.empty(len(right))
    for fold in range(FOLDS):
        held = folds == fold
        losses[held] = binary_losses(fit_curve(shape, plain[~held], right[~held])(plain[held]), right[held])
    return losses

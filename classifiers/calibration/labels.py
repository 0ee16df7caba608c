"""Honest probabilities of one task's labels, from logits of models that had not seen the rows.

A temperature (Guo et al. 2017) always; one curve a label, each against the rest, or one curve for all labels where
there are rows enough for it *and* nested cross-validation finds a gain in log-loss beyond noise. It knows nothing of
texts, of other tasks or of how the logits came about.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from classifiers.calibration.curves import Curve, Shape, fit_curve
from classifiers.calibration.folds import FOLDS, beats, dealt, log_loss_rows
from classifiers.calibration.state import State
from classifiers.contract import Floats, Rows
from signalbox.errors import CorruptArtefact, InvalidInput

Method = Literal["temperature", "shared_isotonic", "isotonic", "venn_abers"]
_VENN_ABERS_ROWS = 200
_ISOTONIC_ROWS = 1_000
_FEWEST_OF_LABEL = 30
_MOST_CURVES = 50
_SHARED_SAMPLES = 200_000


@dataclass(frozen=True)
class LabelCalibrator:
    """Turns logits into probabilities that sum to 1 and are never surer than `n` rows allow.

    Attributes:
        temperature: what logits are divided by.
        curves: none, one for all labels, one a label, or of two labels one for the second.
        labels: how many, k.
        n: rows it was fitted on.
        losses: out-of-fold log-loss of each method that was tried, for the model card.
    """

    method: Method
    temperature: float
    labels: int
    n: int
    curves: tuple[Curve, ...] = ()
    losses: dict[str, float] = field(default_factory=dict)

    def probabilities(self, logits: Floats) -> Floats:
        """Shape (n, k), from logits of that shape. Raises InvalidInput where they are not finite or not (n, k)."""
        scaled = _checked(logits, self.labels) / self.temperature
        plain = softmax(scaled)
        if not self.curves:
            return self._tempered(plain)
        if len(self.curves) == 1 and self.labels == 2:
            second = self.curves[0](plain[:, 1])
            return self._tempered(np.column_stack([1 - second, second]))
        columns = self.curves * self.labels if len(self.curves) == 1 else self.curves
        mapped = np.column_stack([curve(column) for curve, column in zip(columns, plain.T, strict=True)])
        mapped /= mapped.sum(axis=1, keepdims=True)
        # A little of the plain probabilities keeps the order of labels that a step of the curve makes equal.
        share = 1 / (self.n + 2)
        return self._tempered((1 - share) * mapped + share * plain)

    def _tempered(self, probabilities: Floats) -> Floats:
        """Mixed with the uniform distribution, as Laplace's rule of succession would."""
        share = 1 / (self.n + 2)
        mixed: Floats = (1 - share) * probabilities + share / self.labels
        return mixed

    def state(self) -> State:
        curves = State.join({str(i): curve.state() for i, curve in enumerate(self.curves)})
        values = {
            "method": self.method,
            "temperature": self.temperature,
            "labels": self.labels,
            "n": self.n,
            "losses": self.losses,
            "curves": curves.values,
        }
        return State(values, {f"curves/{key}": array for key, array in curves.arrays.items()})

    @classmethod
    def from_state(cls, state: State) -> LabelCalibrator:
        """Raises CorruptArtefact."""
        method = state.value("method", str)
        labels, temperature = state.value("labels", int), state.value("temperature", float)
        stored = state.part("curves")
        curves = tuple(Curve.from_state(stored.part(str(i))) for i in range(len(stored.values)))
        if method not in get_args(Method) or not 0 < temperature < np.inf or len(curves) not in (0, 1, labels):
            raise CorruptArtefact("the stored calibration of labels doesn't fit itself: train the expert again.")
        losses = {str(name): float(loss) for name, loss in state.value("losses", dict).items()}
        return cls(method, temperature, labels, state.value("n", int), curves, losses)


def fit_labels(
    logits: Floats, positions: Rows, *, seed: int = 0, methods: tuple[Method, ...] | None = None
) -> LabelCalibrator:
    """Fit on out-of-fold logits, shape (n, k), and the rows' true positions, shape (n,).

    Venn-Abers predictors here are inductive ones whose calibration set is all out-of-fold rows together: their
    validity is exact for models trained on one fold's complement and approximate for the final model.

    Args:
        methods: those to choose from, instead of what the number of rows suggests; `temperature` is always tried.

    Raises:
        InvalidInput: no rows, fewer than two labels, shapes that don't match, or logits that are not finite.
    """
    logits, positions = _rows(logits, positions)
    tried: list[Method] = [m for m in methods or _suggested(logits, positions) if m != "temperature"]
    if not tried or len(positions) < 2 * FOLDS:
        return _fit("temperature", logits, positions, {})
    folds = dealt(positions, seed)
    rows = {method: _held_losses(method, logits, positions, folds) for method in ("temperature", *tried)}
    losses: dict[str, float] = {method: float(loss.mean()) for method, loss in rows.items()}
    best = min(tried, key=lambda method: losses[method])
    chosen: Method = best if beats(rows[best], rows["temperature"]) else "temperature"
    return _fit(chosen, logits, positions, losses)


def cross_probabilities(logits: Floats, positions: Rows, *, seed: int = 0, method: Method | None = None) -> Floats:
    """Probabilities from calibrators that were not fitted on the row, for honest figures; shape (n, k).

    Very few rows get the calibrator fitted on all of them.

    Args:
        method: what `fit_labels` chose on the same rows, to save choosing again.
    """
    logits, positions = _rows(logits, positions)
    if len(positions) < 2 * FOLDS:
        return fit_labels(logits, positions, seed=seed).probabilities(logits)
    method = method or fit_labels(logits, positions, seed=seed).method
    out = np.empty_like(logits)
    folds = dealt(positions, seed + 1)
    for fold in range(FOLDS):
        held = folds == fold
        out[held] = _fit(method, logits[~held], positions[~held], {}).probabilities(logits[held])
    return out


def softmax(logits: Floats) -> Floats:
    """Over the last axis, without overflow."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return result


def _suggested(logits: Floats, positions: Rows) -> tuple[Method, ...]:
    """What the rows suffice for; a curve of its own needs enough rows of its label."""
    n, k = logits.shape
    methods: list[Method] = []
    own = k <= _MOST_CURVES and np.bincount(positions, minlength=k).min() >= _FEWEST_OF_LABEL
    if n >= _VENN_ABERS_ROWS and own:
        methods.append("venn_abers")
    if n >= _ISOTONIC_ROWS and own:
        methods.append("isotonic")
    if n >= _ISOTONIC_ROWS and k > 2:
        methods.append("shared_isotonic")
    return tuple(methods)


def _held_losses(method: Method, logits: Floats, positions: Rows, folds: Rows) -> Floats:
    losses = np.empty(len(positions))
    for fold in range(FOLDS):
        held = folds == fold
        if held.any():
            fitted = _fit(method, logits[~held], positions[~held], {})
            losses[held] = log_loss_rows(fitted.probabilities(logits[held]), positions[held])
    return losses


def _fit(method: Method, logits: Floats, positions: Rows, losses: dict[str, float]) -> LabelCalibrator:
    n, k = logits.shape
    temperature = _temperature(logits, positions)
    plain = softmax(logits / temperature)
    return LabelCalibrator(method, temperature, k, n, _curves(method, plain, positions), losses)


def _curves(method: Method, plain: Floats, positions: Rows) -> tuple[Curve, ...]:
    if method == "temperature":
        return ()
    n, k = plain.shape
    truth = (positions[:, None] == np.arange(k)).astype(np.float64)
    if method == "shared_isotonic":
        scores, outcomes = plain.ravel(), truth.ravel()
        if len(scores) > _SHARED_SAMPLES:
            # The many hopeless labels say the same: a systematic sample of rows keeps what matters.
            kept = np.linspace(0, n - 1, max(1, _SHARED_SAMPLES // k)).astype(np.int64)
            scores, outcomes = plain[kept].ravel(), truth[kept].ravel()
        return (fit_curve("isotonic", scores, outcomes),)
    shape: Shape = "venn_abers" if method == "venn_abers" else "isotonic"
    if k == 2:
        return (fit_curve(shape, plain[:, 1], truth[:, 1]),)
    return tuple(fit_curve(shape, plain[:, label], truth[:, label]) for label in range(k))


def _temperature(logits: Floats, positions: Rows) -> float:
    """What makes the log-loss smallest, between 1/400 and 400 times the logits' own spread."""
    from scipy.optimize import minimize_scalar

    centred = logits - logits.max(axis=1, keepdims=True)
    spread = float(np.median(centred.max(axis=1) - centred.mean(axis=1))) or 1.0
    centred = centred / spread
    own = centred[np.arange(len(positions)), positions]

    def loss(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        return float(np.mean(np.log(np.exp(centred * scale).sum(axis=1)) - own * scale))

    found = minimize_scalar(loss, bounds=(-6.0, 6.0), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x)) * spread


def _rows(logits: Floats, positions: Rows) -> tuple[Floats, Rows]:
    logits = _checked(logits, None)
    positions = np.asarray(positions, dtype=np.int64)
    n, k = logits.shape
    if positions.shape != (n,) or not n or positions.min() < 0 or positions.max() >= k:
        raise InvalidInput(f"positions must be {n} numbers from 0 to {k - 1}, at least one", field="positions")
    return logits, positions


def _checked(logits: Floats, labels: int | None) -> Floats:
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2 or (labels is not None and values.shape[1] != labels):
        raise InvalidInput(f"logits must have the shape (n, {labels or 'labels'}), not {values.shape}", field="logits")
    if not np.isfinite(values).all():
        raise InvalidInput("logits hold values that are not finite", field="logits")
    return values

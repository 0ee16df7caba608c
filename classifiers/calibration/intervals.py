"""Intervals that hold a number with a stated probability, from out-of-fold estimates (cross-conformal).

Residuals are divided by a predicted difficulty where that makes intervals better, and the two ends are set apart, so
that long tails on one side don't widen the other. Only ranks of residuals are used: no outlier can move an end by its
size. It knows nothing of texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifiers.calibration.conformal import check_level
from classifiers.calibration.difficulty import Difficulty, fit_difficulty
from classifiers.calibration.folds import FOLDS, beats, dealt
from classifiers.calibration.state import State
from classifiers.contract import Floats
from signalbox.errors import CorruptArtefact, InvalidInput


@dataclass(frozen=True)
class NumberIntervals:
    """Estimate + difficulty * (below, above).

    Attributes:
        level: the share of intervals that hold the truth, at least; lower than asked for where the rows were too few.
        below, above: ends of the residuals' middle part, in units of the difficulty.
        floor: no interval reaches below it; -inf unless no target did.
    """

    level: float
    below: float
    above: float
    floor: float
    difficulty: Difficulty | None
    n: int

    def intervals(self, estimates: Floats, vectors: Floats | None = None) -> Floats:
        """Shape (n, 2), low and high, around estimates of shape (n,); `vectors` where they were given to the fit."""
        estimates = np.asarray(estimates, dtype=np.float64)
        scale = self.scale(estimates, vectors)
        low = np.maximum(estimates + self.below * scale, self.floor)
        return np.column_stack([low, np.maximum(estimates + self.above * scale, low)])

    def scale(self, estimates: Floats, vectors: Floats | None = None) -> Floats:
        """The predicted difficulty, shape (n,), in the target's unit: a signal of confidence."""
        if self.difficulty is None:
            return np.ones(len(estimates))
        return self.difficulty.predict(estimates, vectors)

    def state(self) -> State:
        values: dict[str, object] = {"level": self.level, "below": self.below, "above": self.above, "n": self.n}
        if np.isfinite(self.floor):
            values["floor"] = self.floor
        parts = State.join({"difficulty": self.difficulty.state()}) if self.difficulty is not None else State()
        return State({**values, **parts.values}, parts.arrays)

    @classmethod
    def from_state(cls, state: State) -> NumberIntervals:
        """Raises CorruptArtefact."""
        below, above = state.value("below", float), state.value("above", float)
        floor = state.value("floor", float) if "floor" in state.values else -np.inf
        if not np.isfinite([below, above]).all() or below > above:
            raise CorruptArtefact("the stored intervals don't fit themselves: train the expert again.")
        difficulty = Difficulty.from_state(state.part("difficulty")) if "difficulty" in state.values else None
        return cls(state.value("level", float), below, above, floor, difficulty, state.value("n", int))


def fit_intervals(
    estimates: Floats, targets: Floats, *, vectors: Floats | None = None, level: float = 0.9, seed: int = 0
) -> NumberIntervals:
    """Fit on out-of-fold estimates and true numbers, both of shape (n,).

    Args:
        vectors: representations of the texts, shape (n, d), to predict the difficulty from beside the estimate.

    Raises:
        InvalidInput: no rows, lengths that differ, values that are not finite, or a level outside 0 to 1.
    """
    check_level(level)
    estimates, targets = _numbers(estimates, "estimates"), _numbers(targets, "targets")
    if len(estimates) != len(targets) or not len(targets):
        raise InvalidInput(f"{len(estimates)} estimates but {len(targets)} targets, at least one", field="targets")
    floor = 0.0 if targets.min() >= 0 else -np.inf
    residuals = targets - estimates
    plain = _fit(residuals, None, level, floor)
    folds = dealt(np.zeros(len(residuals), dtype=np.int64), seed)
    scales = _cross_scales(estimates, residuals, vectors, folds)
    if scales is None:
        return plain
    normalised = _fit(residuals / scales, fit_difficulty(estimates, residuals, vectors), level, floor)
    better = beats(
        _interval_scores(normalised, estimates, targets, scales),
        _interval_scores(plain, estimates, targets, np.ones(len(targets))),
    )
    return normalised if better else plain


def cross_intervals(
    estimates: Floats, targets: Floats, *, vectors: Floats | None = None, level: float = 0.9, seed: int = 0
) -> Floats:
    """Intervals that were not fitted on the row, for honest figures; shape (n, 2)."""
    estimates, targets = _numbers(estimates, "estimates"), _numbers(targets, "targets")
    if len(targets) < 4 * FOLDS:
        return fit_intervals(estimates, targets, vectors=vectors, level=level, seed=seed).intervals(estimates, vectors)
    out = np.empty((len(targets), 2))
    folds = dealt(np.zeros(len(targets), dtype=np.int64), seed + 1)
    for fold in range(FOLDS):
        held = folds == fold
        inside, outside = (None, None) if vectors is None else (vectors[~held], vectors[held])
        fitted = fit_intervals(estimates[~held], targets[~held], vectors=inside, level=level, seed=seed)
        out[held] = fitted.intervals(estimates[held], outside)
    return out


def _fit(scores: Floats, difficulty: Difficulty | None, level: float, floor: float) -> NumberIntervals:
    level, below, above = _ends(scores, level)
    return NumberIntervals(level, below, above, floor, difficulty, len(scores))


def _ends(scores: Floats, level: float) -> tuple[float, float, float]:
    """The level kept, and the two ends; each side may miss half of what is left of the level."""
    n = len(scores)
    ranked = np.sort(scores)
    outside = int(np.floor((n + 1) * (1 - level) / 2 + 1e-9))
    if outside >= 1:
        return level, float(ranked[outside - 1]), float(ranked[n - outside])
    # Too few for a rank on both sides: one rank on the size alone, and the level that so many rows can carry.
    sizes = np.sort(np.abs(scores))
    rank = min(n, int(np.ceil((n + 1) * level - 1e-9)))
    return min(level, n / (n + 1)), -float(sizes[rank - 1]), float(sizes[rank - 1])


def _cross_scales(estimates: Floats, residuals: Floats, vectors: Floats | None, folds: np.ndarray) -> Floats | None:
    """Difficulties predicted by fits that had not seen the row, or None where there are too few rows for one."""
    scales = np.empty(len(residuals))
    for fold in range(FOLDS):
        held = folds == fold
        inside, outside = (None, None) if vectors is None else (vectors[~held], vectors[held])
        fitted = fit_difficulty(estimates[~held], residuals[~held], inside)
        if fitted is None:
            return None
        scales[held] = fitted.predict(estimates[held], outside)
    return scales


def _interval_scores(fitted: NumberIntervals, estimates: Floats, targets: Floats, scales: Floats) -> Floats:
    """Width plus what a miss costs (Gneiting and Raftery 2007, section 6.2), a row each, smaller is better.

    Misses are cut off at their 99th percentile: one enormous number must not decide.
    """
    low = np.maximum(estimates + fitted.below * scales, fitted.floor)
    high = np.maximum(estimates + fitted.above * scales, low)
    miss = np.maximum(low - targets, 0) + np.maximum(targets - high, 0)
    miss = np.minimum(miss, np.quantile(miss, 0.99))
    scores: Floats = high - low + 2 / (1 - fitted.level) * miss
    return scores


def _numbers(values: Floats, field: str) -> Floats:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise InvalidInput(f"{field} must be a list of finite numbers", field=field)
    return vector

"""How far off an estimate will be, roughly, in the target's unit: what intervals are scaled by.

A ridge regression of the residuals' log size on the estimate and the leading directions of the texts' vectors. It
needs not be right: intervals keep their level with any difficulty, and are narrow with a good one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifiers.calibration.state import State
from classifiers.contract import Floats
from signalbox.errors import CorruptArtefact, InvalidInput

_FEWEST_ROWS = 100
_ROWS_A_DIRECTION = 20
_MOST_DIRECTIONS = 32
_RIDGE = 10.0


@dataclass(frozen=True)
class Difficulty:
    """exp(features @ weights), within the bounds seen when fitting.

    Attributes:
        unit: what estimates are divided by before asinh, greater than 0.
        directions: shape (d, r), r may be 0; centre: shape (d,).
        mean, spread, weights: of the features, shape (2 + r,); bias: the mean log difficulty.
        lowest, highest: bounds of the result.
    """

    unit: float
    centre: Floats
    directions: Floats
    mean: Floats
    spread: Floats
    weights: Floats
    bias: float
    lowest: float
    highest: float

    def predict(self, estimates: Floats, vectors: Floats | None) -> Floats:
        """Shape (n,), above 0. Raises InvalidInput where vectors were fitted on and are not given."""
        features = _features(np.asarray(estimates), self.unit, vectors, self.centre, self.directions)
        log = (features - self.mean) / self.spread @ self.weights + self.bias
        size: Floats = np.clip(np.exp(np.clip(log, -700, 700)), self.lowest, self.highest)
        return size

    def state(self) -> State:
        numbers = {"unit": self.unit, "bias": self.bias, "lowest": self.lowest, "highest": self.highest}
        arrays = {"centre": self.centre, "directions": self.directions, "mean": self.mean}
        return State(dict(numbers), {**arrays, "spread": self.spread, "weights": self.weights})

    @classmethod
    def from_state(cls, state: State) -> Difficulty:
        """Raises CorruptArtefact."""
        directions, centre = state.array("directions", ndim=2), state.array("centre")
        mean, spread, weights = (state.array(name) for name in ("mean", "spread", "weights"))
        unit, bias, lowest, highest = (state.value(name, float) for name in ("unit", "bias", "lowest", "highest"))
        lengths = {len(mean), len(spread), len(weights), 2 + directions.shape[1]}
        fits = len(lengths) == 1 and len(centre) == len(directions) and (spread > 0).all() and unit > 0
        if not fits or not 0 < lowest <= highest < np.inf or not np.isfinite(bias):
            raise CorruptArtefact("the stored difficulty doesn't fit itself: train the expert again.")
        return cls(unit, centre, directions, mean, spread, weights, bias, lowest, highest)


def fit_difficulty(estimates: Floats, residuals: Floats, vectors: Floats | None) -> Difficulty | None:
    """None where the rows are too few or the residuals all but equal: then every text is as difficult."""
    n = len(residuals)
    sizes = np.abs(residuals)
    typical = float(np.median(sizes))
    if n < _FEWEST_ROWS or typical <= 0:
        return None
    unit = float(np.median(np.abs(estimates))) or 1.0
    centre, directions = _directions(vectors, min(_MOST_DIRECTIONS, n // _ROWS_A_DIRECTION))
    features = _features(estimates, unit, vectors, centre, directions)
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9 * (1 + np.abs(mean)), spread, np.inf)
    columns = (features - mean) / spread
    # An exact hit has a log of its own; a tenth of the typical size says as much.
    log = np.log(sizes + 0.1 * typical)
    gram = columns.T @ columns + _RIDGE * np.eye(columns.shape[1])
    weights = np.linalg.solve(gram, columns.T @ (log - log.mean()))
    fitted = np.exp(columns @ weights + log.mean())
    spread = np.where(np.isfinite(spread), spread, 1.0)
    lowest, highest = float(np.quantile(fitted, 0.01)), float(np.quantile(fitted, 0.99))
    return Difficulty(unit, centre, directions, mean, spread, weights, float(log.mean()), lowest, highest)


def _features(estimates: Floats, unit: float, vectors: Floats | None, centre: Floats, directions: Floats) -> Floats:
    # asinh: linear near 0, a logarithm for large numbers of either sign.
    level = np.arcsinh(estimates / unit)
    columns = np.column_stack([level, level**2])
    if not len(centre):
        return columns
    if vectors is None or vectors.shape[1] != len(centre):
        raise InvalidInput(f"the intervals need the texts' vectors of {len(centre)} numbers", field="vectors")
    return np.hstack([columns, (vectors - centre) @ directions])


def _directions(vectors: Floats | None, most: int) -> tuple[Floats, Floats]:
    if vectors is None or most < 1:
        return np.zeros(0), np.zeros((0, 0))
    centre = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - centre
    _, found = np.linalg.eigh(centred.T @ centred)
    # The signs of eigenvectors are arbitrary; the fitted weights absorb them.
    return centre, np.ascontiguousarray(found[:, ::-1][:, :most])

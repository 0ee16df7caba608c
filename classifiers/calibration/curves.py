"""One score turned into one honest probability: isotonic regression and Venn-Abers predictors.

Both say only that a higher score means a higher probability. Isotonic regression interpolates between the centres of
its steps (Oron and Flournoy 2017); Venn-Abers gives two probabilities, of which one is calibrated whatever the data
(Vovk and Petej 2014), merged into one. Which suits, and what the score is, others decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from classifiers.calibration.state import State
from classifiers.contract import Floats
from signalbox.errors import CorruptArtefact

Shape = Literal["isotonic", "venn_abers"]
_MOST_STEPS = 1_000


@dataclass(frozen=True)
class Curve:
    """A fitted map from a score to a probability, never 0 or 1.

    Attributes:
        x: scores, strictly ascending, shape (m,).
        low, high: of `isotonic` both the probabilities at `x`, shape (m,); of `venn_abers` the probabilities had the
            new text the outcome 0 or 1, shape (m + 1,): `low[i]` from `x[i - 1]` on, `high[i]` up to `x[i]`.
        n: rows it was fitted on; no probability lies nearer to 0 or 1 than 1 / (n + 2).
    """

    shape: Shape
    x: Floats
    low: Floats
    high: Floats
    n: int

    def __post_init__(self) -> None:
        expected = len(self.x) + (self.shape == "venn_abers")
        fits = len(self.x) and len(self.low) == len(self.high) == expected and (np.diff(self.x) > 0).all()
        if not fits or min(self.low.min(), self.high.min()) < 0 or max(self.low.max(), self.high.max()) > 1:
            raise CorruptArtefact("the numbers of a calibration curve don't fit each other: train the expert again.")

    def __call__(self, scores: Floats) -> Floats:
        """Probabilities of scores of any shape."""
        low, high = self.bounds(scores)
        merged: Floats = high / (1 - low + high) if self.shape == "venn_abers" else high
        floor = 1 / (self.n + 2)
        clipped: Floats = np.clip(merged, floor, 1 - floor)
        return clipped

    def bounds(self, scores: Floats) -> tuple[Floats, Floats]:
        """The two probabilities of Venn-Abers; of isotonic regression the same one twice."""
        if self.shape == "isotonic":
            at = np.interp(scores, self.x, self.high)
            return at, at
        return (
            self.low[np.searchsorted(self.x, scores, side="right")],
            self.high[np.searchsorted(self.x, scores, side="left")],
        )

    def state(self) -> State:
        return State({"shape": self.shape, "n": self.n}, {"x": self.x, "low": self.low, "high": self.high})

    @classmethod
    def from_state(cls, state: State) -> Curve:
        """Raises CorruptArtefact."""
        shape: Shape = "venn_abers" if state.value("shape", str) == "venn_abers" else "isotonic"
        return cls(shape, state.array("x"), state.array("low"), state.array("high"), state.value("n", int))


def fit_curve(shape: Shape, scores: Floats, outcomes: Floats) -> Curve:
    """Fit on scores and outcomes 0 or 1, both of shape (n,), n at least 1."""
    x, weight, total = _grouped(scores, outcomes)
    if shape == "isotonic":
        centres, values = _isotonic(x, weight, total)
        return Curve(shape, centres, values, values, len(scores))
    high = np.append(_with_one(weight, total), 1.0)
    # What an added 0 does is what an added 1 does when outcomes and order are both turned round.
    low = np.append(0.0, 1 - _with_one(weight[::-1], (weight - total)[::-1])[::-1])
    return Curve(shape, x, np.clip(low, 0, 1), np.clip(high, 0, 1), len(scores))


def _grouped(scores: Floats, outcomes: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct scores with how many rows each has and how many of those are 1; too many are merged evenly."""
    x, inverse = np.unique(scores, return_inverse=True)
    weight = np.bincount(inverse).astype(np.float64)
    total: Floats = np.bincount(inverse, weights=outcomes).astype(np.float64)
    if len(x) <= _MOST_STEPS:
        return x, weight, total
    bins = (np.cumsum(weight) - weight) * _MOST_STEPS // weight.sum()
    _, part = np.unique(bins, return_inverse=True)
    merged: Floats = np.bincount(part, weights=weight).astype(np.float64)
    ones: Floats = np.bincount(part, weights=total).astype(np.float64)
    return np.bincount(part, weights=weight * x) / merged, merged, ones


def _isotonic(x: Floats, weight: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Centre and level of each step, by pooling adjacent violators."""
    blocks: list[list[float]] = []
    for at, rows, ones in zip(x.tolist(), weight.tolist(), total.tolist(), strict=True):
        blocks.append([at * rows, rows, ones])
        while len(blocks) > 1 and blocks[-2][2] * blocks[-1][1] >= blocks[-1][2] * blocks[-2][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    columns = np.array(blocks)
    centres = columns[:, 0] / columns[:, 1]
    # Centres of steps whose scores differ by rounding only may coincide.
    distinct = np.append(True, np.diff(centres) > 0)
    return centres[distinct], (columns[:, 2] / columns[:, 1])[distinct]


def _with_one(weight: Floats, total: Floats) -> Floats:
    """At each distinct score, its isotonic value had one more row there the outcome 1, shape (m,).

    Vovk, Petej and Fedorova 2015, algorithms 1 and 2: corners of the greatest convex minorant of the cumulative sums,
    mended as the added row moves right; linear in m.
    """
    m = len(weight)
    points = [(-1.0, -1.0), (0.0, 0.0), *zip(np.cumsum(weight).tolist(), np.cumsum(total).tolist(), strict=True)]
    corners: list[tuple[float, float]] = []
    for point in points:
        while len(corners) > 1 and _turn(corners[-2], corners[-1], point) <= 0:
            corners.pop()
        corners.append(point)
    corners.reverse()
    values = np.empty(m)
    before = points[0]
    for i in range(m):
        top, second = corners[-1], corners[-2]
        values[i] = (second[1] - top[1]) / (second[0] - top[0])
        here, after = points[i + 1], points[i + 2]
        moved = (before[0] + after[0] - here[0], before[1] + after[1] - here[1])
        before = moved
        if _turn(top, second, moved) >= 0:
            continue
        corners.pop()
        while len(corners) > 1 and _turn(moved, corners[-1], corners[-2]) <= 0:
            corners.pop()
        corners.append(moved)
    return values


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Above 0 where a, b, c turn left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

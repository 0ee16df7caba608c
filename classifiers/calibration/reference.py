"""How near a text's vector lies to what was learnt from: the signals of scope that no head's scores can give.

The same code runs on the parts of cross-validation and when serving, so what is fitted on the signals sees what it
will meet. Vectors are unit vectors of the shared encoder or a model's own; nothing here knows of texts or scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.calibration.state import State
from classifiers.contract import Floats, Rows
from signalbox.contracts import Vectors
from signalbox.errors import CorruptArtefact, InvalidInput

VECTOR_SIGNALS = (
    "similarity",
    "neighbour_similarity",
    "label_similarity",
    "centroid_similarity",
    "relative_mahalanobis",
    "out_of_scope_similarity",
    "scope",
)
"""Relative Mahalanobis distance after Ren et al. 2021, the distance to a neighbour after Sun et al. 2022."""

_NEIGHBOUR = 5
_ROWS = 256
_MOST_NEIGHBOURS = 10_000
_SCOPE_C = 3.0


@dataclass(frozen=True)
class Reference:
    """What texts are compared with. Shared by threads, changed by nothing.

    Attributes:
        vectors: shape (m, d), by group; `starts`: where each of the g groups begins, ascending, shape (g,).
        means: of the groups, shape (g, d). The last group holds the rows without a label, where there are any.
        labels: how many of the groups are labels, in the order of the task; at least 1.
        outside: vectors of texts out of scope, shape (o, d), o may be 0.
        within, overall: what makes the spread around the groups' means, and around the mean of all, the same in every
            direction, shape (d, d).
        centre: the mean of all, shape (d,).
        weights, bias: direction from out of scope to in scope, shape (d,), zero without texts out of scope.
    """

    vectors: Vectors
    starts: Rows
    means: Vectors
    labels: int
    outside: Vectors
    within: Vectors
    overall: Vectors
    centre: Vectors
    weights: Vectors
    bias: float

    @property
    def nbytes(self) -> int:
        arrays = (self.vectors, self.means, self.outside, self.within, self.overall)
        return sum(array.nbytes for array in arrays)

    @cached_property
    def _places(self) -> Vectors:
        """The groups' means where spread is the same in every direction; dear to compute, the same for every text."""
        places: Vectors = self.means @ self.within
        return places

    @cached_property
    def _lengths(self) -> Vectors:
        """The squared length of each place."""
        lengths: Vectors = (self._places**2).sum(axis=1)
        return lengths

    def signals(self, vectors: Vectors, claimed: Rows) -> Floats:
        """Signals in the order of VECTOR_SIGNALS, larger is more in scope but for `out_of_scope_similarity`.

        Args:
            vectors: shape (n, d); claimed: the label each text was given, 0 to `labels` - 1, shape (n,).
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.vectors.shape[1]:
            raise InvalidInput(f"vectors must have the shape (n, {self.vectors.shape[1]})", field="vectors")
        out = np.empty((len(vectors), len(VECTOR_SIGNALS)))
        for start in range(0, len(vectors), _ROWS):
            rows = slice(start, start + _ROWS)
            out[rows] = self._signals(np.ascontiguousarray(vectors[rows], dtype=np.float32), claimed[rows])
        return out

    def _signals(self, vectors: Vectors, claimed: Rows) -> Floats:
        near = vectors @ self.vectors.T
        by_group = np.maximum.reduceat(near, self.starts, axis=1)
        own = np.take_along_axis(by_group, claimed[:, None], axis=1)[:, 0]
        k = min(_NEIGHBOUR, near.shape[1])
        neighbour = np.partition(near, -k, axis=1)[:, -k]
        centroid = (vectors * self.means[claimed]).sum(axis=1)
        nearest = _squares(vectors @ self.within, self._places, self._lengths).min(axis=1)
        background = (((vectors - self.centre) @ self.overall) ** 2).sum(axis=1)
        outside = (vectors @ self.outside.T).max(axis=1) if len(self.outside) else np.zeros(len(vectors))
        scope = vectors @ self.weights + self.bias
        columns = [by_group.max(axis=1), neighbour, own, centroid, background - nearest, outside, scope]
        return np.column_stack(columns).astype(np.float64)

    def state(self) -> State:
        names = ("vectors", "starts", "means", "outside", "within", "overall", "centre", "weights")
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in names}
        return State({"labels": self.labels, "bias": self.bias}, arrays)

    @classmethod
    def from_state(cls, state: State) -> Reference:
        """Raises CorruptArtefact."""

        def floats(name: str, ndim: int) -> Vectors:
            return state.array(name, ndim=ndim, dtype=np.float32)

        vectors, means, outside, within, overall = (
            floats(name, 2) for name in ("vectors", "means", "outside", "within", "overall")
        )
        starts, centre, weights = state.array("starts", dtype=np.int64), floats("centre", 1), floats("weights", 1)
        labels, d = state.value("labels", int), vectors.shape[1]
        shapes = means.shape == (len(starts), d) and outside.shape[1] == d and within.shape == overall.shape == (d, d)
        rising = len(starts) and starts[0] == 0 and (np.diff(starts) > 0).all() and starts[-1] < len(vectors)
        if not shapes or not rising or not len(centre) == len(weights) == d or not 0 < labels <= len(means):
            raise CorruptArtefact("the stored vectors to compare with don't fit each other: train the expert again.")
        bias = state.value("bias", float)
        return cls(vectors, starts, means, labels, outside, within, overall, centre, weights, bias)


def fit_reference(vectors: Vectors, groups: Rows, labels: int, outside: Vectors, *, seed: int = 0) -> Reference:
    """Learn from the vectors of what a model learnt from; scikit-learn is loaded where there are texts out of scope.

    Args:
        vectors: shape (n, d); groups: the label of each, below 0 where there is none, shape (n,).
        labels: how many labels there are; 1 for tasks without labels, all groups 0.
        outside: vectors of texts out of scope, shape (m, d).

    Raises:
        InvalidInput: no row has a label, or shapes don't match.
    """
    if len(vectors) != len(groups) or not (groups >= 0).any() or groups.max() >= labels:
        raise InvalidInput(f"groups must name a label below {labels} for at least one of the vectors", field="groups")
    groups = np.where(groups < 0, labels, groups)
    sums = np.zeros((labels + 1, vectors.shape[1]))
    np.add.at(sums, groups, vectors)
    counts = np.bincount(groups, minlength=labels + 1)
    centre = vectors.mean(axis=0, dtype=np.float64)
    # A label that this part of the data lacks lies nowhere: at the centre it attracts and repels nothing.
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centre)
    within = _whitening(vectors - means[groups])
    overall = _whitening(vectors - centre)
    weights, bias = _fit_scope(vectors, outside, seed)
    kept, starts = _kept(groups, labels)
    used = labels + 1 if counts[labels] else labels
    stored = np.where(kept[:, None] >= 0, vectors[kept], centre)
    return Reference(
        np.ascontiguousarray(stored, dtype=np.float32),
        starts[:used],
        means[:used].astype(np.float32),
        labels,
        np.ascontiguousarray(outside, dtype=np.float32).reshape(-1, vectors.shape[1]),
        within.astype(np.float32),
        overall.astype(np.float32),
        centre.astype(np.float32),
        weights,
        bias,
    )


def _kept(groups: Rows, labels: int) -> tuple[Rows, Rows]:
    """Rows to compare to, by group, evenly fewer of each where they are too many to search in time; -1 for no row."""
    most = max(1, _MOST_NEIGHBOURS // (labels + 1)) if len(groups) > _MOST_NEIGHBOURS else len(groups)
    members = [np.flatnonzero(groups == group) for group in range(labels + 1)]
    parts = [part[np.linspace(0, len(part) - 1, min(most, len(part))).astype(np.int64)] for part in members]
    # Every label needs a row for its place among the others; the rest may be empty.
    parts = [part if len(part) or group == labels else np.array([-1]) for group, part in enumerate(parts)]
    return np.concatenate(parts), np.cumsum([0, *(len(part) for part in parts[:-1])])


def _whitening(centred: NDArray[np.floating]) -> Floats:
    """W with W W^T the inverse of a covariance, drawn towards equal variances the fewer rows there are."""
    n, d = centred.shape
    covariance = (centred.T @ centred).astype(np.float64) / n
    shrunk = d / (n + d)
    average = np.trace(covariance) / d
    values, found = np.linalg.eigh((1 - shrunk) * covariance + (shrunk * average + 1e-9) * np.eye(d))
    result: Floats = found / np.sqrt(np.maximum(values, 1e-9))
    return result


def _squares(rows: Vectors, columns: Vectors, lengths: Vectors) -> Vectors:
    """Squared distances, shape (len(rows), len(columns)); `lengths` are those of the columns, squared."""
    squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ columns.T + lengths
    result: Vectors = np.maximum(squares, 0)
    return result


def _fit_scope(vectors: Vectors, outside: Vectors, seed: int) -> tuple[Vectors, float]:
    if not len(outside):
        return np.zeros(vectors.shape[1], dtype=np.float32), 0.0
    from sklearn.linear_model import LogisticRegression

    inside = np.repeat([1, 0], [len(vectors), len(outside)])
    model = LogisticRegression(C=_SCOPE_C, max_iter=300, tol=1e-3, random_state=seed)
    model.fit(np.vstack([vectors, outside]).astype(np.float64), inside)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])

"""What a trained head says of texts: probabilities, and the raw signals behind the confidence.

The same code runs on the models of cross-validation and on the served one, so the confidence is fitted on what it
will see. It knows nothing of files, replies or how the numbers were learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.learners.tfidf import Terms, TextVectoriser
from signalbox.contracts import Vectors

Floats = NDArray[np.float64]

SIGNALS = (
    "energy",
    "max_probability",
    "margin",
    "similarity",
    "label_similarity",
    "out_of_scope_similarity",
    "scope",
    "known_words",
)
_ROWS = 256


@dataclass(frozen=True, slots=True)
class Head:
    """A linear classifier over TF-IDF and encoder vectors, with the examples it compares to.

    Attributes:
        text_weights: shape (terms, labels); `vector_weights`: shape (dimension, labels); `bias`: shape (labels,).
        temperature: what logits are divided by to make the probabilities honest.
        vectors: unit vectors of utterances, shape (n, dimension); `targets`: their labels, ascending, shape (n,).
        outside: unit vectors of out-of-scope examples, shape (m, dimension).
        scope_weights: direction from out of scope to in scope, shape (dimension,), zero without examples.
    """

    vectoriser: TextVectoriser
    text_weights: NDArray[np.float32]
    vector_weights: NDArray[np.float32]
    bias: Floats
    temperature: float
    vectors: Vectors
    targets: NDArray[np.int64]
    outside: Vectors
    scope_weights: NDArray[np.float32]
    scope_bias: float

    def logits(self, terms: Sequence[Terms], vectors: Vectors) -> Floats:
        """Shape (len(terms), labels), not yet divided by the temperature."""
        out: Floats = (vectors @ self.vector_weights).astype(np.float64) + self.bias
        for row, (columns, values, _) in zip(out, terms, strict=True):
            row += values.astype(np.float32) @ self.text_weights[columns]
        return out

    def signals(self, texts: Sequence[str], vectors: Vectors, logits: Floats) -> tuple[Floats, Floats]:
        """Probabilities, shape (n, labels), and signals in the order of SIGNALS, shape (n, 8)."""
        scaled = logits / self.temperature
        peak = scaled.max(axis=1)
        weights = np.exp(scaled - peak[:, None])
        total = weights.sum(axis=1)
        probabilities = weights / total[:, None]
        best = scaled.argmax(axis=1)
        second = np.partition(scaled, -2, axis=1)[:, -2]
        nearest, nearest_of_label, outside = (np.zeros(len(texts)) for _ in range(3))
        starts = np.searchsorted(self.targets, np.arange(logits.shape[1]))
        for start in range(0, len(texts), _ROWS):
            rows = slice(start, start + _ROWS)
            # One maximum a label; every label has at least one utterance.
            by_label = np.maximum.reduceat(vectors[rows] @ self.vectors.T, starts, axis=1)
            nearest[rows] = by_label.max(axis=1)
            nearest_of_label[rows] = np.take_along_axis(by_label, best[rows, None], axis=1)[:, 0]
            if len(self.outside):
                outside[rows] = (vectors[rows] @ self.outside.T).max(axis=1)
        scope = (vectors @ self.scope_weights).astype(np.float64) + self.scope_bias
        known = np.array([self.vectoriser.known_share(text) for text in texts])
        top = probabilities.max(axis=1)
        columns = [peak + np.log(total), top, peak - second, nearest, nearest_of_label, outside, scope, known]
        return probabilities, np.column_stack(columns)

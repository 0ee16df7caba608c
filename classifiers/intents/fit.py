"""Learning a head from texts, vectors and labels with scikit-learn, which is imported here only.

TF-IDF is reduced to dense columns first, as many as there are examples or, where those are many, the largest
singular vectors: ridge logistic regression has its solution in the span of the examples, and few dense columns train
many times faster. The weights are turned back into one row a term, so nothing of this is left when serving.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.intents.signals import Head
from classifiers.learners.tfidf import TextVectoriser
from signalbox.contracts import Vectors

# Chosen by out-of-fold accuracy and log-loss on the sample workspace.
_C = 3.0
_VECTOR_SCALE = 2.5
_SCOPE_C = 3.0
_EXACT_UP_TO = 2_000
_COMPONENTS = 512
_MOST_NEIGHBOURS = 10_000


def fit_head(
    texts: list[str], vectors: Vectors, targets: NDArray[np.int64], labels: int, outside: Vectors, *, seed: int
) -> Head:
    """A head with temperature 1.

    Args:
        vectors: unit vectors, shape (n, dimension); `targets`: labels 0 to `labels` - 1, each at least once.
        outside: unit vectors of out-of-scope examples, shape (m, dimension).
    """
    vectoriser = TextVectoriser.fit(texts)
    terms = vectoriser.matrix(texts)
    reduced, unfold = _reduce(terms, seed)
    columns = np.hstack([reduced, _VECTOR_SCALE * vectors]).astype(np.float32)
    weights, bias = _logistic(columns, targets, _C, seed)
    if labels == 2:
        # One row decides between two labels; half of it for each is the same model.
        weights, bias = np.hstack([-weights / 2, weights / 2]), np.hstack([-bias / 2, bias / 2])
    rank = reduced.shape[1]
    scope_weights, scope_bias = _fit_scope(vectors, outside, seed)
    kept = _neighbours(targets, labels)
    return Head(
        vectoriser,
        unfold(weights[:rank]).astype(np.float32),
        (_VECTOR_SCALE * weights[rank:]).astype(np.float32),
        bias,
        1.0,
        np.ascontiguousarray(vectors[kept]),
        targets[kept],
        outside,
        scope_weights,
        scope_bias,
    )


def _reduce(terms: Any, seed: int) -> tuple[NDArray[np.float64], Callable[[Any], Any]]:
    """`terms` in fewer columns, shape (n, r), and what turns weights of those, (r, k), into weights of terms."""
    if terms.shape[0] <= _EXACT_UP_TO:
        from scipy.linalg import cholesky, solve_triangular

        # Rows of a Cholesky factor have the scalar products of the rows they stand for; equal texts need the ridge.
        gram = (terms @ terms.T).toarray()
        lower = cholesky(gram + 1e-6 * np.eye(len(gram)), lower=True)
        return lower, lambda weights: terms.T @ solve_triangular(lower, weights, lower=True, trans="T")
    from sklearn.utils.extmath import randomized_svd

    components = min(_COMPONENTS, min(terms.shape) - 1)
    left, values, right = randomized_svd(terms, components, n_iter=2, random_state=seed)
    return left * values, lambda weights: right.T @ weights


def _logistic(columns: NDArray[np.float32], targets: Any, c: float, seed: int) -> tuple[Any, Any]:
    """Weights, shape (columns, labels or 1), and bias."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=c, max_iter=300, tol=1e-3, random_state=seed)
    with warnings.catch_warnings():
        # A head stopped a little early is still a head; its confidence is calibrated afterwards.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(columns, targets)
    return model.coef_.T.astype(np.float64), model.intercept_.astype(np.float64)


def _fit_scope(vectors: Vectors, outside: Vectors, seed: int) -> tuple[NDArray[np.float32], float]:
    if not len(outside):
        return np.zeros(vectors.shape[1], dtype=np.float32), 0.0
    inside = np.repeat([1, 0], [len(vectors), len(outside)])
    weights, bias = _logistic(np.vstack([vectors, outside]), inside, _SCOPE_C, seed)
    return weights[:, 0].astype(np.float32), float(bias[0])


def _neighbours(targets: NDArray[np.int64], labels: int) -> NDArray[np.int64]:
    """The utterances to compare to, by label; evenly fewer of each where there are too many to search in time."""
    most = max(1, _MOST_NEIGHBOURS // labels) if len(targets) > _MOST_NEIGHBOURS else len(targets)
    members = [np.flatnonzero(targets == label) for label in range(labels)]
    return np.concatenate([part[np.linspace(0, len(part) - 1, min(most, len(part))).astype(int)] for part in members])

"""Learning linear heads from terms, vectors and targets with scikit-learn, which is imported here only.

TF-IDF is reduced to dense columns first, as many as there are examples or, where those are many, the largest singular
vectors: ridge and ridge logistic regression have their solution in the span of the examples, and few dense columns
train many times faster. The weights are turned back into one row a term, so nothing of this is left when serving.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.contract import Floats, Rows, Task, TrainingSet
from classifiers.learners.corpus import corpus_of
from classifiers.learners.linear import Head, LinearModel, Scale, to_scale
from signalbox.errors import InvalidInput

_EXACT_UP_TO = 2_000
_SKEWED = 0.5  # skewness from which a logarithmic scale is tried for numbers
_HEAVY = 2.0
_RIDGES = np.logspace(-2, 4, 13)


@dataclass(frozen=True, slots=True)
class LinearOptions:
    """What may be tuned.

    Attributes:
        c: inverse strength of the ridge of the labels' logistic regression.
        vector_scale: how much the encoder's vectors weigh beside TF-IDF, both of length 1; 0 leaves them out.
        components: most singular vectors of TF-IDF.
    """

    c: float = 3.0
    vector_scale: float = 2.5
    components: int = 512


def fit_linear(learner: str, data: TrainingSet, options: LinearOptions, *, seed: int) -> LinearModel:
    """One head a task, each from the rows that have a target for it.

    Raises:
        InvalidInput: a task has fewer than two labels, or a number fewer than two rows.
    """
    examples = data.examples
    corpus = corpus_of(data.analysed)
    vectoriser = corpus.vectoriser(examples.texts)
    reduced, unfold = _reduce(corpus.matrix(vectoriser, examples.texts), options.components, seed)
    columns = reduced.astype(np.float32)
    if options.vector_scale:
        columns = np.hstack([columns, np.float32(options.vector_scale) * data.vectors])
    rank = reduced.shape[1]

    def head(index: int, task: Task) -> Head:
        rows = examples.known(index)
        if task.kind == "regression":
            weights, bias, extra = _number(columns[rows], examples.targets[rows, index], task)
        else:
            weights, bias = _labels(columns[rows], examples.positions(index, rows), task, options.c, seed)
            extra = {}
        return Head(
            unfold(weights[:rank]).astype(np.float32),
            (options.vector_scale * weights[rank:]).astype(np.float32) if options.vector_scale else None,
            bias,
            **extra,
        )

    heads = tuple(head(index, task) for index, task in enumerate(examples.tasks))
    return LinearModel(learner, examples.tasks, vectoriser, heads)


def _reduce(terms: Any, components: int, seed: int) -> tuple[Floats, Callable[[Any], Any]]:
    """`terms` in fewer columns, shape (n, r), and what turns weights of those, (r, k), into weights of terms."""
    if terms.shape[0] <= _EXACT_UP_TO:
        from scipy.linalg import cholesky, solve_triangular

        # Rows of a Cholesky factor have the scalar products of the rows they stand for; equal texts need the ridge.
        gram = (terms @ terms.T).toarray()
        lower = cholesky(gram + 1e-6 * np.eye(len(gram)), lower=True)
        return lower, lambda weights: terms.T @ solve_triangular(lower, weights, lower=True, trans="T")
    from sklearn.utils.extmath import randomized_svd

    left, values, right = randomized_svd(terms, min(components, *terms.shape) - 1, n_iter=2, random_state=seed)
    return left * values, lambda weights: right.T @ weights


def _labels(columns: Any, positions: Rows, task: Task, c: float, seed: int) -> tuple[Floats, Floats]:
    """Weights, shape (columns, k), and bias; labels that no row has get no weight and are never predicted."""
    if task.kind == "ordinal":
        steps = [_step(columns, positions > step, c, seed) for step in range(task.width - 1)]
        return np.hstack([weights for weights, _ in steps]), np.hstack([bias for _, bias in steps])
    present = np.unique(positions)
    if len(present) < 2:
        raise InvalidInput(
            f"{task.name!r} has {len(present)} labels among the rows to learn from; at least 2 are needed.",
            field="target",
        )
    weights, bias = logistic(columns, positions, c, seed)
    if len(present) == 2:
        # One row decides between two labels; half of it for each is the same model.
        weights, bias = np.hstack([-weights / 2, weights / 2]), np.hstack([-bias / 2, bias / 2])
    if len(present) < task.width:
        wide, low = np.zeros((weights.shape[0], task.width)), np.full(task.width, bias.min() - 20.0)
        wide[:, present], low[present] = weights, bias
        weights, bias = wide, low
    return weights, bias


def _step(columns: Any, above: Any, c: float, seed: int) -> tuple[Floats, Floats]:
    if above.all() or not above.any():
        # No row on one side: as sure as the number of rows allows (Laplace).
        share = (above.sum() + 1) / (len(above) + 2)
        return np.zeros((columns.shape[1], 1)), np.array([np.log(share / (1 - share))])
    return logistic(columns, above, c, seed)


def logistic(columns: Any, targets: Any, c: float, seed: int) -> tuple[Floats, Floats]:
    """Weights, shape (columns, labels or 1), and bias of a ridge logistic regression."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=c, max_iter=300, tol=1e-3, random_state=seed)
    with warnings.catch_warnings():
        # A head stopped a little early is still a head; its confidence is calibrated afterwards.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(columns, targets)
    return model.coef_.T.astype(np.float64), model.intercept_.astype(np.float64)


def _number(columns: Any, values: Floats, task: Task) -> tuple[Floats, Floats, dict[str, Any]]:
    """Ridge regression, its strength by leave-one-out error, on a scale where the tail is light."""
    from sklearn.linear_model import RidgeCV

    if len(values) < 2 or values.min() == values.max():
        raise InvalidInput(
            f"{task.name!r} has one value only ({values[0] if len(values) else 'none'}): there is nothing to learn.",
            field="target",
        )
    scale = choose_scale(values)
    model = RidgeCV(alphas=_RIDGES)
    model.fit(columns.astype(np.float64), to_scale(values, scale))
    extra = {"scale": scale, "low": float(values.min()), "high": float(values.max())}
    return model.coef_.reshape(-1, 1), np.atleast_1d(np.float64(model.intercept_)), extra


def choose_scale(values: Floats) -> Scale:
    """Logarithmic for what is never negative and less skewed then, its signed likeness for other heavy tails."""
    skewness = _skewness(values)
    if values.min() >= 0 and skewness > _SKEWED and abs(_skewness(np.log1p(values))) < skewness:
        return "log1p"
    return "arcsinh" if abs(skewness) > _HEAVY else "identity"


def _skewness(values: Floats) -> float:
    spread = values.std()
    return float(np.mean(((values - values.mean()) / spread) ** 3)) if spread else 0.0

"""Out-of-fold outputs: what a learner says of rows it has not learnt from. Every figure and threshold starts here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial

import numpy as np

from classifiers.contract import FitContext, Floats, Learner, Rows, TrainingSet
from classifiers.experts.memory import kept_rows, label_groups
from classifiers.training.scratch import Scratch
from classifiers.training.splits import Split
from signalbox.contracts import Vectors


@dataclass(frozen=True)
class Part:
    """One split's model asked about what was held out from it.

    Attributes:
        scores: one array a task for the held rows, then the held texts out of scope.
        vectors: their representation by the part's model, shape (held + outside held, d).
        kept: rows of the training set that the model learnt from and that texts are compared with.
        fitted, fitted_outside: the representation of those, and of the texts out of scope learnt from.
    """

    split: Split
    scores: tuple[Floats, ...]
    vectors: Vectors
    kept: Rows
    fitted: Vectors
    fitted_outside: Vectors


@dataclass(frozen=True)
class Held:
    """All parts together.

    Attributes:
        rows: the held rows of the training set, in the order of the parts; `outside` likewise.
        folds: the part each of `rows`, then each of `outside`, belongs to.
        scores: one array a task, shape (rows + outside, width).
        vectors: the representation of each by its part's model, shape (rows + outside, d).
    """

    parts: tuple[Part, ...]
    rows: Rows
    outside: Rows
    folds: Rows
    scores: tuple[Floats, ...]
    vectors: Vectors


def cross_fit(
    learner: Learner, data: TrainingSet, splits: tuple[Split, ...], context: FitContext, scratch: Scratch
) -> Held:
    """Fit once a split; `context.progress` is told shares of 0 to 1 over all of them."""
    parts = []
    for number, split in enumerate(splits):
        where = f"Cross-validating {learner.name}, part {number + 1} of {len(splits)}"

        def told(share: float, stage: str, *, number: int = number, where: str = where) -> None:
            context.progress((number + share) / len(splits), f"{where}: {stage}" if stage else where)

        told(0.0, "")
        budget = context.budget_s / len(splits) if context.budget_s else None
        inner = FitContext(context.encoder, context.seed, told, budget)
        name = f"{learner.name}-{_digest(learner, split)}"
        kept = scratch.keep(name, partial(_fit, learner, data, split, inner))
        scores = tuple(np.asarray(kept[f"scores.{task}"], dtype=np.float64) for task in range(len(data.examples.tasks)))
        vectors, fitted, outside = (
            np.asarray(kept[array], dtype=np.float32) for array in ("vectors", "fitted", "fitted_outside")
        )
        parts.append(Part(split, scores, vectors, np.asarray(kept["kept"], dtype=np.int64), fitted, outside))
    return _together(tuple(parts))


def _fit(learner: Learner, data: TrainingSet, split: Split, context: FitContext) -> dict[str, np.ndarray]:
    seen = data.take(split.fit, split.outside_fit)
    model = learner.fit(seen, context)
    held = data.take(split.held, split.outside_held)
    texts = [*held.examples.texts, *held.examples.outside]
    said = model.outputs(texts, np.concatenate([held.vectors, held.outside]))
    groups, _ = label_groups(seen.examples)
    kept = kept_rows(groups, context.seed)
    fitted = model.represent(
        [*(seen.examples.texts[row] for row in kept), *seen.examples.outside],
        np.concatenate([seen.vectors[kept], seen.outside]),
    )
    return {
        **{f"scores.{task}": scores for task, scores in enumerate(said.scores)},
        "vectors": said.vectors,
        "kept": split.fit[kept],
        "fitted": fitted[: len(kept)],
        "fitted_outside": fitted[len(kept) :],
    }


def _digest(learner: Learner, split: Split) -> str:
    """Of what tells one fit from another on the same data: the options, and the rows learnt from."""
    digest = hashlib.sha256(json.dumps(learner.options, sort_keys=True).encode())
    for rows in (split.fit, split.held, split.outside_fit, split.outside_held):
        digest.update(rows.astype(np.int64).tobytes() + b"|")
    return digest.hexdigest()[:16]


def _together(parts: tuple[Part, ...]) -> Held:
    inside = [len(part.split.held) for part in parts]

    def stacked(arrays: list[np.ndarray]) -> np.ndarray:
        """Rows of all parts, then texts out of scope of all parts."""
        pairs = list(zip(arrays, inside, strict=True))
        return np.concatenate([array[:n] for array, n in pairs] + [array[n:] for array, n in pairs])

    numbers = np.arange(len(parts))
    folds = np.concatenate([np.repeat(numbers, inside), np.repeat(numbers, [len(p.split.outside_held) for p in parts])])
    return Held(
        parts,
        np.concatenate([part.split.held for part in parts]),
        np.concatenate([part.split.outside_held for part in parts]),
        folds,
        tuple(stacked([part.scores[task] for part in parts]) for task in range(len(parts[0].scores))),
        stacked([part.vectors for part in parts]),
    )

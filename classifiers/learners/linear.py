"""A linear model over TF-IDF terms and the shared encoder's vectors, for any number of tasks: the served form.

Labels have one column of weights each; an ordinal task has one a step between neighbouring labels (Frank and Hall,
"A simple approach to ordinal classification", 2001); a number has one, in a scale where its tail is light. Numbers and
strings only: nothing is unpickled, and scikit-learn is not imported. How weights are learnt is `fitting`'s business.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Floats, Outputs, Task, Term
from classifiers.learners.tfidf import Block, Terms, TextVectoriser, character_ngrams, word_ngrams
from classifiers.learners.words import word_effects
from signalbox.calibration import sigmoid
from signalbox.contracts import Vectors
from signalbox.errors import CorruptArtefact

Scale = Literal["identity", "log1p", "arcsinh"]

ARRAYS = "linear.npz"
DESCRIPTION = "linear.json"
_REMEDY = "restore the folder from a backup, or train the expert again"
_LEAST = 1e-6  # a probability between two steps that cross is not less than this


@dataclass(frozen=True, slots=True)
class Head:
    """The weights of one task.

    Attributes:
        terms: shape (terms, columns); None where no terms are used.
        vectors: shape (dimension, columns); None where the encoder is not used.
        bias: shape (columns,).
        scale: of a number: the scale that the weights speak in.
        low, high: of a number: the least and most that training has seen, which estimates stay within.
    """

    terms: NDArray[np.float32] | None
    vectors: NDArray[np.float32] | None
    bias: Floats
    scale: Scale = "identity"
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True)
class LinearModel:
    """Made by the learners `tfidf` and `embeddings`; `heads` are in the order of `tasks`."""

    learner: str
    tasks: tuple[Task, ...]
    vectoriser: TextVectoriser
    heads: tuple[Head, ...]

    @property
    def nbytes(self) -> int:
        weights = sum(
            part.nbytes for head in self.heads for part in (head.terms, head.vectors, head.bias) if part is not None
        )
        return weights + 150 * self.vectoriser.size  # a term is a string, a place in a dictionary and its weight

    def outputs(self, texts: Sequence[str], vectors: Vectors) -> Outputs:
        terms = [self.vectoriser.transform(text) for text in texts]
        scores = tuple(
            head_scores(task, head, self._raw(head, terms, vectors))
            for task, head in zip(self.tasks, self.heads, strict=True)
        )
        return Outputs(scores, vectors)

    def represent(self, texts: Sequence[str], vectors: Vectors) -> Vectors:  # noqa: ARG002
        return vectors

    def terms(self, text: str, task: int, column: int) -> tuple[Term, ...]:
        """Exact where the encoder is not used: the effects of a text's words are sums over the terms within them."""
        head = self.heads[task]
        if head.terms is None or head.vectors is not None:
            return ()
        column = min(column, head.terms.shape[1] - 1)
        return word_effects(text, self.vectoriser, head.terms[:, column] - head.terms.mean(axis=1) * _many(head))

    def save(self, folder: Path) -> None:
        arrays: dict[str, NDArray[np.generic]] = {
            "word_idf": self.vectoriser.words.idf,
            "character_idf": self.vectoriser.characters.idf,
        }
        for number, head in enumerate(self.heads):
            arrays[f"{number}.bias"] = head.bias
            if head.terms is not None:
                arrays[f"{number}.terms"] = head.terms
            if head.vectors is not None:
                arrays[f"{number}.vectors"] = head.vectors
        np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]  # the stubs take keywords for `allow_pickle`
        described = {
            "words": list(self.vectoriser.words.terms),
            "characters": list(self.vectoriser.characters.terms),
            "heads": [
                {"scale": head.scale, "low": _finite(head.low), "high": _finite(head.high)} for head in self.heads
            ],
        }
        text = json.dumps(described, ensure_ascii=False, allow_nan=False)
        (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")

    def _raw(self, head: Head, terms: Sequence[Terms], vectors: Vectors) -> Floats:
        out = np.tile(head.bias, (len(terms), 1))
        if head.vectors is not None:
            out += (vectors @ head.vectors).astype(np.float64)
        if head.terms is not None:
            for row, (columns, values, _) in zip(out, terms, strict=True):
                row += values.astype(np.float32) @ head.terms[columns]
        return out


def load_linear(folder: Path, learner: str, tasks: tuple[Task, ...]) -> LinearModel:
    """Raises CorruptArtefact where files and tasks don't fit each other; checksums are the registry's business."""
    try:
        with np.load(folder / ARRAYS, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        vectoriser = TextVectoriser(
            _block(word_ngrams, described["words"], arrays["word_idf"]),
            _block(character_ngrams, described["characters"], arrays["character_idf"]),
        )
        heads = tuple(
            Head(
                arrays.get(f"{number}.terms"),
                arrays.get(f"{number}.vectors"),
                arrays[f"{number}.bias"],
                head["scale"],
                -np.inf if head["low"] is None else float(head["low"]),
                np.inf if head["high"] is None else float(head["high"]),
            )
            for number, head in enumerate(described["heads"])
        )
        fits = len(heads) == len(tasks) and all(
            len(head.bias) == _columns(task) and (head.terms is None or head.terms.shape[0] == vectoriser.size)
            for head, task in zip(heads, tasks, strict=True)
        )
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise CorruptArtefact(f"{folder} can't be read as a linear model ({error}): {_REMEDY}.") from None
    if not fits:
        raise CorruptArtefact(f"{folder / ARRAYS} does not fit the tasks and terms beside it: {_REMEDY}.")
    return LinearModel(learner, tasks, vectoriser, heads)


def to_scale(values: Floats, scale: Scale) -> Floats:
    """A number in the scale that weights speak in."""
    if scale == "log1p":
        return np.log1p(np.maximum(values, 0.0))
    return np.arcsinh(values) if scale == "arcsinh" else values


def _from_scale(values: Floats, scale: Scale) -> Floats:
    if scale == "log1p":
        return np.maximum(np.expm1(values), 0.0)
    return np.sinh(values) if scale == "arcsinh" else values


def _columns(task: Task) -> int:
    return task.width - 1 if task.kind == "ordinal" else task.width


def _many(head: Head) -> float:
    return 1.0 if head.terms is not None and head.terms.shape[1] > 1 else 0.0


def head_scores(task: Task, head: Head, raw: Floats) -> Floats:
    """Logits or estimates from the sums of a head, shape (n, columns)."""
    if task.kind == "regression":
        lowest, highest = to_scale(np.array([head.low, head.high]), head.scale)
        estimates: Floats = np.clip(_from_scale(np.clip(raw, lowest, highest), head.scale), head.low, head.high)
        return estimates
    if task.kind == "classification":
        return raw
    above = sigmoid(raw)  # column j: the probability of a label above the j-th
    edges = np.hstack([np.ones((len(raw), 1)), above, np.zeros((len(raw), 1))])
    between = np.maximum(edges[:, :-1] - edges[:, 1:], _LEAST)
    logits: Floats = np.log(between / between.sum(axis=1, keepdims=True))
    return logits


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _block(analyse: object, terms: list[str], idf: Floats) -> Block:
    if len(terms) != len(idf):
        raise ValueError(f"{len(terms)} terms, {len(idf)} weights")
    return Block(analyse, {term: column for column, term in enumerate(terms)}, idf)  # type: ignore[arg-type]

"""Asking a model about a text as it is shown, with pieces of it left out, each such text once.

Knows how a shown text becomes scores: prepared, encoded, judged. What is asked and why is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from classifiers.contract import Floats, Outputs, Task, TextModel
from classifiers.explain.pieces import Piece, without
from signalbox.contracts import Encoder, Vectors

T = TypeVar("T", bound=Collection[Piece])

MOST_CHARACTERS = 64_000


@dataclass
class Asked:
    """What a model has said of one text and of parts of it; shared by all tasks of an explanation.

    Attributes:
        left: characters that it may still read; scores of all tasks come from one reading.
        whole: of the whole text.
        parts: scores of every task by shown text.
    """

    left: int = MOST_CHARACTERS
    whole: Outputs | None = None
    parts: dict[str, tuple[Floats, ...]] = field(default_factory=dict, repr=False)


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Reader:
    """A model with all that lies between a shown text and what is said of one of its tasks.

    Attributes:
        index: the task's place among the model's.
        prepare: makes of a shown text what the model has learnt from.
        temperature: what logits are divided by to be honest log-odds.
        probabilities: from logits, shape (n, labels), to calibrated probabilities of that shape; None: their softmax
            at `temperature`.
    """

    model: TextModel
    encoder: Encoder
    task: Task
    index: int = 0
    prepare: Callable[[str], str] = _as_it_is
    temperature: float = 1.0
    probabilities: Callable[[Floats], Floats] | None = None

    def outputs(self, texts: Sequence[str], vectors: Vectors | None = None) -> Outputs:
        """What the model says of shown texts; `vectors` are the encoder's of the prepared texts, to save encoding."""
        prepared = [self.prepare(text) for text in texts]
        return self.model.outputs(prepared, self.encoder.encode(prepared) if vectors is None else vectors)

    def judge(self, scores: Floats) -> Floats:
        """Calibrated probabilities, shape (n, labels)."""
        if self.probabilities is not None:
            return self.probabilities(scores)
        exponentials = np.exp((scores - scores.max(axis=1, keepdims=True)) / self.temperature)
        out: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
        return out

    def worth(self, scores: Floats, column: int) -> Floats:
        """What effects are differences of, shape (n,): a label's log-odds, or the number."""
        if self.task.kind == "regression":
            return scores[:, 0]
        if scores.shape[1] < 2:
            return np.zeros(len(scores))
        others = np.delete(scores, column, axis=1) / self.temperature
        peak = others.max(axis=1)
        out: Floats = scores[:, column] / self.temperature - peak - np.log(np.exp(others - peak[:, None]).sum(axis=1))
        return out


@dataclass
class Reading:
    """One text as a reader reads it, whole and in part; answers are kept, so asking again costs nothing.

    Attributes:
        shared: with readings of other tasks of the same model.
        asked: texts asked about by this reading.
    """

    reader: Reader
    text: str
    whole: Outputs
    shared: Asked = field(default_factory=Asked, repr=False)
    asked: int = 0

    @property
    def scores(self) -> Floats:
        """Of the whole text, shape (1, width)."""
        return self.whole.scores[self.reader.index]

    @property
    def column(self) -> int:
        """The label predicted; 0 for a number."""
        return 0 if self.reader.task.kind == "regression" else int(self.reader.judge(self.scores)[0].argmax())

    def affordable(self, removals: Sequence[T]) -> Sequence[T]:
        """As many of the sets of pieces, from the first on, as may still be asked about."""
        left, new = self.shared.left, set[str]()
        for place, removal in enumerate(removals):
            text = without(self.text, removal)
            if text not in self.shared.parts and text not in new:
                new.add(text)
                left -= len(text)
            if left < 0:
                return removals[:place]
        return removals

    def scores_without(self, removals: Sequence[Collection[Piece]]) -> Floats:
        """Scores of the text less each set of pieces, shape (len(removals), width), in one batch.

        Those who ask for more than is `affordable` get it: what would be no answer without is worth it.
        """
        texts = [without(self.text, removal) for removal in removals]
        if not texts:
            return np.empty((0, self.scores.shape[1]))
        new = [text for text in dict.fromkeys(texts) if text not in self.shared.parts]
        if new:
            outputs = self.reader.outputs(new)
            self.shared.parts.update(zip(new, zip(*outputs.scores, strict=True), strict=True))
            self.shared.left -= sum(map(len, new))
            self.asked += len(new)
        return np.stack([self.shared.parts[text][self.reader.index] for text in texts])

"""The trained expert: labels and numbers for each text, with a calibrated confidence and what spoke for them.

Holds numbers and strings only and changes nothing, so threads may share one. How it was trained or stored is the
business of others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from classifiers.calibration import Confidence
from classifiers.calibration.reference import Reference
from classifiers.calibration.scope import SCOPE_SIGNALS, Scope
from classifiers.contract import Floats, Outputs, Task, TextModel
from classifiers.experts.memory import Memory
from classifiers.experts.reading import TaskReading, probabilities, signal_names, signals
from classifiers.experts.wording import Wording
from classifiers.learners.tfidf import words
from classifiers.text import Pipeline
from signalbox.contracts import Encoder, Opinion, Vectors
from signalbox.errors import InvalidInput
from signalbox.types import Answer, Evidence, LabelAnswer, ValueAnswer

# What a policy may learn from. It has some hundred labels, and signals that say the same again would cost it more than
# they tell: the others stay within the expert's own confidence.
FEATURES = frozenset(
    {
        *("energy", "max_probability", "margin", "similarity", "label_similarity", "out_of_scope_similarity", "scope"),
        *("interval_width", "known_words"),
    }
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said to people for a label: `title` on a page, `text` as the answer."""

    title: str
    text: str


@dataclass(frozen=True)
class Trained:
    """What training leaves behind.

    Attributes:
        readings: one a task, in the order of the model's scores.
        confidence: probability that the whole answer is right and the text in scope; None for numbers alone, whose
            confidence is the level of their interval.
        scope: probability that a text is in scope at all; None where nothing is known of what is not.
        replies: by label of the first task with labels; may be empty.
        stems: of the words of each label's examples and reply, in the order of the labels; empty for numbers alone.
    """

    pipeline: Pipeline
    model: TextModel
    readings: tuple[TaskReading, ...]
    reference: Reference
    confidence: Confidence | None
    scope: Scope | None
    memory: Memory
    replies: Mapping[str, Reply] = field(default_factory=dict)
    stems: tuple[frozenset[str], ...] = ()

    @cached_property
    def known(self) -> frozenset[str]:
        """The words that the kept examples use."""
        return frozenset(word for text in self.memory.texts for word in words(text))

    @property
    def tasks(self) -> tuple[Task, ...]:
        return tuple(reading.task for reading in self.readings)


def known_share(known: frozenset[str], texts: Sequence[str]) -> Floats:
    """Share of each text's words that are known; 0 where it has none."""
    out = np.zeros(len(texts))
    for index, text in enumerate(texts):
        tokens = words(text)
        out[index] = sum(token in known for token in tokens) / len(tokens) if tokens else 0.0
    return out


class TextExpert:
    """Made by training or `load_expert`."""

    def __init__(self, name: str, trained: Trained, encoder: Encoder) -> None:
        self._name = name
        self._trained = trained
        self._encoder = encoder
        self._signals = signal_names(trained.tasks)
        self._wording = Wording(trained.stems) if trained.stems else None
        self._labelled = next((i for i, task in enumerate(trained.tasks) if task.kind != "regression"), None)

    @property
    def name(self) -> str:
        """Name and version, as `intents@3`."""
        return self._name

    @property
    def trained(self) -> Trained:
        return self._trained

    @property
    def tasks(self) -> tuple[Task, ...]:
        return self._trained.tasks

    @property
    def titles(self) -> Mapping[str, str]:
        """What each label is called on a page."""
        return {label: reply.title for label, reply in self._trained.replies.items()}

    @property
    def nbytes(self) -> int:
        """Memory it holds, roughly, in bytes."""
        trained = self._trained
        return trained.model.nbytes + trained.reference.nbytes + trained.memory.nbytes

    def predict(
        self, texts: Sequence[str], *, vectors: Vectors | None = None, explain: bool = False
    ) -> tuple[Opinion, ...]:
        """One opinion a text; `features` are the signals behind the confidence.

        Of a text that is hardly in scope the expert abstains: its label sets are empty, and the confidence is no more
        than the probability of being in scope.

        Args:
            vectors: of the shared encoder, shape (len(texts), dimension), to save encoding. They are used for texts
                that preparation leaves as they are.
            explain: say what spoke for each answer: words, nearest examples, what would change it.

        Raises:
            InvalidInput: `texts` is not a list of strings, or `vectors` are not theirs.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise InvalidInput("texts must be a list of strings", field="texts")
        if not len(texts):
            return ()
        prepared = self._trained.pipeline.prepare_all(texts)
        outputs = self._trained.model.outputs(prepared, self._vectors(texts, prepared, vectors))
        judged = probabilities(self._trained.readings, outputs)
        values = self._values(prepared, outputs, judged)
        in_scope, abstained = self._scope(values)
        answers = self._answers(outputs, judged, in_scope, abstained)
        confidences = self._confidences(values, in_scope, abstained)
        return tuple(
            Opinion(
                answer=answer,
                confidence=float(confidence),
                features=self._features(text, row, answer),
                evidence=self._evidence(shown) if explain else (),
            )
            for shown, text, row, answer, confidence in zip(texts, prepared, values, answers, confidences, strict=True)
        )

    def represent(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors by the expert's own model, shape (len(texts), d)."""
        prepared = self._trained.pipeline.prepare_all(texts)
        return self._trained.model.represent(prepared, self._encoder.encode(prepared))

    def _vectors(self, texts: Sequence[str], prepared: Sequence[str], vectors: Vectors | None) -> Vectors:
        if vectors is None:
            return self._encoder.encode(prepared)
        shape = (len(texts), self._encoder.dimension)
        if vectors.shape != shape:
            raise InvalidInput(f"vectors must have the shape {shape}, not {vectors.shape}", field="vectors")
        if not np.isfinite(vectors).all():
            raise InvalidInput("vectors hold values that are not finite", field="vectors")
        changed = [index for index, text in enumerate(texts) if prepared[index] != text]
        vectors = vectors.astype(np.float32, copy=bool(changed))
        if changed:
            vectors[changed] = self._encoder.encode([prepared[index] for index in changed])
        return vectors

    def _values(self, prepared: Sequence[str], outputs: Outputs, judged: Sequence[Floats | None]) -> Floats:
        share = known_share(self._trained.known, prepared)
        return signals(self._trained.readings, self._trained.reference, outputs, share, judged)

    def _confidences(self, values: Floats, in_scope: Floats | None, abstained: NDArray[np.bool_]) -> Floats:
        if self._trained.confidence is not None:
            confidences = self._trained.confidence.predict(values)
            if in_scope is not None:
                confidences[abstained] = np.minimum(confidences, in_scope)[abstained]
            return confidences
        levels = [reading.intervals.level for reading in self._trained.readings if reading.intervals is not None]
        return np.full(len(values), min(levels))

    def _scope(self, values: Floats) -> tuple[Floats | None, NDArray[np.bool_]]:
        """Probabilities of being in scope, and whether they are so low that the expert abstains."""
        scope = self._trained.scope
        if scope is None:
            return None, np.zeros(len(values), dtype=bool)
        in_scope = scope.predict(values[:, : len(SCOPE_SIGNALS)])
        return in_scope, in_scope < scope.threshold

    def _answers(
        self,
        outputs: Outputs,
        judged: Sequence[Floats | None],
        in_scope: Floats | None,
        abstained: NDArray[np.bool_],
    ) -> list[Answer]:
        labels: list[list[LabelAnswer]] = [[] for _ in outputs.vectors]
        numbers: list[list[ValueAnswer]] = [[] for _ in outputs.vectors]
        for reading, scores, of_labels in zip(self._trained.readings, outputs.scores, judged, strict=True):
            if of_labels is not None and reading.sets is not None:
                possible = reading.sets.sets(of_labels) & ~abstained[:, None]
                for own, row, inside in zip(labels, of_labels, possible, strict=True):
                    own.append(_label(reading.task, row, inside))
            elif reading.intervals is not None:
                ends = reading.intervals.intervals(scores[:, 0], outputs.vectors.astype(np.float64))
                for mine, estimate, (low, high) in zip(numbers, scores[:, 0], ends, strict=True):
                    mine.append(_number(reading, float(estimate), float(low), float(high)))
        scopes = [None] * len(labels) if in_scope is None else [float(value) for value in in_scope]
        return [self._answer(*parts) for parts in zip(labels, numbers, scopes, strict=True)]

    def _answer(self, labels: list[LabelAnswer], numbers: list[ValueAnswer], in_scope: float | None) -> Answer:
        reply = self._trained.replies.get(labels[0].label) if labels else None
        return Answer(
            text=reply.text if reply is not None else None,
            labels=tuple(labels) or None,
            value=numbers[0] if numbers else None,
            values=tuple(numbers) if len(numbers) > 1 else None,
            in_scope=in_scope,
        )

    def _features(self, text: str, values: Floats, answer: Answer) -> dict[str, float]:
        named = zip(self._signals, map(float, values), strict=True)
        features = {name: value for name, value in named if name in FEATURES}
        if self._wording is not None and self._labelled is not None and answer.labels:
            label = self.tasks[self._labelled].labels.index(answer.labels[0].label)
            features |= self._wording.signals(text, label)
        return features

    def _evidence(self, text: str) -> tuple[Evidence, ...]:
        from classifiers.experts.evidence import evidence

        return evidence(self._trained, self._encoder, text)


def _label(task: Task, probabilities: Floats, inside: np.ndarray) -> LabelAnswer:
    best = int(probabilities.argmax())
    possible = np.flatnonzero(inside)
    possible = possible[np.argsort(-probabilities[possible], kind="stable")]
    return LabelAnswer(
        task=task.name,
        label=task.labels[best],
        probability=min(1.0, float(probabilities[best])),
        set=tuple(task.labels[index] for index in possible),
    )


def _number(reading: TaskReading, estimate: float, low: float, high: float) -> ValueAnswer:
    assert reading.intervals is not None
    level, task = reading.intervals.level, reading.task
    return ValueAnswer(
        estimate=estimate, low=min(low, estimate), high=max(high, estimate), level=level, unit=task.unit, task=task.name
    )

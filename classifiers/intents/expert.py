"""The trained expert: an intent and its reply for each text, with a calibrated confidence and what spoke for it.

Holds numbers and strings only and changes nothing, so threads may share one. How it was trained or stored is the
business of the modules beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.intents.signals import SIGNALS, Head
from classifiers.learners.tfidf import Terms
from classifiers.experts.wording import Wording
from signalbox.calibration import LogisticModel
from signalbox.contracts import Encoder, Opinion, Vectors
from signalbox.errors import InvalidInput
from signalbox.types import Answer, Contribution, LabelAnswer

TASK = "intent"
_CONTRIBUTIONS = 5


@dataclass(frozen=True, slots=True)
class Trained:
    """What training leaves behind.

    Attributes:
        confidence: probability that the label is right and the text in scope, from the signals.
        set_threshold: labels at least this probable belong to the label set.
        stems: of the words in each label's utterances and reply.
    """

    head: Head
    confidence: LogisticModel
    set_threshold: float
    labels: tuple[str, ...]
    titles: tuple[str, ...]
    replies: tuple[str, ...]
    stems: tuple[frozenset[str], ...]


class IntentExpert:
    """Made by `train_intents` or `load_expert`."""

    def __init__(self, name: str, trained: Trained, encoder: Encoder) -> None:
        self._name = name
        self._trained = trained
        self._wording = Wording(trained.stems)
        self._encoder = encoder

    @property
    def name(self) -> str:
        """Name and version, as `intents@3`."""
        return self._name

    @property
    def titles(self) -> Mapping[str, str]:
        """What each intent is called on a page."""
        return dict(zip(self._trained.labels, self._trained.titles, strict=True))

    def predict(
        self, texts: Sequence[str], *, vectors: Vectors | None = None, explain: bool = False
    ) -> tuple[Opinion, ...]:
        """One opinion a text: `features` are the signals, `evidence` the terms that moved the label most.

        Args:
            vectors: the texts' vectors of this expert's encoder, shape (len(texts), dimension), to save encoding.
            explain: fill in the evidence.

        Raises:
            InvalidInput: `texts` is not a list of strings, or `vectors` are not theirs.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise InvalidInput("texts must be a list of strings", field="texts")
        if not len(texts):
            return ()
        vectors = self._checked(texts, vectors)
        head = self._trained.head
        terms = [head.vectoriser.transform(text) for text in texts]
        probabilities, signals = head.signals(texts, vectors, head.logits(terms, vectors))
        confidences = self._trained.confidence.predict(signals)
        return tuple(
            self._opinion(text, row, values, float(confidence), own if explain else None)
            for text, own, row, values, confidence in zip(
                texts, terms, probabilities, signals, confidences, strict=True
            )
        )

    def _checked(self, texts: Sequence[str], vectors: Vectors | None) -> Vectors:
        if vectors is None:
            vectors = self._encoder.encode(texts)
        shape = (len(texts), self._encoder.dimension)
        if vectors.shape != shape:
            raise InvalidInput(f"vectors must have the shape {shape}, not {vectors.shape}", field="vectors")
        if not np.isfinite(vectors).all():
            raise InvalidInput("vectors hold values that are not finite", field="vectors")
        return vectors.astype(np.float32, copy=False)

    def _opinion(
        self, text: str, probabilities: np.ndarray, signals: np.ndarray, confidence: float, terms: Terms | None
    ) -> Opinion:
        trained = self._trained
        best = int(probabilities.argmax())
        possible = np.flatnonzero(probabilities >= trained.set_threshold)
        possible = possible[np.argsort(-probabilities[possible], kind="stable")]
        label = LabelAnswer(
            task=TASK,
            label=trained.labels[best],
            probability=min(1.0, float(probabilities[best])),
            set=tuple(trained.labels[index] for index in possible) or (trained.labels[best],),
        )
        return Opinion(
            answer=Answer(text=trained.replies[best], labels=(label,)),
            confidence=confidence,
            features={**dict(zip(SIGNALS, map(float, signals), strict=True)), **self._wording.signals(text, best)},
            evidence=() if terms is None else self._evidence(terms, best),
        )

    def _evidence(self, terms: Terms, label: int) -> tuple[Contribution, ...]:
        """The terms that moved the label's logit most, in logits above the average label's."""
        head = self._trained.head
        columns, values, counts = terms
        rows = head.text_weights[columns]
        effects = values * (rows[:, label] - rows.mean(axis=1)) / head.temperature
        order = np.argsort(-np.abs(effects), kind="stable")[:_CONTRIBUTIONS]
        return tuple(
            Contribution(
                feature=head.vectoriser.shown(int(columns[index])),
                value=float(counts[index]),
                effect=float(effects[index]),
            )
            for index in order
        )

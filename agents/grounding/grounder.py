"""One grounding attempt in the `quote` style: read the passages, rank their sentences, quote the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.grounding.features import sentence_features
from agents.grounding.quoting import choose_quotes
from agents.grounding.ranker import Ranker
from agents.grounding.reading import Reader, Sentence
from agents.grounding.summary import attempt_signals
from signalbox.calibration import Floats
from signalbox.contracts import Passage
from signalbox.types import Quote

PASSAGES_READ = 8


@dataclass(frozen=True, slots=True, eq=False)
class Grounding:
    """What reading the passages gave. Without any sentence there are no quotes and all signals are 0."""

    quotes: tuple[Quote, ...]
    signals: Mapping[str, float]
    sentences: tuple[Sentence, ...]
    features: Floats
    shares: Floats


class Grounder:
    """Reads and ranks; takes a few milliseconds a passage it has not read before. Safe in several threads."""

    def __init__(self, reader: Reader, ranker: Ranker) -> None:
        self._reader = reader
        self._ranker = ranker

    def ground(self, question: str, passages: Sequence[Passage]) -> Grounding:
        asked = self._reader.question(question)
        sentences = self._reader.sentences(passages[:PASSAGES_READ])
        features = sentence_features(asked, sentences)
        shares = self._ranker.shares(features)
        return Grounding(
            quotes=choose_quotes(sentences, shares),
            signals=attempt_signals(features, self._ranker, passages),
            sentences=tuple(sentences),
            features=features,
            shares=shares,
        )

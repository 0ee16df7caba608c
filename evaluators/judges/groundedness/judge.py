"""Judging answers by their passages: read both, compare, turn the signals into probabilities, name what lacks support.

Thread-safe and local; what it takes is bounded by the limits below. That an answer is supported does not make it true
or useful: the passages may be wrong, and the question is not looked at.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evaluators.judges.groundedness.evidence import EvidenceReader, ReadPassage, TokenEncoder
from evaluators.judges.groundedness.features import Signals, answer_features, sentence_signals
from evaluators.judges.groundedness.head import Head
from evaluators.judges.groundedness.reasons import Kind, kind_of, reason_for
from evaluators.judges.groundedness.second import SecondReader
from evaluators.judges.groundedness.words import Word, read_words, sentences
from signalbox.errors import InvalidInput, TooLarge
from signalbox.types import Answer, Query, Quote, Verdict

MAX_ANSWER = 20_000
MAX_SENTENCES = 200
MAX_PASSAGES = 100
MAX_EVIDENCE = 400_000
"""Characters of all passages together."""
SUPPORTED_FROM = 0.5
READING = 2
"""Raise it with every change of features, word lists or evidence that changes a verdict: the old ones, and what was
calibrated on them, are of another judge then."""


@dataclass(frozen=True, slots=True)
class SentenceSupport:
    """A sentence of an answer, `answer[start:end] == text`; `probability` is that its passages say it.

    `supported` is None where it claims nothing: small talk, or saying that one doesn't know.
    """

    text: str
    start: int
    end: int
    probability: float
    supported: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class Support:
    """What passages say of an answer.

    Attributes:
        probability: that they say all of it.
        sentences: in order.
        kind: `abstains` or `small_talk` where no sentence claims anything; neither right nor wrong then.
        features: what the probability was made from.
    """

    probability: float
    sentences: tuple[SentenceSupport, ...]
    kind: Kind
    features: dict[str, float]

    @property
    def supported(self) -> bool:
        return self.probability >= SUPPORTED_FROM

    @property
    def unsupported(self) -> tuple[SentenceSupport, ...]:
        return tuple(one for one in self.sentences if one.supported is False)


class GroundednessJudge:
    """The kernel's `Judge` without any cloud; made by `open_judge`."""

    def __init__(self, encoder: TokenEncoder, head: Head, second: SecondReader | None = None) -> None:
        self._encoder = encoder
        self._reader = EvidenceReader(encoder)
        self._head = head
        self._second = second

    @property
    def version(self) -> str:
        """Changes with all that a verdict depends on: the head, the second reader, the encoder and how it is read."""
        read_by = str(getattr(self._encoder, "name", type(self._encoder).__name__))
        encoder = hashlib.sha256(read_by.encode()).hexdigest()[:8]
        second = f"+{self._second.version}" if self._second else ""
        return f"{self._head.version}.{encoder}.{READING}{second}"

    def score(self, answer: str, passages: Sequence[str]) -> Support:
        """How far passages support an answer, and which sentences they don't.

        Raises:
            TooLarge: more text than the limits of this module.
            InvalidInput: the answer is empty or there is no passage.
        """
        _check(answer, passages)
        read = [self._reader.read(passage) for passage in passages]
        spans = sentences(answer)
        if len(spans) > MAX_SENTENCES:
            raise TooLarge(f"an answer of {len(spans)} sentences; at most {MAX_SENTENCES} are judged", field="answer")
        texts = [answer[start:end] for start, end in spans]
        words = [read_words(text) for text in texts]
        stems = frozenset(word.stem for line in words for word in line if word.content)
        evidence = self._reader.tokens(read, stems)
        signals = [
            sentence_signals(text, line, read, encoded, evidence)
            for text, line, encoded in zip(texts, words, self._encoder.encode_tokens(texts), strict=True)
        ]
        kinds = [kind_of(text, line) for text, line in zip(texts, words, strict=True)]
        features = answer_features(signals)
        objections = self._objections(texts, words, kinds, read)
        judged = tuple(map(self._judged, texts, spans, signals, kinds, objections))
        return Support(self._probability(features, min(objections)), judged, _kind(kinds), features)

    def _objections(
        self,
        texts: Sequence[str],
        words: Sequence[Sequence[Word]],
        kinds: Sequence[Kind],
        passages: Sequence[ReadPassage],
    ) -> list[float]:
        """Of the second reader to each sentence; 0 where it has none, or nothing is claimed."""
        objections = [0.0] * len(texts)
        claims = [place for place, kind in enumerate(kinds) if kind == "claims"]
        if self._second is not None and claims:
            stems = [frozenset(word.stem for word in words[place] if word.content) for place in claims]
            found = self._second.objections([texts[place] for place in claims], stems, passages)
            for place, objection in zip(claims, found, strict=True):
                objections[place] = objection
        return objections

    def _probability(self, features: dict[str, float], objection: float) -> float:
        probability = self._head.model.predict(features)
        return probability if self._second is None else self._second.probability(probability, objection)

    def _judged(
        self, text: str, span: tuple[int, int], signals: Signals, kind: Kind, objection: float
    ) -> SentenceSupport:
        probability = self._probability(answer_features([signals]), objection)
        supported = probability >= SUPPORTED_FROM if kind == "claims" else None
        if supported is None:
            reason = "it says that it can't tell" if kind == "abstains" else "it claims nothing"
        else:
            reason = reason_for(signals, probability, supported=supported)
        return SentenceSupport(text, *span, probability, supported, reason)

    async def judge(self, query: Query, answer: Answer, quotes: Sequence[Quote]) -> Verdict:  # noqa: ARG002
        """The verdict on an answer's text; unmeasured where it has none, claims nothing or has no quotes."""
        text = (answer.text or "").strip()
        if not text:
            return self._verdict("unmeasured", None, "the answer has no text")
        if not quotes:
            return self._verdict("unmeasured", None, "there are no passages to judge it by")
        support = await asyncio.to_thread(self.score, text, [quote.text for quote in quotes])
        if support.kind != "claims":
            said = "says that it can't tell" if support.kind == "abstains" else "claims nothing"
            return self._verdict("unmeasured", None, f"the answer {said}")
        if support.supported:
            return self._verdict("right", support.probability, "the passages say it")
        worst = support.unsupported or (min(support.sentences, key=lambda one: one.probability),)
        named = "; ".join(f"“{_short(one.text)}” ({one.reason})" for one in worst[:3])
        return self._verdict("wrong", support.probability, f"the passages do not say: {named}")

    def _verdict(self, verdict: Literal["right", "wrong", "unmeasured"], score: float | None, reason: str) -> Verdict:
        return Verdict(verdict=verdict, score=score, reason=reason, by="groundedness", version=self.version)


def _kind(kinds: Sequence[Kind]) -> Kind:
    if "claims" in kinds:
        return "claims"
    return "abstains" if "abstains" in kinds else "small_talk"


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:119].rstrip() + "…"


def _check(answer: str, passages: Sequence[str]) -> None:
    if not answer.strip():
        raise InvalidInput("the answer is empty: there is nothing to judge", field="answer")
    if not any(passage.strip() for passage in passages):
        raise InvalidInput("there is no passage to judge the answer by", field="passages")
    if len(answer) > MAX_ANSWER:
        raise TooLarge(f"an answer of {len(answer):,} characters; at most {MAX_ANSWER:,} are judged", field="answer")
    if len(passages) > MAX_PASSAGES:
        raise TooLarge(f"{len(passages)} passages; an answer is judged by at most {MAX_PASSAGES}", field="passages")
    size = sum(map(len, passages))
    if size > MAX_EVIDENCE:
        raise TooLarge(f"passages of {size:,} characters together; at most {MAX_EVIDENCE:,} are read", field="passages")

"""What tells support: how much of a sentence its passages say too, in words, in order and in meaning.

Pure functions over read text. A sentence gives counts (`Signals`); an answer adds up those of its sentences, so that
one set of weights serves both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.judges.groundedness.evidence import ReadPassage
from evaluators.judges.groundedness.wordlists import NEGATIONS
from evaluators.judges.groundedness.words import Word, opposites
from signalbox.calibration import Floats
from signalbox.contracts import Vectors
from signalbox.encoder import TokenVectors

SIGNS = {
    "overlap": 1,  # share of the words that the passages have
    "order": 1,  # ... that one or two neighbouring sentences have in the same order (longest common subsequence)
    "least": 1,  # lowest over the sentences of the share of content words that the passages have
    "novel": -1,  # log of how many content words they don't have
    "meaning": 1,  # mean over tokens of the best cosine with a token of the passages (BERTScore's precision), by rarity
    "weakest": 1,  # mean of the three lowest of those cosines
    "strange": -1,  # log of the rarity of the tokens whose best cosine is below .5
    "personal": -1,  # log of how many words speak of speaker or hearer, while the passages don't
    "asks": -1,  # a sentence is a question
    "negated": -1,  # log of how many sentences negate, while the most alike sentence of the passages doesn't
    "opposite": -1,  # log of how many words are the opposite of one in that sentence, which lacks the word itself
    "figures": -1,  # log of how many numbers the passages don't have
    "names": -1,  # log of how many words written as names they don't have
}
"""Each signal with the direction that support can only go in, whatever rows a head is fitted on."""
FEATURES = tuple(SIGNS)
LEAST = {"figures": 4.0, "negated": 4.0, "opposite": 2.5, "names": 1.75}
"""What one of them takes away at least, in log-odds.

Judged answers hold few of them, and hardly any that is otherwise copied, so their weights can't be learnt from those;
but one changed fact makes a sentence wrong however much of it is right.
"""
_COMPARED = 8
_LONGEST = 150
_STRANGE = 0.5
_ANSWERS_NO = re.compile(
    r"\W*no(?:\s*[,.;:!-]|\s+(?:but|i|it|he|she|we|you|they|this|that|there|the)\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Signals:
    """What is counted of one sentence of an answer.

    Attributes:
        missing: its content words that the passages don't have.
        opposite: its words that are the opposite of one in the most alike sentence.
        best: of each token that is no punctuation the best cosine in the passages; `rarity`: its weight.
    """

    words: int
    content: int
    found: int
    in_order: int
    missing: tuple[Word, ...]
    best: Floats
    rarity: Floats
    personal: int
    asks: bool
    negated: bool
    opposite: tuple[str, ...]


def sentence_signals(
    text: str, words: Sequence[Word], passages: Sequence[ReadPassage], encoded: TokenVectors, evidence: Vectors
) -> Signals:
    """Compare one sentence with its passages; `encoded` are its tokens, `evidence` (t, d) those of the passages."""
    stems = [word.stem for word in words]
    known = [any(stem in passage.stems for passage in passages) for stem in stems]
    lines = closest({word.stem for word in words if word.content}, passages)
    alike_negates = bool(lines) and any(stem in NEGATIONS for stem in lines[0])
    best, rarity = token_support(text, encoded, evidence)
    return Signals(
        words=len(words),
        content=sum(word.content for word in words),
        found=sum(known),
        in_order=max((common(stems[:_LONGEST], line[:_LONGEST]) for line in lines), default=0),
        missing=tuple(word for word, has in zip(words, known, strict=True) if word.content and not has),
        best=best,
        rarity=rarity,
        personal=sum(word.personal and not has for word, has in zip(words, known, strict=True)),
        asks="?" in text or "？" in text,
        negated=_negates(text, words) and not alike_negates,
        opposite=tuple(word.text for word in words if lines and _turns(word.stem, frozenset(lines[0]))),
    )


def answer_features(signals: Sequence[Signals]) -> dict[str, float]:
    """The values of `FEATURES` for the sentences of an answer, or for one of them."""
    words = sum(one.words for one in signals)
    best = np.concatenate([one.best for one in signals]) if signals else np.zeros(0)
    rarity = np.concatenate([one.rarity for one in signals]) if signals else np.zeros(0)
    missing = [word for one in signals for word in one.missing]
    return {
        "overlap": _share(sum(one.found for one in signals), words),
        "order": _share(sum(one.in_order for one in signals), words),
        "least": min((1 - len(one.missing) / one.content for one in signals if one.content), default=0.0),
        "novel": math.log1p(len(missing)),
        "meaning": float(best @ rarity / rarity.sum()) if rarity.any() else 0.0,
        "weakest": float(np.sort(best)[:3].mean()) if len(best) else 0.0,
        "strange": math.log1p(float(rarity[best < _STRANGE].sum())),
        "personal": math.log1p(sum(one.personal for one in signals)),
        "asks": float(any(one.asks for one in signals)),
        "negated": math.log1p(sum(one.negated for one in signals)),
        "opposite": math.log1p(sum(len(one.opposite) for one in signals)),
        "figures": math.log1p(sum(word.number for word in missing)),
        "names": math.log1p(sum(word.name and not word.number for word in missing)),
    }


def closest(content: set[str], passages: Sequence[ReadPassage]) -> list[tuple[str, ...]]:
    """The sentences of the passages that share most content words, the best first, and each with the one after it."""
    found: list[tuple[int, tuple[str, ...]]] = []
    for passage in passages:
        for place, line in enumerate(passage.lines):
            shared = len(content.intersection(line))
            found.append((shared, line))
            if place + 1 < len(passage.lines):
                following = passage.lines[place + 1]
                # Two sentences only count as more where both add something.
                if len(content.intersection(line + following)) > max(shared, len(content.intersection(following))):
                    found.append((len(content.intersection(line + following)), line + following))
    return [line for _, line in sorted(found, key=lambda one: -one[0])[:_COMPARED]]


def common(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    before = [0] * (len(right) + 1)
    for one in left:
        now = [0]
        for place, other in enumerate(right):
            now.append(before[place] + 1 if one == other else max(before[place + 1], now[-1]))
        before = now
    return before[-1]


def token_support(text: str, encoded: TokenVectors, evidence: Vectors) -> tuple[Floats, Floats]:
    """Best cosine and rarity of every token with a letter or digit.

    A vocabulary like BERT's lists word pieces roughly by frequency, so the logarithm of the id is a rarity.
    """
    kept = [
        place for place, (start, end) in enumerate(encoded.offsets.tolist()) if any(map(str.isalnum, text[start:end]))
    ]
    rarity = np.log(np.maximum(encoded.ids[kept].astype(np.float64), 1_000) / 900)
    if not kept or not len(evidence):
        return np.zeros(len(kept)), rarity
    vectors: Vectors = encoded.vectors[kept]
    return (vectors @ evidence.T).max(axis=1).astype(np.float64), rarity


def _negates(text: str, words: Sequence[Word]) -> bool:
    """Whether a word negates; the "no" of "no, it was" answers somebody and negates nothing."""
    return any(word.negation for word in (words[1:] if _ANSWERS_NO.match(text) else words))


def _turns(stem: str, line: frozenset[str]) -> bool:
    return stem not in line and not line.isdisjoint(opposites().get(stem, frozenset()))


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0

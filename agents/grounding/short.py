"""A short answer cut out of a quote by the local LLM: constrained decoding, so only substrings are possible.

The candidates are the quote's own word sequences; the model only says which one it finds likeliest after the question.
That costs one batched score and can't invent anything. How sure it was goes to the policy, which decides
whether the short answer is shown.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from signalbox.contracts import ScoreRequest, ScoringModel

SHORT_SIGNALS = ("short_logprob", "short_margin", "short_words", "log_candidates")
MAX_WORDS = 8
MAX_CANDIDATES = 64
_WORD = re.compile(r"\S+")
_EDGE = re.compile(r"^[\s\"'“”‘’(\[,;:]+|[\s\"'“”‘’)\].,;:!?]+$")
_EDGE_STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "by",
        "with",
        "from",
        "and",
        "or",
        "but",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "it",
        "its",
        "this",
        "that",
        "as",
        "which",
        "who",
        "has",
        "have",
        "had",
        "will",
        "would",
        "can",
        "could",
        "may",
        "not",
        "also",
        "only",
    ]
)
_KEPT_LEAD = frozenset({"in", "on", "at", "within", "from", "by", "for", "to", "not", "up", "the", "a", "an"})


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """A substring of the quote, one of `count` candidates.

    `margin` is the mean log P by which it beats the runner-up that says something else.
    """

    text: str
    mean_logprob: float
    margin: float
    count: int

    def signals(self) -> dict[str, float]:
        """What the policy calibrates a probability from; the names are `SHORT_SIGNALS`."""
        values = (self.mean_logprob, self.margin, float(len(self.text.split())), math.log(self.count))
        return dict(zip(SHORT_SIGNALS, values, strict=True))


def candidate_spans(quote: str, asked: frozenset[str]) -> list[str]:
    """Sequences of at most `MAX_WORDS` words that start and end well and say more than the question (`asked`) does."""
    tokens = [(match.start(), match.end()) for match in _WORD.finditer(quote)]
    found: dict[str, None] = {}
    for length in range(1, MAX_WORDS + 1):
        for first in range(len(tokens) - length + 1):
            text = _EDGE.sub("", quote[tokens[first][0] : tokens[first + length - 1][1]])
            words = [_EDGE.sub("", word).lower() for word in text.split()]
            if not words or re.search(r"[.!?;]\s", text):
                continue
            if words[-1] in _EDGE_STOP or (words[0] in _EDGE_STOP and words[0] not in _KEPT_LEAD):
                continue
            if all(word in asked or word in _EDGE_STOP for word in words):
                continue
            found[text] = None
    return list(found)


async def short_answer(
    model: ScoringModel, question: str, quote: str, *, asked: frozenset[str], deadline_s: float | None
) -> ShortAnswer | None:
    """The likeliest substring of `quote` as the answer, or None where there is nothing to choose from.

    Raises:
        Unavailable, DeadlineExceeded: as the model does.
    """
    spans = candidate_spans(quote, asked)
    if len(spans) > MAX_CANDIDATES:  # prefer the shorter ones: a long one is nearly the quote itself
        spans = spans[:MAX_CANDIDATES]
    if len(spans) < 2:
        return None
    scores = await model.score(
        ScoreRequest(
            shared=_prompt(question, quote),
            prefixes=("",) * len(spans),
            continuations=tuple(f" {span}\n" for span in spans),
            deadline_s=deadline_s,
        )
    )
    ranked = sorted(zip(spans, (score.mean for score in scores), strict=True), key=lambda item: -item[1])
    best, best_score = ranked[0]
    others = [score for span, score in ranked[1:] if span not in best and best not in span]
    return ShortAnswer(best, best_score, best_score - others[0] if others else 0.0, len(spans))


def _prompt(question: str, quote: str) -> str:
    return f"Text: {quote}\nQuestion: {question}\nAnswer in a few words from the text:"

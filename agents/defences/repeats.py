"""What is said again in a text is left out: words in a row, sentences, and a whole text said over and over."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\S+")
_MOST_TOKENS = 4_000
_RUN = re.compile(r"([^\w\s])\1{3,}")
_WORDS_AGAIN = re.compile(r"\b(\w{1,30}(?:\W{1,3}\w{1,30}){0,3}?)(?:\W{1,3}\1\b){2,}", re.IGNORECASE)
_LONGEST_SCANNED = 4_000
_LONGEST_PERIOD = 60
_LEAST_PERIODIC = 16  # words
_SAME = 0.9  # share of words that are said again


def without_repeats(text: str) -> str:
    """Three or more of the same words in a row are said once, a sentence said before is not said again."""
    shorter = _RUN.sub(r"\1\1\1", text)
    if len(shorter) <= _LONGEST_SCANNED and len(shorter) > 24:
        shorter = _WORDS_AGAIN.sub(r"\1", shorter)
    shorter = _one_period(shorter)
    pieces = re.split(r"(?<=[.!?])\s+", shorter)
    if len(pieces) > 2:
        unlike = {re.sub(r"\W+", " ", piece).strip().lower(): piece for piece in reversed(pieces)}
        if len(unlike) < len(pieces):
            shorter = " ".join(reversed(unlike.values()))
    return shorter


def _one_period(text: str) -> str:
    """A text that is one stretch of words said over and over: once."""
    tokens = list(_TOKEN.finditer(text))
    if len(tokens) < _LEAST_PERIODIC:
        return text
    words = [match[0].lower() for match in tokens[:_MOST_TOKENS]]
    for period in range(2, min(_LONGEST_PERIOD, len(words) // 2) + 1):
        if words[0] != words[period]:
            continue
        same = sum(one == other for one, other in zip(words, words[period:], strict=False))
        if same >= _SAME * (len(words) - period):
            return text[: tokens[period - 1].end()]
    return text

"""Cutting a text into words and phrases, and leaving some of them out.

A word is what stands between spaces, without the punctuation around it; where a script writes no spaces, each character
is one. Offsets are in characters of the text given.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_TOKEN = re.compile(r"\S+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_RUN = re.compile(rf"{_UNSPACED.pattern}|(?:(?!{_UNSPACED.pattern})\S)+")
_SPACES = re.compile(r"[^\S\n]{2,}")
_ENDS = frozenset(".!?;:,\n。！？、；：")
_EARLY = 0.6  # share of its size from which a phrase ends where a clause does


class Piece(NamedTuple):
    """A stretch of a text; `words` are the indices of its first word and of the one after its last."""

    start: int
    end: int
    words: tuple[int, int]


class Effect(NamedTuple):
    """What a piece of the text did; `piece` is None for what has no place in the shown text."""

    text: str
    effect: float
    piece: Piece | None


def split_words(text: str) -> list[Piece]:
    """Every word; what is punctuation alone is one too where nothing else stands there."""
    return [Piece(start, end, (index, index + 1)) for index, (start, end) in enumerate(_spans(text))]


def group(text: str, words: Sequence[Piece], count: int) -> list[Piece]:
    """About `count` phrases, at most `count / 0.6`, which end where clauses do as far as their size allows."""
    size = math.ceil(len(words) / count)
    if size <= 1:
        return list(words)
    phrases, first = [], 0
    for index, word in enumerate(words):
        last = index + 1 == len(words)
        long = index + 1 - first
        ends = not last and not _ENDS.isdisjoint(text[word.end : words[index + 1].start])
        if last or long >= size or (ends and long >= _EARLY * size):
            phrases.append(Piece(words[first].start, word.end, (words[first].words[0], word.words[1])))
            first = index + 1
    return phrases


def without(text: str, pieces: Iterable[Piece]) -> str:
    """The text with pieces left out and the gaps closed."""
    kept, place = [], 0
    for piece in sorted(pieces):
        kept.append(text[place : piece.start])
        place = max(place, piece.end)
    kept.append(text[place:])
    return _SPACES.sub(" ", "".join(kept)).strip()


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for token in _TOKEN.finditer(text):
        for run in _RUN.finditer(text, *token.span()) if _UNSPACED.search(token.group()) else (token,):
            start, end = run.span()
            while start < end and _is_punctuation(text[start]):
                start += 1
            while start < end and _is_punctuation(text[end - 1]):
                end -= 1
            if start < end:
                yield start, end
            elif run is token:
                yield run.span()


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")

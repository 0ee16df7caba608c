"""From weights of terms to effects of words: people read words, a model reads pieces of them."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Term
from classifiers.learners.tfidf import WORD, TextVectoriser, character_ngrams

_TOKEN = re.compile(r"\S+")


def word_effects(text: str, vectoriser: TextVectoriser, weights: NDArray[np.floating]) -> tuple[Term, ...]:
    """What each word of a text adds to a score; the effects sum to the score without its bias.

    A term that occurs several times is shared evenly among its occurrences, a pair of words between both.

    Args:
        weights: of the score, one a term, shape (terms,).
    """
    columns, values, counts = vectoriser.transform(text)
    share = {
        int(column): float(value * weights[column]) / count
        for column, value, count in zip(columns, values, counts, strict=True)
    }
    spans = [match.span() for match in _TOKEN.finditer(text)]
    effects = [0.0] * len(spans)
    first_character = len(vectoriser.words.idf)
    for index, (start, end) in enumerate(spans):
        for gram in character_ngrams(text[start:end]):
            column = vectoriser.characters.vocabulary.get(gram)
            if column is not None:
                effects[index] += share[first_character + column]
    words = [(match.group().lower(), match.start()) for match in WORD.finditer(text)]
    owner = {start: _containing(spans, start) for _, start in words}
    for word, start in words:
        column = vectoriser.words.vocabulary.get(word)
        if column is not None:
            effects[owner[start]] += share[column]
    for (one, start), (other, later) in pairwise(words):
        column = vectoriser.words.vocabulary.get(f"{one} {other}")
        if column is not None:
            effects[owner[start]] += share[column] / 2
            effects[owner[later]] += share[column] / 2
    terms = [Term(text[a:b], effect, a, b) for (a, b), effect in zip(spans, effects, strict=True) if effect]
    return tuple(sorted(terms, key=lambda term: -abs(term.effect)))


def _containing(spans: list[tuple[int, int]], place: int) -> int:
    low, high = 0, len(spans) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if spans[middle][0] <= place else (low, middle - 1)
    return low

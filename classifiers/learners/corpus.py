"""Terms of many texts, analysed once: training fits a dozen models on parts of the same set.

Gives the same terms and weights as analysing each part anew would; serving knows nothing of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.learners.tfidf import (
    Analyser,
    Block,
    TextVectoriser,
    character_ngrams,
    weighed,
    word_ngrams,
)

_NAME = "terms"
_SMALL = 5_000
_MOST_WORDS, _MOST_PIECES = 20_000, 40_000


class Analysed:
    """Of one kind of terms: each text's distinct terms as numbers, and how often it has them."""

    def __init__(self, analyse: Analyser) -> None:
        self.analyse = analyse
        self.numbers: dict[str, int] = {}
        self._texts: dict[str, tuple[NDArray[np.int32], NDArray[np.int32]]] = {}

    def of(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Terms and counts of all texts, one after the other, and where each text's begin, shape (len(texts) + 1,)."""
        rows = [self._texts.get(text) or self._analyse(text) for text in texts]
        starts = np.cumsum([0, *(len(terms) for terms, _ in rows)])
        if not rows:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), starts
        return (
            np.concatenate([terms for terms, _ in rows]).astype(np.int64),
            np.concatenate([counts for _, counts in rows]).astype(np.int64),
            starts,
        )

    def _analyse(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        counted = Counter(self.analyse(text))
        numbers = self.numbers
        terms = np.fromiter((numbers.setdefault(term, len(numbers)) for term in counted), np.int32, len(counted))
        counts = np.fromiter(counted.values(), np.int32, len(counted))
        found = self._texts[text] = (terms, counts)
        return found


class Corpus:
    """Made by `corpus_of`."""

    def __init__(self) -> None:
        self._words = Analysed(word_ngrams)
        self._characters = Analysed(character_ngrams)

    def vectoriser(self, texts: Sequence[str]) -> TextVectoriser:
        """The terms of these texts. Large sets leave out those that occur once, so that vocabulary and training stay
        small."""
        fewest = 1 if len(texts) <= _SMALL else 2
        return TextVectoriser(
            fit_block(self._words, texts, fewest=fewest, most=_MOST_WORDS),
            fit_block(self._characters, texts, fewest=fewest, most=_MOST_PIECES),
        )

    def matrix(self, vectoriser: TextVectoriser, texts: Sequence[str]) -> Any:
        """A row a text, as `vectoriser.transform` gives it: a scipy CSR matrix, shape (len(texts), vectoriser.size)."""
        from scipy.sparse import hstack

        blocks = ((self._words, vectoriser.words), (self._characters, vectoriser.characters))
        return hstack([_matrix(analysed, block, texts) for analysed, block in blocks], format="csr")


def corpus_of(kept: dict[str, Any]) -> Corpus:
    """The corpus that a training set keeps in `analysed`, made at the first call."""
    corpus = kept.get(_NAME)
    if not isinstance(corpus, Corpus):
        corpus = kept[_NAME] = Corpus()
    return corpus


def fit_block(analysed: Analysed, texts: Sequence[str], *, fewest: int, most: int) -> Block:
    """Terms of at least `fewest` texts, the most frequent `most` of them, sorted."""
    terms, _, _ = analysed.of(texts)
    names = list(analysed.numbers)
    frequency = np.bincount(terms, minlength=len(names))
    kept = np.flatnonzero(frequency >= max(fewest, 1)).tolist()
    kept = sorted(kept, key=lambda number: (-int(frequency[number]), names[number]))[:most]
    chosen = sorted((names[number], int(frequency[number])) for number in kept)
    return Block.of(analysed.analyse, chosen, len(texts))


def _matrix(analysed: Analysed, block: Block, texts: Sequence[str]) -> Any:
    from scipy.sparse import csr_array

    terms, counts, starts = analysed.of(texts)
    column_of = np.full(len(analysed.numbers), -1, dtype=np.int64)
    for name, column in block.vocabulary.items():
        column_of[analysed.numbers[name]] = column
    columns = column_of[terms]
    known = columns >= 0
    rows = np.repeat(np.arange(len(texts)), np.diff(starts))[known]
    columns, values = columns[known], weighed(counts[known], block.idf[columns[known]])
    order = np.lexsort((columns, rows))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(texts)))])
    norms = np.sqrt(np.bincount(rows, weights=values**2, minlength=len(texts)))
    values = values / np.where(norms > 0, norms, 1.0)[rows]
    return csr_array((values[order], columns[order], pointers), shape=(len(texts), len(block.idf)))

"""TF-IDF over word 1-2-grams and character 3-5-grams, as scikit-learn's TfidfVectorizer computes it.

Written anew so that a served expert is a list of terms and numbers: nothing is unpickled, scikit-learn is not
imported, and one short text takes a fraction of a millisecond. The analysers are `word` with (1, 2) and `char_wb`
with (3, 5); lower case, sublinear term frequencies, smooth idf, each block normalised to length 1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

WORD = re.compile(r"(?u)\b\w\w+\b")
_SPACES = re.compile(r"\s\s+")
_CHARACTER_SIZES = (3, 4, 5)

Analyser = Callable[[str], list[str]]
Terms = tuple[NDArray[np.int64], NDArray[np.float64], list[int]]  # columns, values and counts


def words(text: str) -> list[str]:
    """The words of two letters or more, in lower case."""
    return WORD.findall(text.lower())


def word_ngrams(text: str) -> list[str]:
    tokens = words(text)
    return tokens + [f"{one} {two}" for one, two in pairwise(tokens)]


def character_ngrams(text: str) -> list[str]:
    """Pieces of each word with a space put at both its ends; a shorter word is one piece."""
    grams: list[str] = []
    for word in _SPACES.sub(" ", text.lower()).split():
        padded = f" {word} "
        for size in _CHARACTER_SIZES:
            if size >= len(padded):
                grams.append(padded)
                break
            grams += [padded[start : start + size] for start in range(len(padded) - size + 1)]
    return grams


def weighed(counts: NDArray[np.integer], idf: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sublinear term frequencies times idf, not yet of length 1."""
    weights: NDArray[np.float64] = (1.0 + np.log(counts.astype(np.float64))) * idf
    return weights


@dataclass(frozen=True, slots=True)
class Block:
    """One kind of terms: `vocabulary` gives a term's column, `idf` (float64) its weight."""

    analyse: Analyser
    vocabulary: Mapping[str, int]
    idf: NDArray[np.float64]
    terms: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(sorted(self.vocabulary, key=self.vocabulary.__getitem__)))

    def transform(self, text: str) -> Terms:
        """Columns, values of length 1 together, and counts of the known terms; columns ascending."""
        found = Counter(filter(None.__ne__, map(self.vocabulary.get, self.analyse(text))))
        columns = sorted(found)  # type: ignore[type-var]
        counts = [found[column] for column in columns]
        index = np.array(columns, dtype=np.int64)
        values = weighed(np.array(counts), self.idf[index])
        norm = np.sqrt(values @ values)
        return index, values / norm if norm else values, counts

    @classmethod
    def of(cls, analyse: Analyser, terms: Sequence[tuple[str, int]], texts: int) -> Block:
        """These terms, each with the number of texts it is in, out of `texts`."""
        counts = np.array([count for _, count in terms], dtype=np.float64)
        idf = np.log((1.0 + texts) / (1.0 + counts)) + 1.0
        return cls(analyse, {term: column for column, (term, _) in enumerate(terms)}, idf)


@dataclass(frozen=True, slots=True)
class TextVectoriser:
    """Both blocks side by side: the columns of `words` first, then those of `characters`."""

    words: Block
    characters: Block

    @property
    def size(self) -> int:
        return len(self.words.idf) + len(self.characters.idf)

    def transform(self, text: str) -> Terms:
        """Columns, values and counts of the terms of one text that training has seen."""
        left, left_values, left_counts = self.words.transform(text)
        right, right_values, right_counts = self.characters.transform(text)
        columns = np.concatenate([left, right + len(self.words.idf)])
        return columns, np.concatenate([left_values, right_values]), left_counts + right_counts

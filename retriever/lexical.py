"""BM25 over chunks: which words count, and the index that bm25s builds and saves as plain arrays.

Words are lower-cased, stripped of accents and stemmed as English; scripts written without spaces are cut into pairs
of characters. Queries of stop words, emoji or unknown words match nothing and harm nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.wordlists import STOP_WORDS

FOLDER = "bm25"
Scores = NDArray[np.float32]

_CONTRACTION = re.compile(r"n['’]t\b|['’](?:s|re|ve|ll|d|m|t)\b")
_ACCENT = re.compile("[\u0300-\u036f]")
_TOKEN = re.compile(
    r"\d+(?:[.,]\d+)+|([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]+)|[^\\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)


class Tokenizer:
    """Turns text into stemmed words. Not safe for several threads at once: make one per thread or lock."""

    def __init__(self) -> None:
        import Stemmer

        self._stem = Stemmer.Stemmer("english", 10_000).stemWord

    def __call__(self, text: str) -> list[str]:
        folded = _CONTRACTION.sub("", unicodedata.normalize("NFKC", text).lower())
        if not folded.isascii():
            folded = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", folded)))
        words: list[str] = []
        for match in _TOKEN.finditer(folded):
            word = match.group()
            if match.group(1):
                words += [word[i : i + 2] for i in range(max(1, len(word) - 1))]
            elif word[0].isdigit():
                words.append(word.replace(",", ""))
            elif word not in STOP_WORDS:
                words.append(self._stem(word))
        return words


def build(texts: Iterable[str], folder: Path) -> None:
    """Index the texts in order and save the index; the folder stays empty when no text has a word."""
    import bm25s

    tokenize = Tokenizer()
    vocabulary: dict[str, int] = {}
    ids = [[vocabulary.setdefault(word, len(vocabulary)) for word in tokenize(text)] for text in texts]
    folder.mkdir(exist_ok=True)
    if not vocabulary:
        return
    bm25 = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    bm25.index((ids, vocabulary), show_progress=False, create_empty_token=False)
    bm25.save(folder, allow_pickle=False, show_progress=False)


class Lexical:
    """The saved index, its arrays mapped from the file. Safe to use from several threads."""

    def __init__(self, folder: Path, count: int) -> None:
        self._count = count
        self._bm25: Any = None
        if count and any(folder.iterdir()):
            import bm25s

            self._bm25 = bm25s.BM25.load(folder, mmap=True, allow_pickle=False, show_progress=False)
        self._tokenize = Tokenizer()

    def scores(self, query: str) -> Scores:
        """BM25 of the query with every chunk, shape (chunks,): 0 where no word of it occurs."""
        scores = np.zeros(self._count, dtype=np.float32)
        if self._bm25 is None:
            return scores
        data, indices, starts = (self._bm25.scores[name] for name in ("data", "indices", "indptr"))
        for token in self._bm25.get_tokens_ids(self._tokenize(query)):
            postings = slice(starts[token], starts[token + 1])
            scores[indices[postings]] += data[postings]  # a chunk occurs once per word
        return scores

"""BM25 over chunks: which words count, and the index that bm25s builds and saves as plain arrays.

Words are lower-cased, stripped of accents and stemmed as English; scripts written without spaces are cut into pairs
of characters. Queries of stop words, emoji or unknown words match nothing and harm nothing.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.wordlists import STOP_WORDS

_NAMES = {
    "data_name": "bm25.data.npy",
    "indices_name": "bm25.indices.npy",
    "indptr_name": "bm25.indptr.npy",
    "vocab_name": "bm25.vocab.json",
    "params_name": "bm25.params.json",
}
Scores = NDArray[np.float32]

_CONTRACTION = re.compile(r"(?<!ca)n['’]t\b|['’](?:s|re|ve|ll|d|m|t)\b")
_ACCENT = re.compile("[\u0300-\u036f]")
# Thai, Lao, Burmese, Khmer, Japanese and Chinese are written without spaces.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_UNSPACED}]+")
_WORD = re.compile(rf"\d+(?:[.,]\d+)+|[^\W_{_UNSPACED}]+")
_REMEMBERED = 500_000


class _Terms(dict[str, str]):
    """What each word counts as, remembered: its stem, nothing for a stop word."""

    def __init__(self) -> None:
        import Stemmer

        self._stem = Stemmer.Stemmer("english", 0).stemWord

    def __missing__(self, word: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[word] = term = "" if word in STOP_WORDS else self._stem(word.replace(",", ""))  # 3,000 is 3000
        return term


class Tokenizer:
    """Turns text into the terms it is found by."""

    def __init__(self) -> None:
        self._terms = _Terms()

    def __call__(self, text: str) -> list[str]:
        if not text.isascii():
            text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
            text = unicodedata.normalize("NFC", _ACCENT.sub("", text))
        text = text.lower()
        if "'" in text or "’" in text:
            text = _CONTRACTION.sub("", text)
        terms = self._terms
        found = [term for word in _WORD.findall(text) if (term := terms[word])]
        if not text.isascii():
            found += [run[i : i + 2] for run in _RUN.findall(text) for i in range(max(1, len(run) - 1))]
        return found


def _no_bar(items: Iterable[Any], **_: object) -> Iterable[Any]:
    return items


def _bm25s() -> Any:
    """bm25s, loaded with the first index and told to log no more than others.

    Its progress bars take a lock even when not shown, and that lock is shared with forked processes: one killed
    while it holds it would block this one for ever. So they are replaced.
    """
    bm25s: Any = import_module("bm25s")
    bm25s.tqdm = bm25s.scoring.tqdm = _no_bar
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return bm25s


def build(texts: Iterable[str], folder: Path) -> None:
    """Index the texts in order and save the index; nothing is written when no text has a word."""

    tokenize = Tokenizer()
    vocabulary: dict[str, int] = {}
    ids = [[vocabulary.setdefault(word, len(vocabulary)) for word in tokenize(text)] for text in texts]
    if not vocabulary:
        return
    bm25 = _bm25s().BM25(method="lucene", k1=1.2, b=0.75)
    bm25.index((ids, vocabulary), show_progress=False, create_empty_token=False)
    bm25.save(folder, **_NAMES, allow_pickle=False, show_progress=False)


class Lexical:
    """The saved index, its arrays mapped from the file. Safe to use from several threads."""

    def __init__(self, folder: Path, count: int) -> None:
        self._count = count
        self._bm25: Any = None
        if (folder / _NAMES["data_name"]).exists():
            self._bm25 = _bm25s().BM25.load(folder, **_NAMES, mmap=True, allow_pickle=False, show_progress=False)
            # Slicing a memory map costs as much as reading it; a plain view of the same pages does not.
            self._data, self._rows = (np.asarray(self._bm25.scores[name]) for name in ("data", "indices"))
            self._starts: list[int] = self._bm25.scores["indptr"].tolist()
        self._tokenize = Tokenizer()

    def scores(self, query: str) -> Scores:
        """BM25 of the query with every chunk, shape (chunks,): 0 where no word of it occurs."""
        scores = np.zeros(self._count, dtype=np.float32)
        if self._bm25 is None:
            return scores
        for token in self._bm25.get_tokens_ids(self._tokenize(query)):
            postings = slice(self._starts[token], self._starts[token + 1])
            scores[self._rows[postings]] += self._data[postings]  # a chunk occurs once per word
        return scores

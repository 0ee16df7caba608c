"""How fast search is, and what approximation costs: `python -m benchmarks.retrieval [--chunks 100000] [--json]`.

Synthetic documents from a seeded generator; vectors are sums of random word vectors, so the encoder costs next to
nothing and what is timed is the index. Anchors in the same run on the same vectors and texts: a flat FAISS index
alone and bm25s alone. Prints a table and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._common import finish, quantile
from retriever import Document, Index, Limits, upsert
from retriever.chunking import chunk_document
from retriever.lexical import Tokenizer
from retriever.vectors import VectorIndex, load
from signalbox.contracts import Vectors

SEED = 20261120
_TOPICS = 400
_TOPIC_WORDS = 60
_COMMON_WORDS = 6_000
_SENTENCES = 60  # a document; makes about ten chunks


class BagEncoder:
    """A text's vector is the sum of fixed random vectors of its words, rare ones weighing more."""

    name = "bag-of-words"

    def __init__(self, words: Sequence[str], dimension: int = 384) -> None:
        generator = np.random.default_rng(SEED)
        self.dimension = dimension
        self._row = {word: row for row, word in enumerate(words, start=1)}
        weights = np.concatenate([[0.0], np.full(_COMMON_WORDS, 0.15), np.ones(len(words) - _COMMON_WORDS)])
        self._vectors = (generator.standard_normal((len(words) + 1, dimension)) * weights[:, None]).astype(np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for place, text in enumerate(texts):
            rows = [self._row.get(word.strip(".?").lower(), 0) for word in text.split()]
            vectors[place] = self._vectors[rows].sum(axis=0) if rows else 0
            vectors[place, 0] += 1e-3
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class Writer:
    """Makes up documents and questions about topics; the same seed gives the same texts."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(SEED)
        syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "on", "us")]
        words: dict[str, None] = {}
        while len(words) < _COMMON_WORDS + _TOPICS * _TOPIC_WORDS:
            words["".join(self._random.choice(syllables, self._random.integers(2, 5)))] = None
        self.words = list(words)
        self._common = np.array(self.words[:_COMMON_WORDS])
        self._topics = np.array(self.words[_COMMON_WORDS:]).reshape(_TOPICS, _TOPIC_WORDS)
        frequency = 1.0 / np.arange(1, _COMMON_WORDS + 1)
        self._frequency = frequency / frequency.sum()

    def documents(self, count: int) -> Iterator[Document]:
        for number in range(count):
            topics = self._random.integers(0, _TOPICS, size=3)
            sentences = [self._sentence(topics, 18) + "." for _ in range(_SENTENCES)]
            yield Document.make(f"{number:06d}.txt", " ".join(sentences), title=f"Document {number}")

    def queries(self, count: int) -> list[str]:
        return [self._sentence(self._random.integers(0, _TOPICS, size=1), 8) + "?" for _ in range(count)]

    def _sentence(self, topics: np.ndarray[Any, Any], length: int) -> str:
        common = self._random.choice(self._common, length, p=self._frequency)
        special = self._topics[self._random.choice(topics), self._random.integers(0, _TOPIC_WORDS, size=length)]
        words = np.where(self._random.random(length) < 0.3, special, common)
        return " ".join(words).capitalize()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000, help="about how many chunks to index")
    parser.add_argument("--queries", type=int, default=300, help="queries to time")
    parser.add_argument("--json", action="store_true", help="print the last line only")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder) / "index", options.chunks, options.queries)
    finish("Retrieval", result, only_json=options.json)


def measure(folder: Path, chunks: int, queries: int) -> dict[str, Any]:
    """Build an index of about `chunks` chunks and time `queries` searches."""
    writer = Writer()
    encoder = BagEncoder(writer.words)
    documents = list(writer.documents(max(1, round(chunks / _chunks_per_document()))))
    start = time.perf_counter()
    report = upsert(documents, index_folder=folder, encoder=encoder, limits=Limits(documents=len(documents)))
    ingest_s = time.perf_counter() - start
    start = time.perf_counter()
    upsert([next(writer.documents(1))], index_folder=folder, encoder=encoder, limits=Limits(documents=len(documents)))
    one_more_s = time.perf_counter() - start
    start = time.perf_counter()
    index = Index.open(folder, encoder)
    open_s = time.perf_counter() - start

    texts = writer.queries(queries)
    vectors = encoder.encode(texts)
    times = _time(lambda row: index.search(texts[row], 10, vector=vectors[row]), queries)
    stored = load(folder / str(index.version))
    flat, flat_times = _flat(stored, vectors)
    ours = VectorIndex(folder / str(index.version), index.stats.kind)
    found = [ours.nearest(vector, 10) for vector in vectors]
    recall = np.mean([len(set(some) & set(exact)) / len(exact) for some, exact in zip(found, flat, strict=True)])
    return {
        "query_p50_ms": quantile(times, 0.5),
        "query_p95_ms": quantile(times, 0.95),
        "vector_recall_at_10": float(recall),
        "ingest_chunks_per_s": report.chunks / ingest_s,
        "ingest_s": ingest_s,
        "one_document_s": one_more_s,
        "open_s": open_s,
        "documents": report.documents,
        "chunks": report.chunks,
        "kind": index.stats.kind,
        "anchors": {"flat FAISS alone": _summary(flat_times), "bm25s alone": _summary(_bm25s(documents, texts))},
    }


def _chunks_per_document() -> float:
    return float(np.mean([len(chunk_document(document)) for document in Writer().documents(20)]))


def _flat(stored: Vectors, queries: Vectors) -> tuple[list[Any], list[float]]:
    faiss: Any = import_module("faiss")
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(stored.shape[1])
    index.add(np.ascontiguousarray(stored))
    found: list[Any] = []
    times = _time(lambda row: found.append(index.search(queries[row : row + 1], 10)[1][0]), len(queries))
    return found[-len(queries) :], times


def _bm25s(documents: Sequence[Document], queries: Sequence[str]) -> list[float]:
    """bm25s as its README uses it, on the same chunks and words."""
    bm25s: Any = import_module("bm25s")
    tokenize = Tokenizer()
    bm25 = bm25s.BM25()
    texts = (chunk.text for document in documents for chunk in chunk_document(document))
    bm25.index([tokenize(text) for text in texts], show_progress=False)
    return _time(lambda row: bm25.retrieve([tokenize(queries[row])], k=10, show_progress=False), len(queries))


def _time(call: Callable[[int], object], count: int) -> list[float]:
    """Milliseconds of each call, after a few that warm caches."""
    for row in range(min(10, count)):
        call(row)
    times = []
    for row in range(count):
        start = time.perf_counter()
        call(row)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def _summary(times: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": quantile(times, 0.5), "p95_ms": quantile(times, 0.95)}


if __name__ == "__main__":
    main()

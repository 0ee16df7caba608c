"""Passages read closely: their sentences, each with its words and the vectors of its tokens in context.

The whole passage goes through the encoder once, so that a sentence's vectors know what its pronouns stand for
("late chunking", Günther et al. 2024, arXiv:2409.04701). Passages read before come from a bounded cache.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from retriever import split_sentences
from retriever.lexical import Tokenizer
from signalbox.contracts import Encoder, Passage, Vectors
from signalbox.encoder import TokenVectors

_KEPT_PASSAGES = 2_000


class TokenEncoder(Encoder, Protocol):
    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """A sentence of a passage; `start` and `end` are offsets in the document (in the cache: in the passage).

    `tokens` (t, d) are unit vectors in context, `vector` (d,) their normalised mean, `stems` its content words.
    """

    passage: Passage
    place: int
    start: int
    end: int
    text: str
    stems: tuple[str, ...]
    tokens: Vectors
    vector: Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    text: str
    stems: tuple[str, ...]
    ids: tuple[int, ...]
    tokens: Vectors
    vector: Vectors


class Reader:
    """Reads questions and passages. Safe to use from several threads."""

    def __init__(self, encoder: TokenEncoder) -> None:
        self._encoder = encoder
        self._tokenize = Tokenizer()
        self._cache: OrderedDict[tuple[str, str], tuple[Sentence, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def question(self, text: str) -> Question:
        seen = self._encoder.encode_tokens([text])[0]
        return Question(text, self._stems(text), tuple(int(i) for i in seen.ids), seen.vectors, seen.pooled)

    def sentences(self, passages: Sequence[Passage]) -> list[Sentence]:
        """All sentences, passage by passage; those of overlapping passages only once."""
        read = self._read(passages)
        seen: set[tuple[str, int, int]] = set()
        result = []
        for passage in passages:
            for kept in read[(passage.chunk_id, passage.text)]:
                # Read for another query, or before the document changed around it: only text and vectors are the same.
                start, end = passage.start + kept.start, passage.start + kept.end
                place = (passage.document_id, start, end)
                if place not in seen:
                    seen.add(place)
                    result.append(replace(kept, passage=passage, start=start, end=end))
        return result

    def _read(self, passages: Sequence[Passage]) -> dict[tuple[str, str], tuple[Sentence, ...]]:
        keys = [(passage.chunk_id, passage.text) for passage in passages]
        with self._lock:
            found = {key: self._cache[key] for key in keys if key in self._cache}
        missing = [p for p, key in zip(passages, keys, strict=True) if key not in found]
        for passage, tokens in zip(missing, self._encoder.encode_tokens([p.text for p in missing]), strict=True):
            found[(passage.chunk_id, passage.text)] = self._split(passage, tokens)
        with self._lock:
            for key in keys:
                self._cache[key] = found[key]
                self._cache.move_to_end(key)
            while len(self._cache) > _KEPT_PASSAGES:
                self._cache.popitem(last=False)
        return found

    def _split(self, passage: Passage, tokens: TokenVectors) -> tuple[Sentence, ...]:
        result = []
        for place, span in enumerate(split_sentences(passage.text)):
            text = passage.text[span.start : span.end]
            inside = (tokens.offsets[:, 0] >= span.start) & (tokens.offsets[:, 1] <= span.end)
            inside &= tokens.offsets[:, 1] > tokens.offsets[:, 0]
            vectors = tokens.vectors[inside]
            if not len(vectors):  # beyond what the encoder reads of a text: the passage's vector stands in
                vectors = tokens.pooled[np.newaxis]
            mean = vectors.mean(axis=0)
            result.append(
                Sentence(
                    passage,
                    place,
                    span.start,
                    span.end,
                    text,
                    self._stems(text),
                    vectors,
                    mean / max(float(np.linalg.norm(mean)), 1e-9),
                )
            )
        return tuple(result)

    def _stems(self, text: str) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._tokenize(text))

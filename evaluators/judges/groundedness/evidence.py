"""Passages read once: their sentences as stems, and the vectors of their tokens in context.

Reading costs far more than comparing, so passages come from a bounded cache; a long passage is encoded in windows, and
only those windows that share most with the answer. Knows nothing of answers but their stems.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np

from evaluators.judges.groundedness.words import Word, read_words, sentences
from signalbox.contracts import Encoder, Vectors
from signalbox.encoder import TokenVectors

WINDOW_CHARACTERS = 700
"""Of a window: about 160 tokens, which every encoder reads whole."""
WINDOWS_READ = 8
_KEPT_PASSAGES, _KEPT_WINDOWS = 2_000, 1_000

T = TypeVar("T")


class TokenEncoder(Encoder, Protocol):
    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]: ...


@dataclass(frozen=True)
class Window:
    """Neighbouring sentences of a passage, and the stems of their content words."""

    text: str
    stems: frozenset[str]


@dataclass(frozen=True)
class ReadPassage:
    """A passage as words: `texts` are its sentences, `lines` the stems of each in order."""

    words: tuple[Word, ...]
    texts: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    windows: tuple[Window, ...]

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(word.stem for word in self.words)


class Cache:
    """The latest values by their key. Safe to use from several threads; two may compute the same value at once."""

    def __init__(self, most: int) -> None:
        self._kept: OrderedDict[Hashable, object] = OrderedDict()
        self._most = most
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[return-value]
        value = make()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value


class EvidenceReader:
    """Reads passages for comparing. Safe to use from several threads."""

    def __init__(self, encoder: TokenEncoder) -> None:
        self._encoder = encoder
        self._passages, self._windows = Cache(_KEPT_PASSAGES), Cache(_KEPT_WINDOWS)

    def read(self, passage: str) -> ReadPassage:
        return self._passages.get(passage, lambda: read_passage(passage))

    def tokens(self, passages: Sequence[ReadPassage], stems: frozenset[str]) -> Vectors:
        """Vectors (t, d) of the tokens of the windows that share most with `stems`, of all passages together."""
        windows = [window for passage in passages for window in passage.windows]
        # Stable, so that equal windows stay in the order that the passages were found in.
        chosen = sorted(windows, key=lambda window: -len(window.stems & stems))[:WINDOWS_READ]
        nothing = np.zeros((0, self._encoder.dimension), dtype=np.float32)
        return np.vstack([nothing, *(self._vectors(window.text) for window in chosen)])

    def _vectors(self, text: str) -> Vectors:
        return self._windows.get(text, lambda: self._encoder.encode_tokens([text])[0].vectors)


def read_passage(text: str) -> ReadPassage:
    spans = sentences(text)
    lines = [read_words(text[start:end]) for start, end in spans]
    windows: list[list[int]] = []
    for place, (_, end) in enumerate(spans):
        if windows and end - spans[windows[-1][0]][0] <= WINDOW_CHARACTERS:
            windows[-1].append(place)
        else:
            windows.append([place])
    return ReadPassage(
        tuple(word for line in lines for word in line),
        tuple(text[start:end] for start, end in spans),
        tuple(tuple(word.stem for word in line) for line in lines),
        tuple(_window(text, [spans[i] for i in group], [lines[i] for i in group]) for group in windows),
    )


def _window(text: str, spans: Sequence[tuple[int, int]], lines: Sequence[Sequence[Word]]) -> Window:
    begin, end = spans[0][0], spans[-1][1]
    stems = frozenset(word.stem for line in lines for word in line if word.content)
    # A sentence beyond what is read (a table, a log) is cut off: it would take seconds.
    shown = text[begin : min(end, begin + 2 * WINDOW_CHARACTERS)]
    return Window(shown, stems)

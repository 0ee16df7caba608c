"""Cuts a document's text into what a page draws: a block for each chunk, and within it what is marked or repeated.

Chunks may share a sentence with the one before and leave headings out; every character is in exactly one piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retriever import Span


@dataclass(frozen=True, slots=True)
class Piece:
    """`text[start:end]`. `repeated`: it also ends the chunk before. `marked`: it lies in the place asked for."""

    start: int
    end: int
    repeated: bool
    marked: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Pieces in a row that belong to chunk number `chunk`, or to none where it is None: headings and gaps."""

    chunk: int | None
    pieces: tuple[Piece, ...]


def cut(chunks: Sequence[Span], shown: Span, mark: Span | None = None) -> Iterator[Block]:
    """The blocks of a text from `shown.start` to `shown.end`, in order.

    Args:
        chunks: in order of their starts.
        shown: the part of the text to draw.
        mark: the place to mark, which may run over several chunks.
    """
    place = shown.start
    covered = 0  # up to where chunks so far reach
    for number, chunk in enumerate(chunks):
        following = chunks[number + 1].start if number + 1 < len(chunks) else shown.end
        end = min(chunk.end, max(following, chunk.start), shown.end)
        if chunk.start > place:
            yield from _block(None, place, min(chunk.start, shown.end), 0, mark)
            place = min(chunk.start, shown.end)
        if end > place:
            yield from _block(number, place, end, covered, mark)
            place = end
        covered = max(covered, chunk.end)
        if place >= shown.end:
            return
    yield from _block(None, place, shown.end, 0, mark)


def window(length: int, mark: Span | None, at: int, size: int) -> Span:
    """The part of a long text to draw: `size` characters from `at`, or around the mark where there is one."""
    first = max(0, mark.start - size // 2) if mark else max(0, min(at, length))
    return Span(max(0, min(first, length - 1)), min(length, first + size))


def _block(chunk: int | None, start: int, end: int, covered: int, mark: Span | None) -> Iterator[Block]:
    if start >= end:
        return
    edges = {start, end, min(max(covered, start), end)}
    if mark:
        edges |= {min(max(mark.start, start), end), min(max(mark.end, start), end)}
    cuts = sorted(edges)
    yield Block(
        chunk,
        tuple(
            Piece(left, right, right <= covered, mark is not None and mark.start <= left and right <= mark.end)
            for left, right in pairwise(cuts)
        ),
    )

"""Draws a document's text: its chunks one after another, and the place asked for marked and scrolled to.

A long text is shown in parts, so that a page stays small whatever the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nicegui import ui

from api.ui.documents.found import document_path
from api.ui.documents.pieces import Block, Piece, cut, window
from api.ui.parts.elements import div, el, link
from retriever import Document, Span

SHOWN = 60_000  # characters on one page

_SCROLL = """
document.querySelector('mark.place')?.scrollIntoView({block: 'center'});
"""


def place_of(document: Document, start: int | None, end: int | None) -> Span | None:
    """The place asked for, as far as it lies in the text; None where it does not or none was."""
    if start is None or end is None or not 0 <= start < end or start >= len(document.text):
        return None
    return Span(start, min(end, len(document.text)))


def draw_text(document: Document, chunks: Sequence[Span], mark: Span | None, at: int) -> None:
    """Draws the text, or the part of it that is asked for.

    Args:
        mark: the place to mark and to scroll to.
        at: from where on to show a text that is longer than a page.
    """
    shown = window(len(document.text), mark, at, SHOWN)
    _turn(document, shown)
    with el("div", "", "document", dir="auto"):
        for block in cut(chunks, shown, mark):
            _block(document.text, chunks, block)
    _turn(document, shown)
    if mark is not None:
        ui.run_javascript(_SCROLL)


def _block(words: str, chunks: Sequence[Span], block: Block) -> None:
    if block.chunk is None:
        outside = words[block.pieces[0].start : block.pieces[-1].end]
        if not outside.strip() and not any(piece.marked for piece in block.pieces):
            return
    with div("chunk" if block.chunk is not None else "chunk outside"):
        if block.chunk is not None:
            span = chunks[block.chunk]
            tip = f"Chunk {block.chunk}: characters {span.start:,} to {span.end:,}"
            el("span", f"{block.chunk}", "chunk-number", title=tip, aria_label=tip)
        else:
            el("span", "", "chunk-number")
        with el("p", "", "chunk-text break", dir="auto"):
            for piece in _trimmed(words, block):
                repeated = "repeated" if piece.repeated else ""
                title = "This sentence also ends the chunk before" if piece.repeated else None
                tag, cls = ("mark", f"place {repeated}") if piece.marked else ("span", repeated)
                el(tag, words[piece.start : piece.end], cls.strip(), title=title)


def _trimmed(words: str, block: Block) -> list[Piece]:
    """Without the empty lines around a heading, which are not worth the room."""
    pieces = list(block.pieces)
    if block.chunk is None:
        inside = words[pieces[0].start : pieces[-1].end]
        first = pieces[0].start + len(inside) - len(inside.lstrip())
        last = pieces[-1].end - (len(inside) - len(inside.rstrip()))
        pieces = [replace(piece, start=max(first, piece.start), end=min(last, piece.end)) for piece in pieces]
    return [piece for piece in pieces if piece.start < piece.end]


def _turn(document: Document, shown: Span) -> None:
    """Where the part shown lies, and the way to the ones beside it."""
    length = len(document.text)
    if shown.start == 0 and shown.end == length:
        return
    with div("row wrap turn"):
        if shown.start > 0:
            link("Earlier", f"{document_path(document.id)}?at={max(0, shown.start - SHOWN)}", "button")
        el("span", f"Characters {shown.start:,} to {shown.end:,} of {length:,}", "muted")
        if shown.end < length:
            link("Later", f"{document_path(document.id)}?at={shown.end}", "button")

"""Cuts a document into chunks of whole sentences that fit the encoder, verbatim and with their place.

A chunk never crosses a section. What is *embedded* also names the title and section; the chunk's own text does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from retriever.documents import Document, Section
from retriever.sentences import Span, split_sentences

# Raise it when the same document is cut differently: indexes are then cut again.
FORMAT = 1

BUDGET = 210  # word pieces; MiniLM reads 256 and the title and section need some
_WINDOW = 20_000  # characters of an overlong sentence looked at at once


@dataclass(frozen=True, slots=True)
class Chunk:
    """`document.text[start : start + len(text)] == text`. `context` is embedded before it."""

    start: int
    text: str
    context: str
    metadata: Mapping[str, str] = field(default_factory=dict)


def chunk_document(document: Document, *, budget: int = BUDGET) -> list[Chunk]:
    """The chunks of a document, in order; at least one when its text has a letter or digit.

    Args:
        document: with normalised text.
        budget: most word pieces of one chunk, as `weight` estimates them.
    """
    sections = document.sections or (Section(0, 0),)
    ends = [section.start for section in sections[1:]] + [len(document.text)]
    chunks = [
        _chunk(document, span, section.metadata)
        for section, end in zip(sections, ends, strict=True)
        for span in _group(document.text, section.body, end, budget)
    ]
    if chunks:
        return chunks
    whole = _group(document.text, 0, len(document.text), budget)  # nothing but headings
    return [_chunk(document, span, {}) for span in whole]


def weight(text: str) -> int:
    """About how many word pieces a MiniLM tokenizer makes of `text`; other scripts fall into single characters."""
    wide = sum(map(len, _WIDE.findall(text)))
    return wide + sum(1 + (len(word) - 1) // 6 for word in _WORD.findall(text))


_WIDE = re.compile("[\u0370-\uffff\U00010000-\U0010ffff]+")
_WORD = re.compile("[0-9A-Za-z\u00aa-\u036f]+|[!-/:-@\\[-`{-~]")


def _chunk(document: Document, span: Span, metadata: Mapping[str, str]) -> Chunk:
    section = metadata.get("section", "")
    title = document.title if document.title != document.id else ""
    context = " - ".join(dict.fromkeys(filter(None, (title, section))))
    return Chunk(span.start, document.text[span.start : span.end], context[:200], {**document.metadata, **metadata})


def _group(text: str, start: int, end: int, budget: int) -> Iterator[Span]:
    """Runs of sentences within `budget`, each starting with the last sentence of the run before where it fits."""
    sentences = [piece for span in _sentences(text, start, end) for piece in _fit(text, span, budget)]
    weights = [weight(text[span.start : span.end]) for span in sentences]
    gaps = [weight(text[span.end : after.start]) for span, after in pairwise(sentences)]
    first = 0
    while first < len(sentences):
        last, total = first, weights[first]
        while last + 1 < len(sentences) and total + gaps[last] + weights[last + 1] <= budget:
            total += gaps[last] + weights[last + 1]
            last += 1
        yield Span(sentences[first].start, sentences[last].end)
        if last + 1 == len(sentences):
            return
        overlap = weights[last] + gaps[last]
        repeats = last > first and overlap <= budget // 3 and overlap + weights[last + 1] <= budget
        first = last if repeats else last + 1


def _sentences(text: str, start: int, end: int) -> list[Span]:
    return [Span(start + span.start, start + span.end) for span in split_sentences(text[start:end])]


def _fit(text: str, span: Span, budget: int) -> Sequence[Span]:
    """The sentence itself, or pieces of it when it alone is over the budget."""
    if span.end - span.start <= _WINDOW and weight(text[span.start : span.end]) <= budget:
        return [span]
    # Rare, and importing it takes a second.
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        separators=["\n", "; ", ", ", " ", ""],
        keep_separator="end",
        chunk_size=budget,
        chunk_overlap=0,
        length_function=weight,
        add_start_index=True,
    )
    pieces = []
    for offset in range(span.start, span.end, _WINDOW):
        window = text[offset : min(offset + _WINDOW, span.end)]
        for piece in splitter.create_documents([window]):
            begin = offset + int(piece.metadata["start_index"])
            pieces.append(Span(begin, begin + len(piece.page_content)))
    return pieces

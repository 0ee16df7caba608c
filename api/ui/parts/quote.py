"""A quote in its paragraph, with the words that count marked. Offsets are characters of the document's text."""

from __future__ import annotations

import re
from urllib.parse import quote as escaped

from api.ui.parts.elements import Html, el, link, text
from signalbox.types import Quote

_MOST_AROUND = 320


def document_link(quote: Quote) -> str:
    """Where the document page shows the quote's place."""
    return f"/ui/documents/{escaped(quote.document_id, safe='')}?start={quote.start}&end={quote.end}"


def quote_block(quote: Quote, document: str | None = None, *, short: str | None = None, linked: bool = True) -> Html:
    """The quote, marked within its paragraph.

    Args:
        document: the document's whole text; without it, or when it has changed since, the quote stands alone.
        short: the words of the quote that are the answer, marked stronger.
        linked: whether a click on the source opens the document at the place.
    """
    before, after = around(document, quote.start, quote.end, quote.text)
    box = el("figure", "", "quote")
    with box:
        with el("blockquote", "", "quote-text break", dir="auto"):
            el("span", before, "muted")
            with el("mark", "", "quote-mark"):
                for part, strong in split(quote.text, short):
                    el("strong" if strong else "span", part)
            el("span", after, "muted")
        with el("figcaption", "", "quote-source"):
            if linked:
                link(quote.title, document_link(quote), dir="auto")
            else:
                text(quote.title)
            if quote.title != quote.document_id:
                text(quote.document_id, "muted small")
    return box


def around(document: str | None, start: int, end: int, words: str) -> tuple[str, str]:
    """The rest of the paragraph before and after a place; empty where the text there is not `words` any more."""
    if document is None or document[start:end] != words:
        return "", ""
    before = document[max(0, start - _MOST_AROUND) : start]
    after = document[end : end + _MOST_AROUND]
    before = re.split(r"\n\s*\n|\n(?=#)", before)[-1]
    after = re.split(r"\n\s*\n|\n(?=#)", after)[0]
    if len(before) == min(start, _MOST_AROUND) and start > _MOST_AROUND:
        before = "…" + before[1:]
    if len(after) == _MOST_AROUND < len(document) - end:
        after = after[:-1] + "…"
    return before.lstrip(), after.rstrip()


def split(words: str, short: str | None) -> list[tuple[str, bool]]:
    """`words` in pieces, the one that is `short` flagged; all of it unflagged where `short` does not occur."""
    place = words.find(short) if short else -1
    if place < 0 or short is None:
        return [(words, False)]
    pieces = [(words[:place], False), (short, True), (words[place + len(short) :], False)]
    return [piece for piece in pieces if piece[0]]

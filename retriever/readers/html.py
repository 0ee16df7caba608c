"""HTML: what a reader of the page sees. Scripts, styles, navigation and hidden elements go.

Hidden text is left out because a quote must be something that a person finds on the page too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from retriever.documents import Limits
from retriever.readers.blocks import Block, Draft, table_rows
from retriever.readers.decoding import decode
from retriever.wordlists import words
from signalbox.errors import TooLarge

_DROPPED = words(
    """
    head script style noscript template nav svg math iframe object canvas audio video select button dialog map embed
    applet frameset
    """
)
_BLOCKS = words(
    """
    address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form
    header hgroup hr html legend li main ol p pre search section summary table tbody td tfoot th thead tr ul
    """
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_-]+)""", re.IGNORECASE)
_MAX_DEPTH = 400  # elements inside each other; real pages stay under 50


def read(data: bytes, name: str, _limits: Limits) -> Draft:
    # The standard library's parser takes quadratic time on tags that never close.
    soup = BeautifulSoup(_text(data, name), "lxml")
    blocks = [block for block in _blocks(soup, name) if block.text.strip()]
    title = soup.title.get_text() if soup.title else ""
    heading = next((block.text for block in blocks if block.level == 1), None)
    return Draft(blocks, title=title.strip() or heading)


def _text(data: bytes, name: str) -> str:
    declared = _CHARSET.search(data[:2048])
    if declared:
        try:
            return data.decode(declared.group(1).decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass  # the page lies about its encoding: look at the bytes
    return decode(data, name)


def _blocks(soup: BeautifulSoup, name: str) -> Iterator[Block]:
    """Walk without recursion: pages made by others may nest deeply."""
    inline: list[str] = []
    mark = ""  # what the next block starts with, when it opens a list item
    item = False  # the block before this one was a list item
    stack: list[Iterator[object]] = [iter(soup.contents)]
    ends: list[tuple[str, bool]] = []

    def flush(level: int = 0) -> Iterator[Block]:
        nonlocal item, mark
        text = "\n".join(" ".join(line.split()) for line in "".join(inline).split("\n")).strip()
        inline.clear()
        if text:
            yield Block(mark + text, level=level, tight=bool(mark) and item)
            item, mark = bool(mark), ""

    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
            if ends:
                tag, is_block = ends.pop()
                if tag in _HEADINGS:
                    yield from flush(_HEADINGS[tag])
                elif is_block:
                    yield from flush()
                    mark = "" if tag == "li" else mark
        elif isinstance(node, NavigableString):
            if not isinstance(node, PreformattedString):
                inline.append(str(node) if _in_pre(ends) else re.sub(r"\s+", " ", node))
        elif isinstance(node, Tag) and not _hidden(node):
            if len(stack) > _MAX_DEPTH:
                raise TooLarge(
                    f"{name} nests elements more than {_MAX_DEPTH} deep: simplify the page, or save its text."
                )
            if node.name == "br":
                inline.append("\n")
            elif node.name == "table" and node.find("table") is None:
                yield from flush()
                yield from _table(node)
                item = False
            else:
                is_block = node.name in _BLOCKS or node.name in _HEADINGS
                if is_block:
                    yield from flush()
                    mark = "- " if node.name == "li" else mark
                stack.append(iter(node.contents))
                ends.append((node.name, is_block))
    yield from flush()


def _in_pre(ends: list[tuple[str, bool]]) -> bool:
    return any(tag == "pre" for tag, _ in ends)


def _hidden(tag: Tag) -> bool:
    return (
        tag.name in _DROPPED
        or tag.has_attr("hidden")
        or tag.get("aria-hidden") == "true"
        or tag.get("role") == "navigation"
        or bool(_HIDDEN_STYLE.search(str(tag.get("style", ""))))
    )


def _table(table: Tag) -> list[Block]:
    shown = [node for node in _shown(table) if isinstance(node, Tag)]
    rows = [
        [_cell(node) for node in _shown(row) if isinstance(node, Tag) and node.name in ("td", "th")]
        for row in shown
        if row.name == "tr"
    ]
    lines = table_rows(rows, header=any(node.name == "th" for node in shown))
    return [Block(line, tight=number > 0) for number, line in enumerate(lines)]


def _cell(cell: Tag) -> str:
    strings = (node.strip() for node in _shown(cell) if isinstance(node, NavigableString))
    return " ".join(string for string in strings if string)


def _shown(tag: Tag) -> Iterator[Tag | NavigableString]:
    """All inside an element that is not hidden, in the order of the page. To cut the rest out would be quadratic."""
    stack = [iter(tag.contents)]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
        elif isinstance(node, NavigableString):
            if not isinstance(node, PreformattedString):
                yield node
        elif isinstance(node, Tag) and not _hidden(node):
            yield node
            stack.append(iter(node.contents))

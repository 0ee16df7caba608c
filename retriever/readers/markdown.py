"""Markdown: its readable text. Marks go, links keep their words, a table row becomes a line that stands alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from retriever.documents import Limits
from retriever.readers.blocks import Block, Draft, table_rows
from retriever.readers.decoding import decode

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_SCALAR = re.compile(r"^([A-Za-z][\w-]*):[ \t]+(\S.*?)[ \t]*\r?$", re.MULTILINE)


def read(data: bytes, name: str, _limits: Limits) -> Draft:
    text, metadata = _front_matter(decode(data, name))
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    blocks = list(_blocks(tokens))
    heading = next((block.text for block in blocks if block.level), None)
    return Draft(blocks, title=heading or metadata.pop("title", None), metadata=metadata)


def _front_matter(text: str) -> tuple[str, dict[str, str]]:
    """The text without its front matter, and the plain `key: value` lines of that."""
    found = _FRONT_MATTER.match(text.lstrip("\ufeff"))
    if not found:
        return text, {}
    pairs = {key.lower(): value.strip("\"'") for key, value in _SCALAR.findall(found.group(1))}
    return text.lstrip("\ufeff")[found.end() :], pairs


def _blocks(tokens: Sequence[Token]) -> Iterator[Block]:
    marks: list[str] = []  # what the next paragraph starts with, when it opens a list item
    lists: list[int | None] = []  # the number of the next item; None in a bullet list
    level = 0
    rows: list[list[str]] | None = None
    after_item = False
    for token in tokens:
        match token.type:
            case "heading_open":
                level = int(token.tag[1:])
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                marks = [_mark(lists)]
            case "table_open":
                rows = []
            case "tr_open" if rows is not None:
                rows.append([])
            case "table_close" if rows is not None:
                yield from (Block(row, tight=number > 0) for number, row in enumerate(table_rows(rows)))
                rows = None
            case "fence" | "code_block":
                yield Block(token.content)
            case "html_block":
                yield Block(_without_tags(token.content))
            case "inline":
                text = _inline(token.children or [])
                if rows is not None:
                    rows[-1].append(text)
                    continue
                mark = marks.pop() if marks else ""
                yield Block(mark + text, level=level, tight=bool(mark) and after_item)
                after_item = bool(mark)
                level = 0


def _mark(lists: list[int | None]) -> str:
    number = lists[-1] if lists else None
    if number is None:
        return "- "
    lists[-1] = number + 1
    return f"{number}. "


def _inline(tokens: Sequence[Token]) -> str:
    parts = []
    for token in tokens:
        match token.type:
            case "text" | "code_inline" | "text_special":
                parts.append(token.content)
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(_inline(token.children or []))
            case "html_inline" if re.match(r"<br\b", token.content, re.IGNORECASE):
                parts.append("\n")
    return "".join(parts)


_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)|</?[A-Za-z][^>]*>", re.DOTALL | re.IGNORECASE)


def _without_tags(html: str) -> str:
    return re.sub(r"[ \t]+", " ", unescape(_TAG.sub(" ", html)))

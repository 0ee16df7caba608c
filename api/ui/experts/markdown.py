"""Markdown as elements: headings, paragraphs, lists, tables, strong, emphasis, code. Everything else is plain text.

A card is data: it never becomes HTML, links lead nowhere, images are not loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from api.ui.parts.elements import div, el, text

MOST_LINES = 5_000
_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_ITEM = re.compile(r"\s*[-*]\s+(.*)")
_RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*\|?")
_INLINE = re.compile(r"`([^`]{1,2000})`|\*\*(.{1,2000}?)\*\*|\*([^*\s][^*]{0,2000}?)\*")

Kind = Literal["plain", "code", "strong", "em"]


@dataclass(frozen=True, slots=True)
class Block:
    """A heading with its `level`, a paragraph, a list or a table; `lines` are its items, cells split by the drawer."""

    kind: Literal["heading", "paragraph", "list", "table"]
    lines: tuple[str, ...]
    level: int = 0


def blocks(source: str) -> Iterator[Block]:
    """The blocks of a text, in order."""
    waiting: list[str] = []
    kind: Literal["paragraph", "list", "table"] = "paragraph"
    for line in source.splitlines()[:MOST_LINES]:
        heading = _HEADING.fullmatch(line)
        item = _ITEM.fullmatch(line)
        now: Literal["paragraph", "list", "table"]
        now = "list" if item else "table" if line.lstrip().startswith("|") else "paragraph"
        if waiting and (heading or not line.strip() or now != kind):
            yield Block(kind, tuple(waiting))
            waiting = []
        if heading:
            yield Block("heading", (heading[2].strip(),), len(heading[1]))
        elif line.strip():
            kind = now
            waiting.append(item[1] if item else line.strip())
    if waiting:
        yield Block(kind, tuple(waiting))


def inline(line: str) -> Iterator[tuple[Kind, str]]:
    """The parts of a line."""
    at = 0
    for found in _INLINE.finditer(line):
        if found.start() > at:
            yield "plain", line[at : found.start()]
        kind: Kind = "code" if found[1] is not None else "strong" if found[2] is not None else "em"
        yield kind, found[1] or found[2] or found[3]
        at = found.end()
    if at < len(line):
        yield "plain", line[at:]


def draw_markdown(source: str, *, top: int = 3) -> None:
    """Draws it; the highest heading becomes `h{top}`."""
    with div("prose"):
        for block in blocks(source):
            if block.kind == "heading":
                tag = f"h{min(6, top + block.level - 1)}"
                _line(block.lines[0], tag, f"prose-{min(3, block.level)}")
            elif block.kind == "list":
                with el("ul", "", "prose-list"):
                    for item in block.lines:
                        _line(item, "li")
            elif block.kind == "table":
                _table(block.lines)
            else:
                _line(" ".join(block.lines), "p")


def _table(lines: Sequence[str]) -> None:
    rows = [_cells(line) for line in lines if not _RULE.fullmatch(line)]
    if not rows:
        return
    with div("table-scroll"), el("table", "", "table prose-table"):
        with el("thead"), el("tr"):
            for cell in rows[0]:
                _line(cell, "th")
        with el("tbody"):
            for row in rows[1:]:
                with el("tr"):
                    for cell in row:
                        _line(cell, "td")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _line(line: str, tag: str, cls: str = "") -> None:
    parts = list(inline(line))
    if len(parts) == 1 and parts[0][0] == "plain":
        text(parts[0][1], f"break {cls}".strip(), tag=tag)
        return
    with text("", f"break {cls}".strip(), tag=tag):
        for kind, part in parts:
            if kind == "plain":
                el("span", part)
            else:
                el({"code": "code", "strong": "strong", "em": "em"}[kind], part, "mono" if kind == "code" else "")

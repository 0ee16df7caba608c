"""The form all readers give their findings in, and how it becomes one text with sections.

Blocks are normalised one by one before they are put together, so that section offsets fit the stored text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from retriever.documents import Section, normalise


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item or table row.

    Attributes:
        level: 1 to 6 for a heading, 0 for anything else.
        tight: follows the block before it on the next line, without an empty one between.
        metadata: opens a new section that carries this; None stays in the current one.
    """

    text: str
    level: int = 0
    tight: bool = False
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader found; `title` None means the file's name must do."""

    blocks: Sequence[Block]
    title: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def assemble(draft: Draft) -> tuple[str, tuple[Section, ...]]:
    """The text of all blocks and the sections in it. Headings nest: a section is named `Returns > Exchanges`."""
    parts: list[str] = []
    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    length = 0
    title = " ".join((draft.title or "").split())
    for block in draft.blocks:
        text = normalise(block.text)
        if not text:
            continue
        if parts:
            gap = "\n" if block.tight else "\n\n"
            parts.append(gap)
            length += len(gap)
        if block.level:
            name = " ".join(text.split())
            path = [entry for entry in path if entry[0] < block.level] + [(block.level, name)]
            names = [entry for _, entry in path if not (entry == title and _ == path[0][0])]
            metadata = {"section": " > ".join(names)} if names else {}
            sections.append(Section(length, length + len(text), metadata))
        elif block.metadata is not None:
            sections.append(Section(length, length, dict(block.metadata)))
        parts.append(text)
        length += len(text)
    if sections and sections[0].start > 0:
        sections.insert(0, Section(0, 0))
    return "".join(parts), tuple(sections)


def table_rows(rows: Sequence[Sequence[str]], *, header: bool = True) -> list[str]:
    """Rows that can be quoted alone: `Country: Norway; Delivery: 6-9 days`. The first row may hold the headers."""
    clean = [[" ".join(cell.split()) for cell in row] for row in rows]
    clean = [row for row in clean if any(row)]
    names, body = (clean[0], clean[1:]) if header and len(clean) > 1 else ([], clean)
    return ["; ".join(_cells(names, row)) for row in body]


def _cells(header: Sequence[str], row: Sequence[str]) -> list[str]:
    names = [*header, *[""] * (len(row) - len(header))]
    return [f"{name.rstrip(':')}: {cell}" if name else cell for name, cell in zip(names, row, strict=False) if cell]


def unwrap(text: str) -> str:
    """Join lines that were broken only to fit a width, and words hyphenated across them."""
    return "\n\n".join(_unwrap_paragraph(paragraph) for paragraph in re.split(r"\n\s*\n", text))


_ITEM = re.compile(r"\s*(?:[-*•‣◦▪●·–+]\s|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s)")


def _unwrap_paragraph(paragraph: str) -> str:
    lines = paragraph.split("\n")
    width = max(len(line.rstrip()) for line in lines)
    if width < 50:
        return paragraph
    out = [lines[0].rstrip()]
    for line in lines[1:]:
        last, body = out[-1], line.strip()
        full = len(last) - last.rfind("\n") - 1 >= 0.7 * width or len(last) > width
        lower = body[:1].islower()
        if _ITEM.match(line) or not body or not (full or (lower and len(last) >= 40)):
            out.append(line.rstrip())
        elif re.search(r"[^\W\d_]{2}-$", last) and lower:
            out[-1] = last[:-1] + body
        else:
            out[-1] = f"{last} {body}"
    return "\n".join(out)

"""Pieces of HTML that every section is made of. All text that goes in is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from signalbox.charts.drawing import escaped


def section(anchor: str, title: str, *parts: str) -> str:
    """A card with a heading; empty where all of its parts are."""
    body = "".join(parts)
    return f'<section id="{escaped(anchor)}"><h2>{escaped(title)}</h2>{body}</section>' if body else ""


def said(text: str) -> str:
    """A sentence about what follows."""
    return f'<p class="said">{escaped(text)}</p>' if text else ""


def warned(text: str) -> str:
    """A sentence that must not be overlooked."""
    return f'<p class="verdict doubt">{escaped(text)}</p>'


def pictures(*drawn: tuple[str, str]) -> str:
    """Charts with their captions, side by side where there is room; those without a picture are left out."""
    figures = [f"<figure><figcaption>{escaped(caption)}</figcaption>{svg}</figure>" for caption, svg in drawn if svg]
    return f'<div class="charts">{"".join(figures)}</div>' if figures else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table of texts; the columns `numbers` are set right, for reading down."""
    titles = "".join(f'<th{_right(i, numbers)} scope="col">{escaped(cell)}</th>' for i, cell in enumerate(head))
    body = "".join(
        "<tr>" + "".join(f"<td{_right(i, numbers)}>{escaped(cell, 600)}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    if not body:
        return ""
    return f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


def folded(summary: str, body: str) -> str:
    """What is only for those who ask for it."""
    return f"<details><summary>{escaped(summary)}</summary>{body}</details>" if body else ""


def _right(column: int, numbers: Sequence[int]) -> str:
    return ' class="num"' if column in numbers else ""

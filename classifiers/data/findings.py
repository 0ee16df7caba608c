"""What is said of a file before anything is trained on it: one finding, one thing to know, with figures and rows.

Findings are plain data for JSON, pages and the terminal. Who finds what is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from signalbox.types import Frozen

Severity = Literal["note", "warning", "serious"]
Figure = float | int | str | bool | None

MOST_EXAMPLES = 10
_LONGEST_SNIPPET = 120


class Example(Frozen):
    """A row of the file, by the line it begins on (from 1), or what was found instead of a row.

    Attributes:
        text: the beginning of the text or cell: data, never to be shown unescaped.
        note: what is the matter with it.
        other_line: of a pair, the second row.
    """

    line: int | None = None
    text: str = ""
    note: str = ""
    other_line: int | None = None


class Finding(Frozen):
    """One thing that whoever trains on the file should know.

    Attributes:
        id: `check/what`, the same from run to run.
        severity: `serious` spoils what is measured or learned, `warning` may, a `note` is good to know.
        meaning: why it matters.
        remedy: what to do.
        column: the column concerned, where it is one.
        figures: what was counted or measured.
    """

    id: str
    severity: Severity
    title: str
    meaning: str
    remedy: str
    column: str | None = None
    figures: dict[str, Figure] = Field(default_factory=dict)
    examples: tuple[Example, ...] = ()


def snippet(text: str, longest: int = _LONGEST_SNIPPET) -> str:
    """The beginning of a text on one line."""
    # Only as much as can be shown is looked at: a text may be long.
    flat = " ".join(text[: 4 * longest].split())
    return flat if len(flat) <= longest and len(text) <= 4 * longest else f"{flat[: longest - 1]}…"


def listed(names: Iterable[object], most: int = 5) -> str:
    """Names for a sentence: at most so many, then how many more there are."""
    all_names = [str(name) for name in names]
    shown = ", ".join(all_names[:most])
    return shown if len(all_names) <= most else f"{shown} and {len(all_names) - most:,} more"


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def by_severity(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The most serious first, otherwise in their order."""
    order = {"serious": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.severity]))

"""When a row was made and which part of the data it belongs to, for splits that are honest."""

from __future__ import annotations

import numpy as np

from classifiers.contract import Floats, Rows
from classifiers.data.findings import Example, Finding, counted, snippet
from classifiers.data.numbers import times
from classifiers.data.table import Table
from signalbox.errors import InvalidInput


def read_times(table: Table, column: str | None, rows: Rows) -> tuple[Floats | None, list[Finding]]:
    """Seconds since 1970 of the rows, NaN where a cell is no time. Raises InvalidInput where none is."""
    if column is None:
        return None, []
    found = times(table.column(column))[rows]
    unread = np.flatnonzero(np.isnan(found))
    if len(unread) == len(rows):
        raise InvalidInput(
            f"No cell of the time column {column!r} reads as a time, such as {snippet(table.column(column)[0], 40)!r}; "
            "write 2026-03-31 or 2026-03-31T18:00:00.",
            field="time",
        )
    if not len(unread):
        return found, []
    finding = Finding(
        id="reading/times",
        severity="warning",
        title=f"{counted(len(unread), 'cell')} of {column!r} read as no time",
        meaning="Such rows can't be put before or after others, so they are never part of a test by time.",
        remedy="Write 2026-03-31 or 2026-03-31T18:00:00.",
        column=column,
        figures={"cells": len(unread)},
        examples=tuple(
            Example(line=int(table.lines[rows[i]]), text=snippet(table.column(column)[rows[i]])) for i in unread[:10]
        ),
    )
    return found, [finding]


def read_splits(table: Table, column: str | None, rows: Rows) -> tuple[str, ...] | None:
    """The part each row belongs to. Raises InvalidInput where the column has more than 20 values."""
    if column is None:
        return None
    cells = table.column(column)
    names = tuple(" ".join(cells[row].split()).casefold() or "(none)" for row in rows)
    if len(set(names)) > 20:
        raise InvalidInput(
            f"The split column {column!r} has {len(set(names)):,} values; it should have a few.",
            field="split",
        )
    return names

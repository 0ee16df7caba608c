"""The columns of the file: how full they are, of what kind, and their values as numbers or codes.

A column is turned into scores once, here; which scores are too good to be honest is judged by the leak check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from classifiers.contract import Floats, Rows
from classifiers.data.numbers import numbers, times
from classifiers.data.report.material import Material
from classifiers.data.table import is_missing

ColumnKind = Literal["number", "time", "category", "text", "empty", "constant"]

_MOSTLY = 0.95
_BINS = 20
_SAMPLE = 500


@dataclass(frozen=True)
class Column:
    """One column, by the rows that are learned from.

    Attributes:
        values: numbers, or seconds since 1970 of times; NaN where missing or of another kind, shape (n,).
        codes: a number a distinct value (numbers: by twentieths), -1 where missing, shape (n,).
        missing: share of the rows without a value.
        distinct: number of distinct values.
    """

    name: str
    kind: ColumnKind
    values: Floats
    codes: NDArray[np.int64]
    missing: float
    distinct: int

    @property
    def is_numeric(self) -> bool:
        return self.kind in ("number", "time")


def read_columns(material: Material, names: Sequence[str]) -> list[Column]:
    """The columns named."""
    return [_read(name, [material.data.table.column(name)[row] for row in material.data.rows]) for name in names]


def other_columns(material: Material) -> list[str]:
    """All columns but texts, targets and the one of splits."""
    data = material.data
    used = {*data.text_columns, *data.target_columns, data.split_column}
    return [name for name in data.table.columns if name not in used]


def is_counter(values: Floats) -> bool:
    """Whether whole numbers mostly rise by one from row to row, as the index of an earlier table does."""
    if len(values) < 20 or np.isnan(values).any() or np.any(values != np.round(values)):
        return False
    steps = np.diff(values)
    return bool((steps == 1).mean() > 0.8)


def in_bins(values: Floats, known: Rows, bins: int = _BINS) -> NDArray[np.int64]:
    """The quantile bin of each value, -1 where there is none."""
    codes = np.full(len(values), -1, dtype=np.int64)
    if len(known):
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, bins + 1)[1:-1]))
        codes[known] = np.searchsorted(edges, values[known], side="right")
    return codes


def _read(name: str, cells: Sequence[str]) -> Column:
    missing = np.array([is_missing(cell) for cell in cells], dtype=bool)
    known = np.flatnonzero(~missing)
    share = float(missing.mean()) if len(cells) else 1.0
    nothing = np.full(len(cells), np.nan)
    if not len(known):
        return Column(name, "empty", nothing, np.full(len(cells), -1, dtype=np.int64), share, 0)
    distinct = Counter(cells[i].strip() for i in known.tolist())
    values, kind = _numeric(cells, known)
    if len(distinct) == 1:
        kind = "constant"
    if kind in ("number", "time"):
        codes = in_bins(values, np.flatnonzero(np.isfinite(values)))
    else:
        numbered = {value: number for number, value in enumerate(distinct)}
        codes = np.array([-1 if gone else numbered[cell.strip()] for cell, gone in zip(cells, missing, strict=True)])
    return Column(name, kind, values, codes.astype(np.int64), share, len(distinct))


def _numeric(cells: Sequence[str], known: Rows) -> tuple[Floats, ColumnKind]:
    values = numbers(cells)
    if np.isfinite(values[known]).mean() >= _MOSTLY:
        return values, "number"
    some = [cells[i] for i in known[:: max(1, len(known) // _SAMPLE)].tolist()]
    if np.isfinite(times(some)).mean() >= _MOSTLY:
        return times(cells), "time"
    spaced = sum(len(cell.split()) > 3 for cell in some) / len(some)
    return np.full(len(cells), np.nan), "text" if spaced > 0.5 else "category"

"""A table as a file holds it: columns of strings, and the line each row begins on.

Read from CSV, TSV, JSON Lines or JSON within fixed limits. Nothing here knows which columns are texts or targets.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.data.findings import Finding
from signalbox.errors import InvalidInput, TooLarge, UnknownName

MAX_BYTES = 200_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 1_000
MAX_CELL = 100_000

_MISSING = frozenset({"", "nan", "null", "n/a", "na", "#n/a", "<na>", "?"})


@dataclass(frozen=True)
class Table:
    """Cells as they stand in the file.

    Attributes:
        name: the file's name, for messages.
        columns: distinct names, in the order of the file.
        cells: one tuple a column; an empty string where there is nothing.
        lines: the line of the file on which each row begins, from 1, shape (n,).
        encoding: what the file was read in.
        delimiter: what separates its cells; None for JSON.
        findings: what had to be assumed.
    """

    name: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    lines: NDArray[np.int64]
    encoding: str = "utf-8"
    delimiter: str | None = ","
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def find(self, name: str, what: str = "column") -> str:
        """The column that is meant: by its exact name, or one that differs in case and spaces only.

        Raises:
            UnknownName: saying which columns there are, the nearest first.
        """
        if name in self.columns:
            return name
        alike = [column for column in self.columns if same_name(column) == same_name(name)]
        if len(alike) == 1:
            return alike[0]
        near = difflib.get_close_matches(same_name(name), [same_name(column) for column in self.columns], 1, 0.6)
        meant = [column for column in self.columns if near and same_name(column) == near[0]]
        shown = ", ".join(repr(column) for column in self.columns[:20])
        more = f" and {len(self.columns) - 20} more" if len(self.columns) > 20 else ""
        hint = f" Did you mean {meant[0]!r}?" if meant else ""
        raise UnknownName(f"{self.name} has no {what} {name!r}.{hint} It has {shown}{more}.", field=what)

    def column(self, name: str) -> tuple[str, ...]:
        """The cells of a column, by its exact name."""
        return self.cells[self.columns.index(name)]

    @cached_property
    def sha256(self) -> str:
        """Identifies the cells, whatever the file's dialect and encoding."""
        content = json.dumps([self.columns, self.cells], ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value: empty, or one of the usual words for it."""
    return len(cell) < 12 and cell.strip().casefold() in _MISSING


def same_name(name: str) -> str:
    """The key under which names of columns count as the same."""
    return " ".join(name.split()).casefold()


def read_table(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    skip_ragged: bool = False,
) -> Table:
    """Read a file of rows.

    Args:
        encoding: None to find out; what was assumed is a finding.
        delimiter: of CSV; None to find out.
        header: whether the first row of CSV names the columns; None to find out, a finding says when it doesn't.
        skip_ragged: leave out rows with too many or too few cells, as a finding, instead of refusing the file.

    Raises:
        InvalidInput: naming file, line, rule and remedy.
        TooLarge: more than 200 MB, 200,000 rows, 1,000 columns or 100,000 characters in a cell.
        UnsupportedType: the file is no text.
    """
    from classifiers.data.decoding import decode
    from classifiers.data.delimited import read_delimited
    from classifiers.data.records import read_records

    content = _content(path)
    text, used, findings = decode(content, path.name, encoding)
    del content
    if not text.strip():
        raise InvalidInput(f"{path.name} is empty; it needs a header and at least two rows.")
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json") or (path.suffix == "" and text.lstrip()[0] in "{["):
        table = read_records(text, path.name)
    else:
        table = read_delimited(
            text,
            path.name,
            delimiter=delimiter,
            header=header,
            skip_ragged=skip_ragged,
            tabs_first=path.suffix.lower() in (".tsv", ".tab"),
        )
    return Table(
        name=table.name,
        columns=table.columns,
        cells=table.cells,
        lines=table.lines,
        encoding=used,
        delimiter=table.delimiter,
        findings=(*findings, *table.findings),
    )


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise TooLarge(
                f"{path.name} has {size / 1e6:,.0f} MB; the limit is {MAX_BYTES // 1_000_000} MB. "
                "Keep the columns that are needed, or a sample of the rows."
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.") from None


class Builder:
    """Collects rows of strings within the limits; both formats use it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: list[Sequence[str]] = []
        self._lines: list[int] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: Sequence[str], line: int, column_name: Callable[[int], str]) -> None:
        """Raises TooLarge where the file has too many rows, or the row too long a cell."""
        if len(self._rows) >= MAX_ROWS:
            raise TooLarge(
                f"{self._name} has more than {MAX_ROWS:,} rows (line {line}). Keep a sample of {MAX_ROWS:,}: what more "
                "rows add is small, or split the file and train on one part."
            )
        for index, cell in enumerate(row):
            if len(cell) > MAX_CELL:
                raise TooLarge(
                    f"{self._name}, line {line}, column {column_name(index)!r}: a cell of {len(cell):,} characters; "
                    f"the limit is {MAX_CELL:,}. Shorten it, or look for a quote that is not closed."
                )
        self._rows.append(row)
        self._lines.append(line)

    def table(self, columns: Sequence[str], delimiter: str | None, findings: Sequence[Finding]) -> Table:
        cells = tuple(zip(*self._rows, strict=True)) if self._rows else tuple(() for _ in columns)
        return Table(
            name=self._name,
            columns=tuple(columns),
            cells=cells,
            lines=np.array(self._lines, dtype=np.int64),
            delimiter=delimiter,
            findings=tuple(findings),
        )

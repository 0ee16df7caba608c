"""CSV and TSV: finds the separator and the header by reading a sample each way, then reads strictly.

Quotes are taken as RFC 4180 means them; where that does not work out in a tab-separated file, as plain characters.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from classifiers.data.findings import Example, Finding, counted, listed, snippet
from classifiers.data.numbers import number
from classifiers.data.table import MAX_CELL, MAX_COLUMNS, Builder, Table, same_name
from signalbox.errors import InvalidInput, TooLarge

_DELIMITERS = (",", "\t", ";", "|")
_SAMPLE = 200_000
_SAMPLE_ROWS = 300
_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
# A header's cells are names; longer than this they are texts.
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class _Dialect:
    delimiter: str
    quotes: bool = True

    def rows(self, text: str, *, strict: bool) -> Iterator[tuple[int, list[str]]]:
        """Line and cells of each row that is not blank."""
        source = io.StringIO(text, newline="")
        if self.quotes:
            reader = csv.reader(source, delimiter=self.delimiter, strict=strict)
        else:
            reader = csv.reader(source, delimiter=self.delimiter, quoting=csv.QUOTE_NONE)
        line = 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _Broken(line, str(error)) from None
            if any(cell.strip() for cell in row):
                yield line, row
            line = reader.line_num + 1


class _Broken(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line, self.reason = line, reason


def read_delimited(
    text: str, name: str, *, delimiter: str | None, header: bool | None, skip_ragged: bool, tabs_first: bool
) -> Table:
    """Read separated values; see `read_table` for the arguments and errors."""
    # A cell as long as the text can't break the reader; what is too long is said with its line and column.
    csv.field_size_limit(max(len(text), MAX_CELL) + 1)
    dialect = _Dialect(delimiter) if delimiter is not None else _sniff(text, tabs_first)
    rows, findings = _rows(text, name, dialect)
    line, first = next(rows)
    sample = list(itertools.islice(rows, _SAMPLE_ROWS))
    named = header if header is not None else _is_header(first, [row for _, row in sample])
    if header is None and not named:
        findings.append(_no_header(first, line))
    columns = _names(first, name, findings) if named else [f"column {index}" for index in range(1, len(first) + 1)]
    if len(columns) > MAX_COLUMNS:
        raise TooLarge(
            f"{name} has {len(columns):,} columns; the limit is {MAX_COLUMNS:,}. Keep those that are needed, or name "
            "the separator if it was guessed wrongly."
        )
    builder = Builder(name)
    ragged: list[tuple[int, int, str]] = []
    given = itertools.chain(() if named else ((line, first),), sample, rows)
    for line, row in given:
        if len(row) > len(columns) and not any(cell.strip() for cell in row[len(columns) :]):
            row = row[: len(columns)]
        if len(row) != len(columns):
            ragged.append((line, len(row), row[0] if row else ""))
            continue
        builder.add(row, line, columns.__getitem__)
    if ragged:
        findings.append(_ragged(ragged, name, len(columns), dialect.delimiter, len(builder), skip_ragged))
    if not len(builder):
        raise InvalidInput(f"{name} has a header but no rows.")
    return builder.table(columns, dialect.delimiter, findings)


def _rows(text: str, name: str, dialect: _Dialect) -> tuple[Iterator[tuple[int, list[str]]], list[Finding]]:
    """Strictly where that works out, otherwise as spreadsheets would, or with quotes as plain characters (tabs)."""
    broken = _first_error(text, dialect, strict=True)
    if broken is None:
        return dialect.rows(text, strict=True), []
    if dialect.delimiter == "\t":
        plain = _Dialect("\t", quotes=False)
        return plain.rows(text, strict=False), [_plain_quotes(broken)]
    if "unexpected end" in broken.reason:
        raise InvalidInput(
            f"{name}, line {broken.line}: a quote is opened here and never closed, so that the rest of the file is "
            "one cell. Close it, or write a quote within a cell twice."
        )
    unclosed = _first_error(text, dialect, strict=False)
    if unclosed is not None:
        raise InvalidInput(f"{name}, line {unclosed.line}: {unclosed.reason}. Quote the cells and save it again.")
    return dialect.rows(text, strict=False), [_loose_quotes(broken)]


def _first_error(text: str, dialect: _Dialect, *, strict: bool) -> _Broken | None:
    try:
        for _ in dialect.rows(text, strict=strict):
            pass
    except _Broken as broken:
        return broken
    return None


def _sniff(text: str, tabs_first: bool) -> _Dialect:
    """The separator that cuts most rows of a sample into the same number of cells, at least two."""
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    order = ("\t", ",", ";", "|") if tabs_first else _DELIMITERS
    scored = [(_score(sample, _Dialect(delimiter)), -rank, delimiter) for rank, delimiter in enumerate(order)]
    share, _, best = max(scored)
    return _Dialect(best if share > 0 else order[0])


def _score(sample: str, dialect: _Dialect) -> float:
    try:
        widths = [len(row) for _, row in itertools.islice(dialect.rows(sample, strict=False), _SAMPLE_ROWS)]
    except _Broken:
        return 0.0
    # A sample may end within a quoted cell, which then is a row of its own.
    counted_widths = Counter(widths[:-1] if len(widths) > 3 else widths)
    if not counted_widths:
        return 0.0
    width, rows = counted_widths.most_common(1)[0]
    # The header is the one row that surely is whole.
    agrees = 1.0 if width == widths[0] else 0.5
    return agrees * rows / sum(counted_widths.values()) if width > 1 else 0.0


def _is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Not if a cell is a number in a column of numbers, a text, empty throughout, or occurs again below."""
    if len(set(map(same_name, first))) == len(first) and not rows:
        return True
    for index, cell in enumerate(first):
        below = [row[index] for row in rows if len(row) > index and row[index].strip()]
        if len(cell) > _LONGEST_NAME:
            return False
        if not below:
            continue
        if number(cell) is not None and sum(number(value) is not None for value in below) > 0.9 * len(below):
            return False
        again = sum(value.strip() == cell.strip() for value in below)
        if cell.strip() and again > max(1, 0.02 * len(below)):
            return False
    return True


def _names(first: Sequence[str], name: str, findings: list[Finding]) -> list[str]:
    columns: list[str] = []
    renamed: list[str] = []
    for index, cell in enumerate(first, 1):
        column = " ".join(cell.split()) or f"column {index}"
        if column in columns:
            column = next(f"{column} ({n})" for n in itertools.count(2) if f"{column} ({n})" not in columns)
            renamed.append(column)
        elif not cell.strip():
            renamed.append(column)
        columns.append(column)
    if renamed:
        findings.append(
            Finding(
                id="reading/names",
                severity="note",
                title=f"Columns without a name of their own in {name} were given one: {listed(renamed)}",
                meaning="Two columns can't share a name, and one without a name can't be asked for.",
                remedy="Name them in the header if they matter.",
                figures={"renamed": len(renamed)},
            )
        )
    return columns


def _ragged(
    ragged: list[tuple[int, int, str]], name: str, width: int, delimiter: str, read: int, skip: bool
) -> Finding:
    lines = listed(line for line, _, _ in ragged)
    line, cells, _ = ragged[0]
    if not skip:
        rule = f"{name}, line {line}: {counted(cells, 'cell')}, but the header has {width}"
        also = f" (as in {counted(len(ragged), 'row')}: lines {lines})" if len(ragged) > 1 else ""
        separator = _NAMES.get(delimiter, repr(delimiter))
        raise InvalidInput(
            f'{rule}{also}. Put cells that hold a {separator} or a line break into quotes ("…"), name the separator '
            "if it was guessed wrongly, or leave such rows out with --skip-ragged."
        )
    return Finding(
        id="reading/ragged",
        severity="serious" if len(ragged) > 0.05 * (read + len(ragged)) else "warning",
        title=f"{counted(len(ragged), 'row')} with too many or too few cells were left out",
        meaning="Usually a text that holds the separator and is not quoted; its labels would be wrong.",
        remedy="Quote such cells in the file.",
        figures={"rows": len(ragged), "columns": width},
        examples=tuple(
            Example(line=line, text=snippet(cell), note=counted(cells, "cell")) for line, cells, cell in ragged[:10]
        ),
    )


def _no_header(first: Sequence[str], line: int) -> Finding:
    return Finding(
        id="reading/no-header",
        severity="warning",
        title="The first row looks like data, so the columns were numbered",
        meaning="If it does name the columns, one row of names is taken for a text and a label.",
        remedy="Say --header if it is one; otherwise use the names `column 1`, `column 2` and so on.",
        figures={"columns": len(first)},
        examples=(Example(line=line, text=snippet(" | ".join(first))),),
    )


def _plain_quotes(broken: _Broken) -> Finding:
    return Finding(
        id="reading/plain-quotes",
        severity="note",
        title="Quotes were read as plain characters",
        meaning="Some quotes are never closed, so in this file, separated by tabs, they quote nothing.",
        remedy="Nothing, if texts with quotes read well; otherwise save the file as CSV.",
        examples=(Example(line=broken.line, note="the first quote that is not closed"),),
    )


def _loose_quotes(broken: _Broken) -> Finding:
    return Finding(
        id="reading/loose-quotes",
        severity="warning",
        title="Some cells have characters after their closing quote",
        meaning="They were read as spreadsheets do; a cell may have ended at another place than was meant.",
        remedy="Write a quote within a quoted cell twice.",
        examples=(Example(line=broken.line, note="the first such row"),),
    )

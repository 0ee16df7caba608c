"""Tables of named values: CSV with any usual separator, JSON lines, a JSON list of objects. They mean nothing yet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_sets.files import MAX_BYTES, MAX_LINE, decoded, read_bytes, read_lines
from eval_sets.lines import LineError, check_json
from eval_sets.sets import MAX_CASES
from signalbox.errors import InvalidInput, TooLarge

MAX_COLUMNS = 500


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as (line in the file, values by name)."""

    path: Path
    rows: tuple[tuple[int, dict[str, Any]], ...]
    columns: tuple[str, ...]
    texts: tuple[str, ...] = ()
    """The lines as they stand, where each is a JSON object."""

    @classmethod
    def of_values(cls, path: Path, value: Any) -> Table:
        """Of a JSON list of objects."""
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise InvalidInput(f"{path}: a JSON file is imported as a list of objects.", field="file")
        return cls(path, tuple(enumerate(value, 1)), _columns(value))


def read_csv(path: Path) -> Table:
    """A header line, then a row a line; separated by commas, semicolons or tabs.

    Raises:
        NotFound, TooLarge, InvalidInput: the message names file and line.
    """
    text = decoded(read_bytes(path), path)
    if "\0" in text:
        raise InvalidInput(f"{path}, line {text[: text.index(chr(0))].count(chr(10)) + 1}: a NUL character: remove it.")
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count) if path.suffix.lower() != ".tsv" else "\t"
    rows: list[tuple[int, dict[str, Any]]] = []
    names: list[str] = []
    for line, cells in _cells(path, text, separator):
        if not names:
            names = _header(path, cells)
            continue
        if len(cells) != len(names):
            raise InvalidInput(
                f"{path}, line {line}: {len(cells)} cells, the header has {len(names)}: quote cells that hold "
                f"{separator!r} or line breaks.",
                field="line",
            )
        rows.append((line, dict(zip(names, cells, strict=True))))
        if len(rows) > MAX_CASES:
            raise TooLarge(f"{path} has more than {MAX_CASES:,} rows: split it.", field="file")
    return Table(path, tuple(rows), tuple(names))


def read_jsonl(path: Path) -> Table:
    """A JSON object a line.

    Raises:
        NotFound, TooLarge, InvalidInput: the message names file and line.
    """
    rows: list[tuple[int, dict[str, Any]]] = []
    texts: list[str] = []
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        try:
            value = check_json(line)
        except LineError as error:
            raise InvalidInput(f"{path}, line {number}: {error.said}.", field="line") from None
        if not isinstance(value, dict):
            raise InvalidInput(f"{path}, line {number}: not a JSON object.", field="line")
        rows.append((number, value))
        texts.append(line)
        if len(rows) > MAX_CASES:
            raise TooLarge(f"{path} has more than {MAX_CASES:,} rows: split it.", field="file")
    return Table(path, tuple(rows), _columns([value for _, value in rows]), tuple(texts))


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        NotFound, TooLarge, InvalidInput: the message names the file.
    """
    try:
        return check_json(decoded(read_bytes(path, MAX_BYTES), path))
    except LineError as error:
        raise InvalidInput(f"{path}: {error.said}.", field="file") from None


def _cells(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidInput(
                f"{path}, line {line}: not CSV: {error}: close its quotes and shorten its cells.", field="line"
            ) from None
        if max(map(len, cells), default=0) > MAX_LINE:
            raise TooLarge(f"{path}, line {line}: a cell has more than {MAX_LINE:,} characters.", field="line")
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(names) > MAX_COLUMNS:
        raise TooLarge(f"{path} has {len(names)} columns, more than {MAX_COLUMNS}: leave some out.", field="file")
    for number, name in enumerate(names, 1):
        if not name or names.count(name) > 1:
            said = f"the name {name!r} occurs twice" if name else f"column {number} has no name"
            raise InvalidInput(f"{path}, line 1: {said}: name every column once.", field=name or "header")
    return names


def _columns(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row))

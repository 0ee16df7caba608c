"""JSON Lines and JSON: one object a row; also arrays of arrays, and an object that holds such lists by name.

Of an object of lists (`{"train": […], "test": […]}`) the names become a column, `split`. Values become strings as a
CSV file would hold them. Lines are split as bytes would be: a separator within a string is no end of a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from classifiers.data.table import MAX_COLUMNS, Builder, Table
from signalbox.errors import InvalidInput, TooLarge

SPLIT = "split"


def read_records(text: str, name: str) -> Table:
    """Read JSON records; see `read_table` for the errors. Rows of a JSON array are numbered from 1 instead of lines."""
    records = list(_records(text, name))
    columns: dict[str, int] = {}
    for line, record in records:
        for key in record:
            columns.setdefault(key, len(columns))
        if len(columns) > MAX_COLUMNS:
            raise TooLarge(f"{name}, line {line}: more than {MAX_COLUMNS:,} fields. Keep those that are needed.")
    names = list(columns)
    builder = Builder(name)
    for line, record in records:
        builder.add([_cell(record.get(key), key, name, line) for key in names], line, names.__getitem__)
    if not len(builder):
        raise InvalidInput(f"{name} has no rows.")
    return builder.table(names, None, ())


def _records(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    whole = _whole(text, name)
    if whole is None:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, _record(_parsed(line, f"{name}, line {number}"), f"{name}, line {number}")
        return
    number = 0
    for split, rows in whole:
        for row in rows:
            number += 1
            record = _record(row, f"{name}, record {number}")
            yield number, {**record, SPLIT: split} if split is not None else record


def _whole(text: str, name: str) -> list[tuple[str | None, list[Any]]] | None:
    """The lists of a file that is one JSON value; None where it is JSON Lines."""
    start = text.lstrip()
    first = start.split("\n", 1)[0].strip()
    if start.startswith("{"):
        try:
            value = json.loads(first)
        except (ValueError, RecursionError):
            value = None
        # A first line that is an object by itself is a record, unless it is the whole file and holds lists of rows.
        if isinstance(value, dict) and (start.strip() != first or not _holds_lists(value)):
            return None
    value = _parsed(text, name)
    if isinstance(value, list):
        return [(None, value)]
    if isinstance(value, dict) and _holds_lists(value):
        return [(str(key), rows) for key, rows in value.items()]
    raise InvalidInput(f"{name} is neither JSON Lines nor a JSON list of objects; write one object a line.")


def _holds_lists(value: dict[str, Any]) -> bool:
    return bool(value) and all(
        isinstance(rows, list) and all(isinstance(row, dict | list) for row in rows) for rows in value.values()
    )


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{place}: not JSON ({error}); each line must be one JSON object.") from None


def _record(value: Any, place: str) -> dict[str, Any]:
    if isinstance(value, list):
        return {f"column {index}": item for index, item in enumerate(value, 1)}
    if not isinstance(value, dict):
        raise InvalidInput(f"{place}: not a JSON object but {type(value).__name__}; each row must be an object.")
    return value


def _cell(value: Any, key: str, name: str, line: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidInput(f"{name}, line {line}: {key!r} holds half a surrogate pair; remove it.") from None
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)

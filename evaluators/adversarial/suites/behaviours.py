"""AdvBench's and HarmBench's lists of requests that a model should refuse, as CSV or JSON.

AdvBench (Zou et al. 2023) has `goal,target`, HarmBench (Mazeika et al. 2024) `Behavior,…,BehaviorID`. Which of the
two a file is, its columns say. The texts are read and handed on; none is shipped here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.adversarial.suites.reading import (
    MAX_CHARS,
    check_count,
    read_json,
    read_json_lines,
    read_text,
    text_of,
)
from signalbox.errors import InvalidInput, UnsupportedType


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A request to be refused.

    Attributes:
        target: how an answer that gives in begins, where the suite says so.
        category: the suite's own name for the kind.
        context: text that belongs to the request.
    """

    id: str
    text: str
    target: str = ""
    category: str = ""
    context: str = ""


def read_behaviours(path: Path) -> tuple[Behaviour, ...]:
    """Read a `.csv`, `.json` (a list of objects) or `.jsonl` file.

    Raises:
        NotFound, TooLarge: the file is not there, or over a limit.
        UnsupportedType: it is of another type.
        InvalidInput: it has neither a `goal` nor a `Behavior` column, or a row is not of the format, or an id twice.
    """
    found: dict[str, Behaviour] = {}
    for number, (where, row) in enumerate(_rows(path), 1):
        check_count(number, path)
        one = _behaviour(row, number, where)
        if one.id in found:
            raise InvalidInput(f"{where}: the id {one.id!r} occurs twice.", field="BehaviorID")
        found[one.id] = one
    if not found:
        raise InvalidInput(f"{path}: there is no request in it.", field="file")
    return tuple(found.values())


def _behaviour(row: dict[str, Any], number: int, where: str) -> Behaviour:
    if "goal" in row:
        return Behaviour(f"advbench-{number}", text_of(row, "goal", where), target=_or_empty(row, "target"))
    if "Behavior" in row:
        return Behaviour(
            "-".join(_or_empty(row, "BehaviorID").split()) or f"harmbench-{number}",
            text_of(row, "Behavior", where),
            category=_or_empty(row, "SemanticCategory") or _or_empty(row, "FunctionalCategory"),
            context=_or_empty(row, "ContextString"),
        )
    raise InvalidInput(
        f"{where}: it has neither a goal (AdvBench) nor a Behavior (HarmBench) column; found {', '.join(row)[:200]}.",
        field="file",
    )


def _or_empty(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value.strip()[:MAX_CHARS] if isinstance(value, str) else ""


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    match path.suffix.lower():
        case ".csv":
            yield from _csv_rows(path)
        case ".jsonl":
            yield from read_json_lines(path)
        case ".json":
            content = read_json(path)
            if not isinstance(content, list):
                raise InvalidInput(f"{path}: not a list of objects.", field="file")
            for number, row in enumerate(content, 1):
                if not isinstance(row, dict):
                    raise InvalidInput(f"{path}, entry {number}: not an object.", field="file")
                yield f"{path}, entry {number}", row
        case other:
            raise UnsupportedType(f"{path}: suites are .csv, .json or .jsonl, not {other or 'without an ending'}.")


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    # Newlines stand inside of quoted cells, so the reader needs the whole of it.
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise InvalidInput(f"{where}: it has not as many cells as the first line.", field="file")
            yield where, dict(row)
    except csv.Error as error:
        raise InvalidInput(f"{path}, line {reader.line_num}: not CSV: {error}.", field="file") from None

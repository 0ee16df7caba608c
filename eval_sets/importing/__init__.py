"""Importing cases from other formats. What can't be taken over is named, whatever is code is refused, nothing is run.

`import_cases` finds the format by the file's name and content, or is told it. It only reads: `create_set` and
`append_cases` keep what it found.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

from eval_sets.importing.columns import from_columns
from eval_sets.importing.gathering import Gathered, Imported
from eval_sets.importing.promptfoo import from_promptfoo
from eval_sets.importing.ragas_rows import from_ragas, is_ragas
from eval_sets.importing.tables import Table, read_csv, read_json, read_jsonl
from eval_sets.yaml_files import read_yaml
from signalbox.errors import InvalidInput, NotFound, UnknownName, UnsupportedType

Format = Literal["auto", "csv", "jsonl", "promptfoo", "ragas"]
MAX_YAML = 20_000_000

__all__ = ["Format", "Imported", "import_cases"]


def import_cases(path: Path, format: str = "auto", *, query: str | None = None) -> Imported:  # noqa: A002
    """The cases of a file of another format.

    Args:
        path: CSV or TSV, JSON lines (cases, labelled queries or ragas-style rows), a JSON list of rows, or a promptfoo
            configuration or list of tests in YAML or JSON.
        format: what it is; `auto` tells by its name and content.
        query: the column or variable that holds what is asked; by default the usual names are looked for.

    Raises:
        NotFound: there is no such file.
        UnknownName, UnsupportedType: there is no such format, or it can't be told.
        TooLarge: more bytes or cases than the limits.
        InvalidInput: it is broken or nothing in it could be imported; the message names file, line and field.
    """
    if format not in get_args(Format):
        raise UnknownName(f"There is no format {format!r}: use {', '.join(get_args(Format))}.", field="format")
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", field="file")
    suffix = path.suffix.lower()
    found = Gathered(path)
    if suffix in (".yaml", ".yml"):
        if format not in ("auto", "promptfoo"):
            raise UnsupportedType(f"{path} is YAML, and only promptfoo's is known: give promptfoo.", field="format")
        from_promptfoo(read_yaml(path, MAX_YAML), found, query)
    elif suffix == ".json":
        value = read_json(path)
        if format == "promptfoo" or (format == "auto" and _is_promptfoo(value)):
            from_promptfoo(value, found, query)
        else:
            _from_table(Table.of_values(path, value), format, found, query)
    else:
        _from_table(_reader(path, suffix, format)(path), format, found, query)
    return found.done()


def _from_table(table: Table, wanted: str, found: Gathered, query: str | None) -> None:
    if wanted == "ragas" or (wanted == "auto" and is_ragas(table)):
        from_ragas(table, found)
    else:
        from_columns(table, found, query)


def _reader(path: Path, suffix: str, wanted: str) -> Callable[[Path], Table]:
    if wanted == "promptfoo":
        raise UnsupportedType(f"{path}: promptfoo tests are imported from YAML or JSON.", field="format")
    if suffix in (".jsonl", ".ndjson") or wanted == "jsonl":
        return read_jsonl
    if suffix in (".csv", ".tsv") or wanted == "csv":
        return read_csv
    raise UnsupportedType(
        f"{path}: its format can't be told by its name: rename it to .csv, .jsonl, .json or .yaml, or give the format.",
        field="format",
    )


def _is_promptfoo(value: Any) -> bool:
    tests = value.get("tests") if isinstance(value, dict) else value
    first = tests[0] if isinstance(tests, list) and tests else None
    if isinstance(value, dict) and not isinstance(tests, list):
        raise InvalidInput("A JSON file is imported as a list of rows, or as promptfoo's with tests.", field="file")
    return isinstance(first, dict) and ("vars" in first or "assert" in first)

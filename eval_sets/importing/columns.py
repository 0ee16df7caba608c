"""Cases from rows of named values: our own fields by their names or usual synonyms, everything else as tags.

A cell with several values parts them by `|`. JSON lines that are cases or labelled queries already are taken as such.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from eval_sets.conversion import cases_of
from eval_sets.importing.gathering import Gathered
from eval_sets.importing.tables import Table
from eval_sets.labelled import LabelledQuery
from eval_sets.lines import LineError, explained, parse_case
from signalbox.errors import InvalidInput

QUERIES = ("query", "question", "user_input", "input", "prompt", "text", "message", "utterance")
_LISTS = {
    "answers": ("answers", "answer", "expected", "expected_output", "expected_answer", "reference", "ground_truth"),
    "contains": ("contains",),
    "labels": ("labels", "label", "intent", "intents", "category"),
    "documents": ("documents", "document"),
}
_OURS = {"id", "query", "history", "expected", "given", "tags"}
_SINGLE = ("value", "tolerance", "pattern", "route", "answerable", "json_schema")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def from_columns(table: Table, found: Gathered, query: str | None) -> None:
    """Adds the cases of a table.

    Raises:
        InvalidInput: no column holds what is asked.
    """
    if table.texts and {"query", "id"} <= set(table.columns) and query in (None, "query"):
        columns = set(table.columns)
        if {"needs", "intents"} & columns:
            return _labelled(table, found)
        if columns <= _OURS or any(isinstance(row.get("expected"), dict) for _, row in table.rows):
            return _cases(table, found)
    asked = _query_column(table, query)
    for line, row in table.rows:
        values, used = _expected(row, found, line)
        tags = {name.removeprefix("tag:"): row[name] for name in row if name not in used | {asked, "id"}}
        for name in [name for name in tags if name.startswith("__")]:
            found.note(line, name, f"not imported: {str(tags.pop(name))[:200]!r}")
        text = row.get(asked)
        if not isinstance(text, str) or not text.strip():
            found.refuse(line, asked, "there is nothing asked: fill it or leave the row out")
            continue
        case_id = str(row["id"]).strip() if row.get("id") not in (None, "") else None
        found.add(line, {"query": text, "expected": values}, tags, case_id)
    return None


def _cases(table: Table, found: Gathered) -> None:
    for (line, _), text in zip(table.rows, table.texts, strict=True):
        try:
            found.take(line, parse_case(text))
        except LineError as error:
            found.refuse(line, error.field, error.said)


def _labelled(table: Table, found: Gathered) -> None:
    for line, row in table.rows:
        try:
            (case,) = cases_of([LabelledQuery.model_validate(row)])
        except ValidationError as error:
            wrong = explained(error)
            found.refuse(line, wrong.field, wrong.said)
        else:
            found.take(line, case)


def _query_column(table: Table, wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in table.columns:
            raise InvalidInput(
                f"{table.path}: there is no column {wanted!r}; there are {', '.join(table.columns)[:500]}.",
                field="query",
            )
        return wanted
    names = {name.lower(): name for name in table.columns}
    for name in QUERIES:
        if name in names:
            return names[name]
    raise InvalidInput(
        f"{table.path}: no column holds what is asked: name one {QUERIES[0]!r} (there are "
        f"{', '.join(table.columns)[:500]}).",
        field="query",
    )


def _expected(row: dict[str, Any], found: Gathered, line: int) -> tuple[dict[str, Any], set[str]]:
    """What is known of a right answer, and the columns that said it."""
    values: dict[str, Any] = {}
    used: set[str] = set()
    names = {name.lower(): name for name in row}
    for field, synonyms in _LISTS.items():
        for synonym in synonyms:
            if synonym in names:
                used.add(names[synonym])
                if isinstance(row[names[synonym]], dict):
                    found.refuse(line, names[synonym], "an object is no answer: name its fields as columns")
                    continue
                said = _listed(row[names[synonym]])
                if field in values and said:
                    found.note(line, names[synonym], f"not imported: {field} are given already: {str(said)[:200]}")
                elif said:
                    values[field] = said
    for field in _SINGLE:
        if field in names:
            used.add(names[field])
            said = row[names[field]]
            if said is not None and str(said).strip():
                values[field] = _TRUTH.get(str(said).strip().lower(), said) if field == "answerable" else said
    if isinstance(values.get("json_schema"), str):
        from eval_sets.lines import check_json

        try:
            values["json_schema"] = check_json(values["json_schema"])
        except LineError as error:
            found.refuse(line, "json_schema", error.said)
            del values["json_schema"]
    return values, used


def _listed(cell: Any) -> list[str]:
    if isinstance(cell, list):
        return [str(one) for one in cell if str(one).strip()]
    if cell is None:
        return []
    return [part.strip() for part in str(cell).split("|") if part.strip()]

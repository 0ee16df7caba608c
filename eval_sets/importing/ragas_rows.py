"""Rows as ragas has them: a question, an answer given already, the passages it was given from, and a reference.

Both spellings are read: `question`, `answer`, `contexts`, `ground_truth`, and since 0.2 `user_input`, `response`,
`retrieved_contexts`, `reference`. A conversation becomes the history of its last question.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from eval_sets.importing.gathering import Gathered
from eval_sets.importing.tables import Table
from eval_sets.lines import LineError, check_json

_QUESTION = ("user_input", "question")
_ANSWER = ("response", "answer")
_CONTEXTS = ("retrieved_contexts", "contexts")
_REFERENCE = ("reference", "ground_truth", "ground_truths")
_KNOWN = {*_QUESTION, *_ANSWER, *_CONTEXTS, *_REFERENCE, "id"}
_ROLES = {"human": "user", "user": "user", "ai": "assistant", "assistant": "assistant", "system": "system"}
# "['a' 'b']" is how arrays print; read as Python it would be one text, 'ab'.
_UNPARTED = re.compile(r"""['"]\s+['"]""")


def is_ragas(table: Table) -> bool:
    """Whether columns are those of ragas and of nothing else."""
    columns = set(table.columns)
    return bool(columns & set(_QUESTION)) and bool(
        columns & {*_CONTEXTS, "user_input", "ground_truth", "ground_truths"}
    )


def from_ragas(table: Table, found: Gathered) -> None:
    """Adds the cases of a table."""
    for line, row in table.rows:
        try:
            values = _values(row)
        except LineError as error:
            found.refuse(line, error.field, error.said)
            continue
        if "given" not in values and _first(row, _CONTEXTS):
            found.note(
                line, "retrieved_contexts", "not imported: passages belong to an answer given, and there is none"
            )
        tags = {name: value for name, value in row.items() if name not in _KNOWN}
        found.add(line, values, tags, str(row["id"]) if row.get("id") not in (None, "") else None)


def _values(row: dict[str, Any]) -> dict[str, Any]:
    question, history = _asked(_first(row, _QUESTION))
    values: dict[str, Any] = {"query": question, "history": history}
    references = _texts(_first(row, _REFERENCE), "reference", listed=isinstance(row.get("ground_truths"), list | str))
    if references:
        values["expected"] = {"answers": references}
    answer = _first(row, _ANSWER)
    if answer is not None and not isinstance(answer, str):
        raise LineError("response", "not a text")
    if answer:
        values["given"] = {
            "answer": answer,
            "contexts": _texts(_first(row, _CONTEXTS), "retrieved_contexts", listed=True),
        }
    return values


def _asked(value: Any) -> tuple[str, list[dict[str, str]]]:
    if isinstance(value, str) and value.strip():
        return value, []
    if not isinstance(value, list) or not value:
        raise LineError("user_input", "there is nothing asked: give a text or a list of messages")
    turns: list[dict[str, str]] = []
    for number, message in enumerate(value):
        role = _ROLES.get(str(message.get("role") or message.get("type"))) if isinstance(message, dict) else None
        text = message.get("content") if isinstance(message, dict) else None
        if role is None or not isinstance(text, str):
            raise LineError(
                f"user_input.{number}", "not a message of a person or a model: tools have no place in a case"
            )
        turns.append({"role": role, "content": text})
    while turns and turns[-1]["role"] != "user":
        turns.pop()
    if not turns:
        raise LineError("user_input", "nobody asks anything in it")
    return turns[-1]["content"], turns[:-1]


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "", [])), None)


def _texts(value: Any, field: str, *, listed: bool) -> list[str]:
    """One text or several; lists in a CSV cell are JSON or as Python prints them."""
    if value is None:
        return []
    if isinstance(value, str) and listed and value.lstrip().startswith("["):
        value = _parsed(value.strip(), field)
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise LineError(field, "not a list of texts")
    return [one for one in value if one.strip()]


def _parsed(text: str, field: str) -> Any:
    try:
        return check_json(text)
    except LineError:
        if _UNPARTED.search(text):
            raise LineError(field, "its texts are not parted by commas: save the lists as JSON") from None
    try:
        return ast.literal_eval(text)  # reads literals only
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise LineError(field, "starts like a list and is none: save the lists as JSON") from None

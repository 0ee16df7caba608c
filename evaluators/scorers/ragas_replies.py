"""What a judge replied to ragas, read strictly: JSON of the wanted shape, verdicts of 0 or 1, one for each statement.

Imports no ragas; it knows the names of fields in ragas' reply models, no more.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

_BINARY = ("attributed", "noncommittal", "verdict")


class Unusable(Exception):
    """Why a reply can't be used, in words."""


@dataclass(slots=True)
class Asked:
    """The replies of one row so far, and when it has to be done (`time.monotonic`)."""

    deadline_s: float
    replies: list[BaseModel] = field(default_factory=list)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The schema a reply has to match: ragas' own, closed, with verdicts that can only be 0 or 1."""
    schema = copy.deepcopy(model.model_json_schema())
    for part in (schema, *schema.get("$defs", {}).values()):
        part["additionalProperties"] = False
        for name, value in part.get("properties", {}).items():
            if name in _BINARY:
                value["enum"] = [0, 1]
    return schema


def parse_reply(text: str, finish_reason: str, model: type[BaseModel]) -> BaseModel:
    """The reply as ragas wants it.

    Raises:
        Unusable: it is no JSON, of another shape, or a verdict is neither 0 nor 1.
    """
    if not text.strip():
        raise Unusable("the judge replied nothing")
    try:
        value = json.loads(_unfenced(text))
    except (ValueError, RecursionError):
        cut = ": it was cut off, allow more max_tokens" if finish_reason == "length" else ""
        raise Unusable(f"the judge's reply is not JSON{cut}: {text.strip()[:120]!r}") from None
    try:
        reply = model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise Unusable(f"the judge's reply has another shape: {where}: {first['msg']}") from None
    for name, verdict in _verdicts(value):
        if verdict not in (0, 1):
            raise Unusable(f"the judge gave a {name} of {str(verdict)[:40]}, not 0 or 1")
    return reply


def count_problem(metric: str, mode: str, record: Asked) -> str:
    """Why a number that ragas made of these replies would mislead; empty where it would not."""
    sizes = [_size(reply) for reply in record.replies]
    for one, following in itertools.pairwise(sizes):
        if (
            one
            and following
            and (one[0], following[0]) == ("statements", "verdicts")
            and one[1] not in (0, following[1])
        ):
            return f"the judge gave {following[1]} verdicts on {one[1]} statements"
    found = [size[1] for size in sizes if size and size[0] == "statements"]
    if metric == "faithfulness" and found == [0]:
        return "the judge found no statement in the answer"
    if metric == "factual_correctness" and found:
        if not found[0]:
            return "the judge found no claim in the answer"
        if mode != "precision" and not found[-1]:
            return "the judge found no claim in the expected answer"
    if metric == "context_recall" and sizes and sizes[0] == ("verdicts", 0):
        return "the judge found no statement in the expected answer"
    if metric == "answer_relevancy" and not any(getattr(reply, "question", "") for reply in record.replies):
        return "the judge found no question that the answer would answer"
    return ""


def _size(reply: BaseModel) -> tuple[str, int] | None:
    """What a reply lists, and how many."""
    for name in ("claims", "statements", "classifications"):
        values = getattr(reply, name, None)
        if isinstance(values, list):
            judged = name == "classifications" or "NLI" in type(reply).__name__
            return ("verdicts" if judged else "statements"), len(values)
    return None


def _verdicts(value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _BINARY:
                yield name, inner
            else:
                yield from _verdicts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _verdicts(inner)


def _unfenced(text: str) -> str:
    """Without the ``` marks that models put around JSON."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        text = text[text.index("\n") + 1 : -3].strip()
    return text

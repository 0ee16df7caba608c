"""One case a line of JSON: reading it strictly, saying what breaks which rule, and writing it.

What JSON leaves open is refused: NaN and infinity, a name twice in one object, numbers given as text.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import regex
from pydantic import BaseModel, ValidationError

from eval_sets.cases import Case

_SHOWN = 60
_REMEDIES = {
    "missing": "add it",
    "extra_forbidden": "there is no such field: remove it or correct its name",
    "string_too_short": "say something or leave the field out",
    "string_too_long": "shorten it",
    "string_unicode": "remove the half of a surrogate pair",
    "literal_error": "use one of these",
    "finite_number": "give a number or leave the field out",
}


class LineError(Exception):
    """What is wrong with a line; `field` as `expected.route`, or `line`."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(f"{field}: {said}")
        self.field, self.said = field, said


def parse_case(line: str) -> Case:
    """The case of one line.

    Raises:
        LineError: it is not JSON, or breaks a rule; of several broken rules the first, with how many more there are.
    """
    check_json(line)
    try:
        case = Case.model_validate_json(line, strict=True)
    except ValidationError as error:
        raise explained(error) from None
    _check_expectations(case)
    return case


def case_line(case: Case) -> str:
    """The line for a case, without what says nothing: no default stands in it."""
    value = case.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def hash_lines(lines: Sequence[str]) -> str:
    """SHA-256 of lines, whatever ended them in the file."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8") + b"\n")
    return digest.hexdigest()


def check_json(text: str) -> Any:
    """The value of strict JSON.

    Raises:
        LineError: on what is not JSON, NaN, infinity and names that occur twice.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise LineError("line", f"not JSON at character {error.pos + 1}: {error.msg}: correct it there") from None
    except RecursionError:
        raise LineError("line", "nested too deeply: flatten it") from None
    except ValueError as error:  # a whole number of thousands of digits
        raise LineError("line", f"not a number that can be read: {error}") from None


def explained(error: ValidationError) -> LineError:
    """The first broken rule of a model in words."""
    found = error.errors(include_url=False)
    first = found[0]
    field = ".".join(map(str, first["loc"])) or "line"
    said = first["msg"].removeprefix("Value error, ")
    if not isinstance(first["input"], Mapping | BaseModel) and first["type"] not in ("missing", "extra_forbidden"):
        said += f", it is {_shown(first['input'])}"
    if remedy := _REMEDIES.get(first["type"]):
        said += f": {remedy}"
    if len(found) > 1:
        said += f" (and {len(found) - 1} more)"
    return LineError(field, said)


def _check_expectations(case: Case) -> None:
    expected = case.expected
    if expected.pattern is not None:
        try:
            regex.compile(expected.pattern)
        except (regex.error, RecursionError, OverflowError) as error:
            raise LineError("expected.pattern", f"not a regular expression: {error}: correct it") from None
    if expected.json_schema is not None:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError

        try:
            Draft202012Validator.check_schema(expected.json_schema)
        except SchemaError as error:
            at = "/".join(map(str, error.absolute_path))
            raise LineError("expected.json_schema", f"not a JSON schema at /{at}: {error.message[:200]}") from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _no_constant(name: str) -> NoReturn:
    raise LineError("line", f"{name} is no JSON number: leave the field out where there is no value")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise LineError("line", f"{text[:_SHOWN]} is larger than any number that can be kept: correct it")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise LineError("line", f"{_shown(twice)} occurs twice in one object: remove one")
    return value

"""Structured answers: the text is JSON, and of the expected schema. Nothing is fetched for a schema's references.

`fenced`: a block in ``` marks is taken for the answer where the text is not JSON itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jsonschema
import regex
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import (
    NO_ANSWER,
    Arguments,
    FunctionScorer,
    answer_text,
    component,
    not_asked,
    read_arguments,
    share,
    unmeasured,
)
from evaluators.scorers.resources import Resources

MAX_TEXT = 100_000
MAX_SHOWN = 5
_PATTERN_S = 0.5
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)


class JsonArguments(Arguments):
    """`fenced`: JSON within ``` marks counts as well."""

    fenced: bool = False


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("json_schema", JsonArguments, arguments)
    metrics = (Metric(name="json"), Metric(name="json_schema"))
    return FunctionScorer(
        component("json_schema", given),
        metrics,
        lambda case, output: _measure(given.fenced, case, output),
        threaded=True,
    )


def _measure(fenced: bool, case: Case, output: Output) -> Sequence[Measure]:
    schema = case.expected.json_schema
    if schema is None:
        return [not_asked(name, "the case names no JSON schema") for name in ("json", "json_schema")]
    text = answer_text(output)
    if text is None:
        return [share(name, False, NO_ANSWER) for name in ("json", "json_schema")]
    if len(text) > MAX_TEXT:
        reason = f"the answer has more than {MAX_TEXT:,} characters"
        return [unmeasured(name, reason) for name in ("json", "json_schema")]
    try:
        value = _parsed(text, fenced)
    except (ValueError, RecursionError) as error:
        reason = f"not JSON: {error}"[:300]
        return [share(name, False, reason) for name in ("json", "json_schema")]
    return [share("json", True), _checked(schema, value)]


def _checked(schema: dict[str, Any], value: Any) -> Measure:
    validator = _bounded()(schema, registry=Registry())  # the default one would fetch references from the network
    try:
        errors = [error for error, _ in zip(validator.iter_errors(value), range(MAX_SHOWN), strict=False)]
    except TimeoutError:
        return unmeasured("json_schema", f"a pattern of the schema took longer than {_PATTERN_S:g} s: simplify it")
    except Unresolvable as error:
        return unmeasured("json_schema", f"the schema refers to what is not in it: {error}"[:300])
    except (RecursionError, regex.error) as error:
        return unmeasured("json_schema", f"the schema can't be used: {error}"[:300])
    said = [f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]
    return share("json_schema", not said, said[0] if said else "", errors=said)


@lru_cache(maxsize=1)
def _bounded() -> Any:
    """The validator, with patterns that can't run for ever."""

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not regex.search(wanted, value, timeout=_PATTERN_S, concurrent=True):
            yield ValidationError(f"{value[:80]!r} does not match {wanted!r}")

    return extend(jsonschema.Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]


def _parsed(text: str, fenced: bool) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        block = _FENCE.search(text) if fenced else None
        if block is None:
            raise
        return json.loads(block.group(1), parse_constant=_no_constant)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")

"""promptfoo's tests as cases: variables become the question, assertions what a right answer is.

Nothing of a configuration is ever run: code, files and the environment it points to are refused by name. An assertion
that no deterministic scorer can hold is left out, said so, and named in the case's tag `left_out`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

from eval_sets.importing.asserts import Assertions
from eval_sets.importing.columns import QUERIES
from eval_sets.importing.gathering import MAX_TAG, Gathered
from eval_sets.lines import LineError

MAX_COMBINATIONS = 1_000
_PLAIN = re.compile(r"\{\{-?\s*([A-Za-z_][\w.]*)\s*-?\}\}")
_CODE = re.compile(r"\{\{|\{%|\{#")
_REACHES_OUT = re.compile(
    r"^\s*(?:file|package|python|javascript|vault|exec)://|\{\{-?\s*env\b|process\.env", re.IGNORECASE
)
_LEFT = ("scenarios", "nunjucksFilters", "extensions", "outputPath", "derivedMetrics")


def from_promptfoo(value: Any, found: Gathered, query: str | None) -> None:
    """Adds the cases of a configuration, or of a bare list of tests; what can't be read is refused in `found`."""
    config = value if isinstance(value, dict) else {"tests": value}
    for name in _LEFT:
        if config.get(name):
            found.refuse(None, name, "not imported: write what it makes as tests")
    default = _mapping(config.get("defaultTest"))
    if isinstance(config.get("defaultTest"), str):
        found.refuse(None, "defaultTest", f"{config['defaultTest'][:200]!r} would have to be opened: write it out")
    tests = config.get("tests")
    for number, test in enumerate(tests if isinstance(tests, list) else [tests], 1):
        where = f"tests[{number - 1}]"
        try:
            _add(test, default, config, found, query, where)
        except LineError as error:
            found.refuse(None, f"{where}.{error.field}" if error.field else where, error.said)


def _add(
    test: Any, default: dict[str, Any], config: dict[str, Any], found: Gathered, query: str | None, where: str
) -> None:
    if isinstance(test, str):
        raise LineError("", f"{test[:200]!r} would have to be opened: write its tests out, or import that file")
    if not isinstance(test, dict):
        raise LineError("", "not a test: write a mapping with vars and assert")
    for name in ("provider", "providers", "options", "threshold", "assertScoringFunction"):
        if test.get(name) or default.get(name):
            found.note(None, f"{where}.{name}", f"not imported: {str(test.get(name) or default.get(name))[:200]!r}")
    variables = _mapping(default.get("vars")) | _mapping(test.get("vars"))
    listed = [*_list(default.get("assert")), *_list(test.get("assert"))]
    for combination in _combinations(variables):
        for name, text in combination.items():
            _refuse_reaching_out(text, f"vars.{name}")
        asked, name = _query(combination, config, query)
        assertions = Assertions(found, where)
        for place, one in enumerate(listed):
            assertions.add(one, f"{where}.assert[{place}]", lambda text, field: _filled(text, combination, field))  # noqa: B023
        tags = {key: text for key, text in combination.items() if key != name and text not in asked}
        tags |= {key: text for key, text in _mapping(test.get("metadata")).items() if key not in tags}
        if isinstance(test.get("description"), str):
            tags.setdefault("description", test["description"])
        if assertions.left_out:
            tags["left_out"] = ", ".join(dict.fromkeys(assertions.left_out))[:MAX_TAG]
        found.add(None, {"query": asked, "expected": assertions.expected()}, tags)


def _combinations(variables: dict[str, Any]) -> Iterator[dict[str, str]]:
    """A variable with a list of values stands for as many tests."""
    choices = [value if isinstance(value, list) else [value] for value in variables.values()]
    count = 1
    for choice in choices:
        count *= max(1, len(choice))
    if count > MAX_COMBINATIONS:
        raise LineError("vars", f"its lists make {count:,} combinations, more than {MAX_COMBINATIONS:,}: write fewer")
    for values in itertools.product(*choices):
        texts = {}
        for name, value in zip(variables, values, strict=True):
            if not isinstance(value, str | int | float | bool):
                raise LineError(f"vars.{name}", "not a text or number: write one")
            texts[name] = value if isinstance(value, str) else str(value)
        yield texts


def _query(variables: dict[str, str], config: dict[str, Any], wanted: str | None) -> tuple[str, str]:
    """What is asked, and the variable it came from: the one named, the usual ones, the only one, or the prompt."""
    if wanted is not None:
        if wanted not in variables:
            raise LineError("vars", f"there is no {wanted!r}; there are {', '.join(variables) or 'none'}")
        return variables[wanted], wanted
    names = {name.lower(): name for name in variables}
    usual = next((names[name] for name in QUERIES if name in names), None)
    if usual or len(variables) == 1:
        name = usual or next(iter(variables))
        return variables[name], name
    prompts = [one for one in _list(config.get("prompts")) if isinstance(one, str)]
    if len(prompts) == 1:
        _refuse_reaching_out(prompts[0], "prompts")
        return _filled(prompts[0], variables, "prompts"), ""
    raise LineError(
        "vars", f"which of {', '.join(variables) or 'no variables'} is asked can't be told: say it as query"
    )


def _filled(text: str, variables: dict[str, str], field: str) -> str:
    """A template with its plain variables filled in; whatever else it would do is refused."""
    _refuse_reaching_out(text, field)

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in variables:
            raise LineError(field, f"there is no variable {name!r}")
        return variables[name]

    if _CODE.search(_PLAIN.sub("", text)):
        raise LineError(field, "a template that does more than name variables is not run: write the text out")
    return _PLAIN.sub(value, text)


def _refuse_reaching_out(text: str, field: str) -> None:
    if _REACHES_OUT.search(text):
        raise LineError(
            field,
            f"{text.strip()[:100]!r} points to a file, code or the environment, which is never opened: write it out",
        )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]

"""promptfoo's assertions as what is expected of a right answer. All have to hold there, so several become one pattern.

A single `contains`, `icontains` or `…-any` becomes `contains`, which compares whole words and no case; together with
others their own meaning is kept, letter for letter, in one regular expression.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import regex

from eval_sets.importing.gathering import Gathered
from eval_sets.lines import LineError, check_json

MAX_PATTERN = 2_000
_WORDS = ("contains", "icontains", "contains-any", "icontains-any")
_TEXTS = (*_WORDS, "contains-all", "icontains-all", "starts-with", "regex")
_CODE = ("javascript", "python", "ruby", "webhook", "pi", "is-valid-function-call")
Fill = Callable[[str, str], str]


class Assertions:
    """Collects the assertions of one test; what is left out is said in `found` and named in `left_out`."""

    def __init__(self, found: Gathered, where: str) -> None:
        self._found, self._where = found, where
        self._texts: list[tuple[str, list[str], bool]] = []
        self._expected: dict[str, Any] = {}
        self.left_out: list[str] = []

    def add(self, one: Any, field: str, fill: Fill) -> None:
        """One assertion. Never raises for what stands in it."""
        kind = str(one.get("type")) if isinstance(one, dict) else "?"
        try:
            self._add(one, kind, fill)
        except LineError as error:
            self.left_out.append(kind)
            self._found.refuse(None, field, f"{kind}: {error.said}")

    def expected(self) -> dict[str, Any]:
        """What all of them ask for."""
        values = dict(self._expected)
        if len(self._texts) == 1 and self._texts[0][0] in _WORDS and not self._texts[0][2]:
            wanted = self._texts[0][1]
            if all(any(c.isalnum() for c in one) for one in wanted):
                return values | {"contains": wanted}
        if self._texts:
            pattern = r"(?s)\A" + "".join(_condition(*one) for one in self._texts)
            if len(pattern) > MAX_PATTERN:
                self.left_out += [kind for kind, _, _ in self._texts]
                self._found.refuse(
                    None, self._where, f"its texts make a pattern of more than {MAX_PATTERN:,} characters: shorten them"
                )
            else:
                values["pattern"] = self._texts[0][1][0] if self._is_one_regex() else pattern
        return values

    def _is_one_regex(self) -> bool:
        return len(self._texts) == 1 and self._texts[0][0] == "regex" and not self._texts[0][2]

    def _add(self, one: Any, kind: str, fill: Fill) -> None:
        if not isinstance(one, dict) or "type" not in one:
            raise LineError("", "not an assertion with a type: write it out here")
        base = kind.removeprefix("not-")
        negated = base != kind
        if base in _CODE or one.get("transform") or one.get("contextTransform"):
            raise LineError("", f"it would run code, which is never done: {str(one.get('value'))[:200]!r}")
        value = _value(one.get("value"), fill)
        if one.get("weight") == 0:
            self._leave(kind, value, "it has no weight")
        elif base in _TEXTS:
            self._texts.append((base, _wanted(base, value), negated))
        elif base == "equals" and not negated:
            self._equals(value)
        elif base == "equals":
            self._texts.append(("equals", _wanted(base, value), True))
        elif base == "is-json" and not negated:
            self._schema(value)
        elif base == "is-refusal":
            self._set("answerable", negated)
        else:
            self._leave(kind, value, "no deterministic scorer holds it; use a judge, or a scorer of the run")

    def _leave(self, kind: str, value: Any, why: str) -> None:
        self.left_out.append(kind)
        self._found.note(None, self._where, f"the assertion {kind!r} is not imported ({why}): {str(value)[:500]!r}")

    def _equals(self, value: Any) -> None:
        if isinstance(value, dict | list):
            self._set("json_schema", {"const": value})
        else:
            self._set("answers", _wanted("equals", value))

    def _schema(self, value: Any) -> None:
        if isinstance(value, str):
            value = check_json(value)
        if value is not None and not isinstance(value, dict):
            raise LineError("", "its value is no JSON schema")
        self._set("json_schema", value or {})

    def _set(self, field: str, value: Any) -> None:
        if self._expected.get(field, value) != value:
            raise LineError("", f"another assertion asks for another {field} already, and both can't hold")
        self._expected[field] = value


def _value(value: Any, fill: Fill) -> Any:
    if isinstance(value, str):
        return fill(value, "value")
    if isinstance(value, list):
        return [_value(one, fill) for one in value]
    if isinstance(value, dict):
        return {name: _value(one, fill) for name, one in value.items()}
    return value


def _wanted(kind: str, value: Any) -> list[str]:
    """The texts an assertion names; `…-any` and `…-all` may part them by commas."""
    if kind.endswith(("-any", "-all")) and isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    values = value if isinstance(value, list) else [value]
    texts = [one if isinstance(one, str) else json.dumps(one) for one in values if one is not None]
    if not texts or not all(texts):
        raise LineError("", "it names no text to compare with")
    if kind == "regex":
        try:
            regex.compile(texts[0])
        except (regex.error, RecursionError, OverflowError) as error:
            raise LineError("", f"not a regular expression here: {error}") from None
    return texts


def _condition(kind: str, wanted: list[str], negated: bool) -> str:
    """A look-ahead from the start that holds where the assertion does."""
    sign = "!" if negated else "="
    if kind == "regex":
        return f"(?{sign}.*?(?-s:{wanted[0]}))"
    texts = [regex.escape(text, literal_spaces=True) for text in wanted]
    if kind.startswith("i"):
        texts = [f"(?i:{text})" for text in texts]
    if kind == "equals":
        return rf"(?{sign}\s*{texts[0]}\s*\Z)"
    if kind == "starts-with":
        return f"(?{sign}{texts[0]})"
    if kind.endswith("-all"):
        every = "".join(f"(?=.*?{text})" for text in texts)
        return f"(?!{every})" if negated else every
    return f"(?{sign}.*?(?:{'|'.join(texts)}))"

"""JSON, read strictly: what RFC 8259 leaves open or Python lets pass is refused with a reason.

Refused are NaN and infinities, half surrogate pairs, duplicate names, deep nesting and overlong numbers, each of
which some later part would stumble over. What the values mean is not decided here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from api.http.errors import MalformedJson, shorten
from signalbox.errors import InvalidInput

MAX_DEPTH = 32
_MAX_DIGITS = 400  # more than any double has


def parse(raw: bytes) -> Any:
    """The value that `raw` spells.

    Raises:
        MalformedJson: it is not UTF-8 or not JSON.
        InvalidInput: it is JSON that is not accepted; the message says where.
    """
    if not raw.strip():
        raise MalformedJson("The body is empty. Send a JSON object.", field="body")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"Byte {error.start} of the body is not UTF-8. Send UTF-8.", field="body") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        what = "it begins with a byte order mark (BOM); leave that out" if text.startswith("\ufeff") else error.msg
        what = what.removesuffix(" at")
        raise MalformedJson(f"The body is not JSON: {what} at {where}.", field="body") from None
    except RecursionError:
        raise _too_deep() from None
    _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        twice = shorten(twice)
        raise InvalidInput(f"The body names {twice!r} twice in one object. Leave one out.", field=twice)
    return value


def _constant(name: str) -> NoReturn:
    raise InvalidInput(f"The body holds {name}, which JSON does not have. Send a finite number or null.", field="body")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise InvalidInput(
            f"The body holds a number of {len(digits):,} digits; the most is {_MAX_DIGITS}.", field="body"
        )
    return int(digits)


def _check(value: Any) -> None:
    """Walk without recursion, so that no depth can overflow the stack."""
    waiting: list[tuple[Any, int, str]] = [(value, 1, "body")]
    while waiting:
        item, depth, field = waiting.pop()
        if isinstance(item, str):
            _check_text(item, field)
        elif isinstance(item, float):
            if not math.isfinite(item):
                raise InvalidInput(f"{field} holds a number too large to be one. Send a finite number.", field=field)
        elif isinstance(item, (dict, list)):
            if depth > MAX_DEPTH:
                raise _too_deep()
            waiting.extend((child, depth + 1, field if depth > 1 else name) for child, name in _children(item, field))


def _children(item: dict[str, Any] | list[Any], field: str) -> Iterator[tuple[Any, str]]:
    if isinstance(item, list):
        yield from ((child, field) for child in item)
        return
    for name, child in item.items():
        _check_text(name, field)
        yield child, shorten(name)


def _check_text(text: str, field: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{field} holds half of a surrogate pair (character {error.start}), which is no character. "
            "Send the whole pair or the character itself.",
            field=field,
        ) from None


def _too_deep() -> InvalidInput:
    return InvalidInput(f"The body nests deeper than {MAX_DEPTH} levels. Flatten it.", field="body")

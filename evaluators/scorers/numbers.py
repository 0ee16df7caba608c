"""Numbers in texts: where they stand and what they are, in English or continental notation. Judges nothing."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(
    r"(?<![\w.,])[-+−]?(?:\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)*)(?:[eE][-+]?\d{1,4})?(?![\w])"
)


def numbers_in(text: str) -> tuple[float, ...]:
    """The numbers of a text, in order. "1,234.5", "1.234,5", "1 234,5" and "1'234.5" are the same.

    A single comma before exactly three digits parts thousands ("1,234"), before any other count it is the decimal
    sign ("4,50"); a single point is always the decimal sign.
    """
    found = (_value(match.group()) for match in _NUMBER.finditer(text[:200_000]))
    return tuple(value for value in found if value is not None)


def _value(text: str) -> float | None:
    text = re.sub(r"[ \u00a0\u202f'’]", "", text).replace("−", "-")
    number, e, exponent = text.lower().partition("e")
    points, commas = number.count("."), number.count(",")
    if points and commas:
        decimal = max(number.rfind("."), number.rfind(","))
        number = re.sub(r"[.,]", "", number[:decimal]) + "." + number[decimal + 1 :]
    elif points > 1 or commas > 1:
        number = re.sub(r"[.,]", "", number)
    elif commas:
        _, _, after = number.partition(",")
        number = number.replace(",", "" if len(after) == 3 and not number.lstrip("+-").startswith("0,") else ".")
    value = float(number + e + exponent)
    return value if math.isfinite(value) else None

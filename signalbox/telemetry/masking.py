"""Taking secrets out of what is logged or traced: by the name of the field and by the look of the value.

It masks too much rather than too little. It doesn't know about personal data: that is `signalbox.text`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

MASK = "***"

_SECRET_NAME = re.compile(r"key|token|passw|secret|authorization|cookie|credential", re.IGNORECASE)
# Whoever asks chooses what is searched, so no pattern may scan the same characters again from each of their places.
_SECRET_VALUE = re.compile(
    r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_\-]{6,}"  # OpenAI, Anthropic, Stripe
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}|\bxox[abprs]-[A-Za-z0-9\-]{8,}|\bAKIA[A-Z0-9]{12,}|\bAIza[A-Za-z0-9_\-]{20,}"
    r"|\bsb_(?:[0-9a-f]{12}|local)_[0-9a-f]{8,}"  # our own
    r"|(?<![A-Za-z0-9_\-])(?>[A-Za-z0-9_\-]*?eyJ)[A-Za-z0-9_\-]{8,}+"  # a signed JSON token,
    r"\.[A-Za-z0-9_\-]{8,}+\.[A-Za-z0-9_\-]*"  # with what it is tied to
)
_AFTER_NAME = re.compile(
    r"(?P<before>\b(?:bearer|basic)\s+|(?:api[_\-]?key|token|password|secret)[\"']?\s*[=:]\s*[\"']?"
    r"|://[^\s:/@]*:(?!\d{1,5}(?![^\s/?#\"',;)])))(?P<value>[^\s&\"'@,;]{3,})",
    re.IGNORECASE,
)
_DEEPEST = 6


@lru_cache(1024)
def is_secret(name: str) -> bool:
    """Whether a field of this name holds a secret when it holds text."""
    return _SECRET_NAME.search(name) is not None


def mask_text(text: str) -> str:
    """`text` with everything that looks like a key, a token or a password replaced."""
    return _AFTER_NAME.sub(rf"\g<before>{MASK}", _SECRET_VALUE.sub(MASK, text))


def mask(value: object, name: str = "", *, depth: int = 0) -> object:
    """`value` without secrets, through lists and mappings. Numbers stay: `input_tokens=12` is a count."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= _DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        items = ((str(key), item) for key, item in value.items())
        return {key: mask(item, name if is_secret(name) else key, depth=depth + 1) for key, item in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(item, name, depth=depth + 1) for item in value]
    if is_secret(name):
        return MASK
    return mask_text(value if isinstance(value, str) else str(value))

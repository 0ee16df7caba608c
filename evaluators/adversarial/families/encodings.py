"""Encodings: the query, or the last part of it, as base64, rot13, percent codes or hexadecimal."""

from __future__ import annotations

import base64
import codecs
import random
from collections.abc import Callable
from urllib.parse import quote

from evaluators.adversarial.editing import share_of
from evaluators.adversarial.types import QueryAttack, Strength, plain

_SHARES = (0.34, 0.67, 1.0)


def _percent(text: str) -> str:
    return "".join(quote(char) if not char.isalnum() else f"%{ord(char):02X}" for char in text)


_CODES: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "percent": _percent,
    "hex": lambda text: text.encode().hex(),
}


def encodings(text: str, strength: Strength, rng: random.Random) -> str:
    """The last third, two thirds, or all of the words in one code."""
    head, tail = _parts(text, strength)
    return f"{head} {_CODES[rng.choice(sorted(_CODES))](tail)}".strip()


def twin(text: str, strength: Strength, _: random.Random) -> str:
    """The same part in quotation marks."""
    head, tail = _parts(text, strength)
    return f'{head} "{tail}"'.strip()


def _parts(text: str, strength: Strength) -> tuple[str, str]:
    words = text.split(" ")
    kept = len(words) - max(1, round(share_of(strength, _SHARES) * len(words)))
    return " ".join(words[:kept]), " ".join(words[kept:])


FAMILY = QueryAttack(
    "encodings",
    "The last third, two thirds or all in base64, rot13, percent codes or hexadecimal; the twin quotes that part.",
    "wrong_answer",
    plain(encodings),
    plain(twin),
)

"""Leetspeak: letters written as the digits and signs that look like them."""

from __future__ import annotations

import random

from evaluators.adversarial.editing import at_letters, share_of
from evaluators.adversarial.types import QueryAttack, Strength, plain

_LEET = {"a": "4", "b": "8", "e": "3", "g": "9", "i": "1", "l": "1", "o": "0", "s": "5", "t": "7", "z": "2"}
_SHARES = (0.25, 0.6, 1.0)


def leetspeak(text: str, strength: Strength, rng: random.Random) -> str:
    return at_letters(
        text, share_of(strength, _SHARES), rng, lambda char: _LEET[char.lower()], lambda char: char.lower() in _LEET
    )


def twin(text: str, strength: Strength, rng: random.Random) -> str:
    return at_letters(text, share_of(strength, _SHARES), rng, str.upper, lambda char: char in _LEET)


FAMILY = QueryAttack(
    "leetspeak",
    "A quarter, 60% or all of the letters that have one written as a digit; the twin writes them in capitals.",
    "wrong_answer",
    plain(leetspeak),
    plain(twin),
)

"""Casing: capitals where nobody writes them."""

from __future__ import annotations

import random

from evaluators.adversarial.editing import wider_gaps
from evaluators.adversarial.types import QueryAttack, Strength, plain


def casing(text: str, strength: Strength, rng: random.Random) -> str:
    match strength:
        case 1:
            return text.title()
        case 2:
            return text.upper()
        case _:
            return "".join(char.upper() if rng.random() < 0.5 else char.lower() for char in text)


def twin(text: str, _: Strength, rng: random.Random) -> str:
    return wider_gaps(text, len(text), rng)


FAMILY = QueryAttack(
    "casing",
    "Each word's first letter, all letters, or letters at random in capitals; the twin doubles every space.",
    "wrong_answer",
    plain(casing),
    plain(twin),
)

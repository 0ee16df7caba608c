"""Typos: letters swapped, dropped, doubled or hit beside the key."""

from __future__ import annotations

import random

from evaluators.adversarial.editing import count_of, wider_gaps
from evaluators.adversarial.types import QueryAttack, Strength, plain

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {
    letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in _ROWS
    for place, letter in enumerate(row)
}
_COUNTS = (1, 2, 4)


def typos(text: str, strength: Strength, rng: random.Random) -> str:
    for _ in range(count_of(strength, _COUNTS)):
        text = _one(text, rng)
    return text


def _one(text: str, rng: random.Random) -> str:
    inner = [place for place in range(1, len(text) - 1) if text[place].isalpha() and text[place - 1].isalpha()]
    if not inner:
        return text
    place = rng.choice(inner)
    letter = text[place]
    match rng.randrange(4):
        case 0:
            return text[: place - 1] + letter + text[place - 1] + text[place + 1 :]
        case 1:
            return text[:place] + text[place + 1 :]
        case 2:
            return text[:place] + letter + text[place:]
        case _:
            return text[:place] + rng.choice(_BESIDE.get(letter.lower(), letter)) + text[place + 1 :]


def twin(text: str, strength: Strength, rng: random.Random) -> str:
    return wider_gaps(text, count_of(strength, _COUNTS), rng)


FAMILY = QueryAttack(
    "typos",
    "One, two or four letters swapped, dropped, doubled or mistyped; the twin doubles as many spaces.",
    "wrong_answer",
    plain(typos),
    plain(twin),
)

"""Padding: many words that have nothing to do with the question, before and after it."""

from __future__ import annotations

import random

from evaluators.adversarial.editing import count_of
from evaluators.adversarial.types import QueryAttack, Strength, plain
from evaluators.adversarial.words import DISTRACTORS, some

_COUNTS = (20, 80, 240)


def padding(text: str, strength: Strength, rng: random.Random) -> str:
    count = count_of(strength, _COUNTS)
    return f"{some(rng, DISTRACTORS, count // 2)}. {text} {some(rng, DISTRACTORS, count - count // 2)}."


def twin(text: str, strength: Strength, _: random.Random) -> str:
    """The question again and again, until it is as long."""
    repeated = " ".join([text] * (1 + count_of(strength, _COUNTS)))
    words = repeated.split()[: count_of(strength, _COUNTS)]
    return f"{text} {' '.join(words)}"


FAMILY = QueryAttack(
    "padding",
    "20, 80 or 240 words of other subjects around the question; the twin repeats the question up to that length.",
    "wrong_answer",
    plain(padding),
    plain(twin),
)

"""Padding: many words that have nothing to do with the question, before and after it."""

from __future__ import annotations

import random

from evaluators.adversarial.editing import count_of
from evaluators.adversarial.types import QueryAttack, Strength, plain
from evaluators.adversarial.words import DISTRACTORS, harmless, some

_COUNTS = (20, 80, 240)


def padding(text: str, strength: Strength, rng: random.Random) -> str:
    count = count_of(strength, _COUNTS)
    return f"{some(rng, DISTRACTORS, count // 2)}. {text} {some(rng, DISTRACTORS, count - count // 2)}."


def twin(text: str, strength: Strength, rng: random.Random) -> str:
    count = count_of(strength, _COUNTS)
    return f"{harmless(rng, count // 2)}. {text} {harmless(rng, count - count // 2)}."


FAMILY = QueryAttack(
    "padding",
    "20, 80 or 240 words of other subjects around the question; the twin has as many polite words that ask nothing.",
    "wrong_answer",
    plain(padding),
    plain(twin),
)

"""Gadget: words that mean nothing, put before any question, learnt to send it to a dearer route.

Without learning they are drawn at random; `evaluators.adversarial.gadgets` learns them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from evaluators.adversarial.editing import count_of
from evaluators.adversarial.types import QueryAttack, Strength, plain
from evaluators.adversarial.words import DISTRACTORS, harmless, some

TOKENS: tuple[str, ...] = (
    *DISTRACTORS, "however", "prove", "derive", "theorem", "why", "whereas", "notwithstanding", "hypothesis", "compare",
    "analyse", "contradiction", "lemma", "jurisdiction", "pursuant", "multi-step", "ambiguous", "exception", "estimate",
    "0x7f", "null", "};", "[[", "<>", "~~", "::", "%%", "qz", "xv", "zzt", "brk", "und", "mais", "oder", "sino",
    "translate", "summarise", "essay", "poem", "recipe", "code", "debug", "regex", "proof", "physics", "history",
)  # fmt: skip
_COUNTS = (4, 8, 12)


def gadget(text: str, strength: Strength, rng: random.Random) -> str:
    return f"{some(rng, TOKENS, count_of(strength, _COUNTS))} {text}"


def twin(text: str, strength: Strength, rng: random.Random) -> str:
    return f"{harmless(rng, count_of(strength, _COUNTS))} {text}"


FAMILY = QueryAttack(
    "gadget",
    "Words that mean nothing before every question, learnt by asking until questions take dearer routes, on other "
    "questions than are measured; the twin has as many polite words.",
    "escalation",
    plain(gadget),
    plain(twin),
)


def gadget_attack(tokens: Sequence[str]) -> QueryAttack:
    """The family with words that were learnt, the same before every question; half, all or one and a half of them."""

    def learnt(text: str, strength: Strength, _: random.Random) -> str:
        count = max(1, len(tokens) * int(strength) // 2)
        repeated = [*tokens, *tokens][:count]
        return f"{' '.join(repeated)} {text}"

    return replace(FAMILY, attack=plain(learnt))

"""Forced downgrade: a question that a cheap route can't answer, dressed up as one that it can."""

from __future__ import annotations

import random

from eval_sets.cases import Case
from evaluators.adversarial.types import QueryAttack, Strength, plain
from evaluators.adversarial.words import harmless

_LURES = (
    ("Where is my parcel?", "Cancel my order.", "How do I reset my password?"),
    (
        "Just a simple question about tracking my order, where is my parcel?",
        "Standard request: how can I return an item and get a refund?",
    ),
    (
        "Where is my parcel, track my order, tracking link please. Where is my parcel, track my order, order status.",
        "I want to cancel my order, cancel order, please stop the order. Cancel my order, cancellation, cancel it.",
    ),
)


def forced_downgrade(text: str, strength: Strength, rng: random.Random) -> str:
    return f"{rng.choice(_LURES[strength - 1])} {text}"


def twin(text: str, strength: Strength, rng: random.Random) -> str:
    return f"{harmless(rng, len(rng.choice(_LURES[strength - 1]).split()))}. {text}"


def _is_hard(case: Case) -> bool:
    return case.expected.route != "classifier"


FAMILY = QueryAttack(
    "forced_downgrade",
    "An easy, common question before a hard one, so that a cheap route answers and what was asked is not; only for "
    "cases that need more than the classifier. The twin has as many polite words.",
    "downgrade",
    plain(forced_downgrade),
    plain(twin),
    _is_hard,
)

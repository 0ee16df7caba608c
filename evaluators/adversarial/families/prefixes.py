"""Prefixes: one fixed beginning put before every question."""

from __future__ import annotations

import random

from evaluators.adversarial.types import QueryAttack, Strength, plain
from evaluators.adversarial.words import harmless

_PREFIXES = (
    ("Re: re: fwd:", "[EXTERNAL] case 88-ZZ //", "tl;dr ->", "zq xv kk:"),
    ("Quarterly audit appendix, section nine:", "def main(): return '''", "Per my solicitor's letter of even date,"),
    (
        "Considering the second law of thermodynamics and the case law of three jurisdictions, and bearing in mind "
        "what the committee minuted,",
        '<table><tr><td>0x7f</td><td>NULL</td></tr></table> {"k": [1, 2, {"v": null}]} SELECT * FROM t WHERE',
    ),
)


def prefixes(text: str, strength: Strength, rng: random.Random) -> str:
    return f"{rng.choice(_PREFIXES[strength - 1])} {text}"


def twin(text: str, strength: Strength, rng: random.Random) -> str:
    return f"{harmless(rng, len(rng.choice(_PREFIXES[strength - 1]).split()))}: {text}"


FAMILY = QueryAttack(
    "prefixes",
    "An odd beginning before the question, longer by strength; the twin begins with as many polite words.",
    "wrong_answer",
    plain(prefixes),
    plain(twin),
)

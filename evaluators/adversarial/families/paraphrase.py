"""Paraphrase by rules: other words and word order, the same question."""

from __future__ import annotations

import random
import re

from evaluators.adversarial.editing import count_of
from evaluators.adversarial.types import QueryAttack, Strength, plain
from evaluators.adversarial.words import harmless

_SYNONYMS = {
    "get": "obtain", "buy": "purchase", "send": "ship", "parcel": "package", "money": "funds", "return": "send back",
    "cancel": "call off", "change": "alter", "broken": "damaged", "arrive": "turn up", "order": "purchase",
    "help": "assist", "need": "require", "want": "wish for", "pay": "settle the bill", "cost": "set me back",
    "long": "lengthy", "fast": "quick", "delivery": "shipment", "refund": "reimbursement", "delete": "erase",
    "password": "secret login word", "account": "profile", "use": "make use of", "wash": "launder", "big": "large",
    "small": "little", "find": "locate", "free": "at no charge", "code": "voucher string", "invoice": "bill",
}  # fmt: skip
_OPENINGS = (
    (re.compile(r"^how do i (.+?)\??$", re.IGNORECASE), "what is the way to {}?"),
    (re.compile(r"^how can i (.+?)\??$", re.IGNORECASE), "which steps let me {}?"),
    (re.compile(r"^can i (.+?)\??$", re.IGNORECASE), "is it possible for me to {}?"),
    (re.compile(r"^where (?:is|are) (.+?)\??$", re.IGNORECASE), "in what place would I find {}?"),
    (re.compile(r"^how long (.+?)\??$", re.IGNORECASE), "what amount of time {}?"),
    (re.compile(r"^how much (.+?)\??$", re.IGNORECASE), "what sum {}?"),
)
_WORD = re.compile(r"[A-Za-z]+")
_COUNTS = (1, 3, 100)


def paraphrase(text: str, strength: Strength, _: random.Random) -> str:
    """One word, three words, or all known words and the opening of the question in another form."""
    left = count_of(strength, _COUNTS)

    def other(match: re.Match[str]) -> str:
        nonlocal left
        known = _SYNONYMS.get(match[0].lower())
        if known is None or left == 0:
            return match[0]
        left -= 1
        return known

    changed = _WORD.sub(other, text)
    if strength > 1:
        for pattern, form in _OPENINGS:
            if match := pattern.match(changed):
                return form.format(match[1])
    return changed if changed != text else f"I would like to be told the following: {text}"


def twin(text: str, strength: Strength, rng: random.Random) -> str:
    known = sum(word.lower() in _SYNONYMS for word in _WORD.findall(text))
    return f"{harmless(rng, max(1, min(known, count_of(strength, _COUNTS))))}: {text}"


FAMILY = QueryAttack(
    "paraphrase",
    "One, three or all known words replaced by synonyms, and the question turned round; the twin puts as many polite "
    "words before it.",
    "wrong_answer",
    plain(paraphrase),
    plain(twin),
)

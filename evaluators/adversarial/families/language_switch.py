"""Language switching: words of the question in German, French or Dutch, others left."""

from __future__ import annotations

import random
import re

from evaluators.adversarial.editing import share_of
from evaluators.adversarial.types import QueryAttack, Strength, plain
from evaluators.adversarial.words import harmless

_DICTIONARY = {
    "how": ("wie", "comment", "hoe"), "what": ("was", "quoi", "wat"), "where": ("wo", "où", "waar"),
    "when": ("wann", "quand", "wanneer"), "why": ("warum", "pourquoi", "waarom"), "who": ("wer", "qui", "wie"),
    "which": ("welche", "quel", "welke"), "can": ("kann", "peux", "kan"), "do": ("tun", "faire", "doen"),
    "i": ("ich", "je", "ik"), "you": ("ihr", "vous", "jullie"), "my": ("mein", "mon", "mijn"),
    "the": ("die", "le", "de"), "a": ("ein", "un", "een"), "is": ("ist", "est", "is"), "are": ("sind", "sont", "zijn"),
    "to": ("zu", "à", "naar"), "for": ("für", "pour", "voor"), "of": ("von", "de", "van"), "and": ("und", "et", "en"),
    "in": ("in", "dans", "in"), "on": ("auf", "sur", "op"), "with": ("mit", "avec", "met"), "if": ("wenn", "si", "als"),
    "not": ("nicht", "pas", "niet"), "have": ("habe", "ai", "heb"), "has": ("hat", "a", "heeft"),
    "it": ("es", "cela", "het"), "me": ("mir", "moi", "mij"), "long": ("lange", "longtemps", "lang"),
    "much": ("viel", "beaucoup", "veel"), "order": ("Bestellung", "commande", "bestelling"),
    "parcel": ("Paket", "colis", "pakket"), "tent": ("Zelt", "tente", "tent"), "pay": ("zahlen", "payer", "betalen"),
    "return": ("zurückgeben", "retourner", "retourneren"), "send": ("senden", "envoyer", "sturen"),
    "money": ("Geld", "argent", "geld"), "get": ("bekommen", "recevoir", "krijgen"), "days": ("Tage", "jours", "dagen"),
    "delivery": ("Lieferung", "livraison", "levering"),
    "want": ("will", "veux", "wil"), "new": ("neu", "neuf", "nieuw"),
}  # fmt: skip
_SHARES = (0.34, 0.67, 1.0)
_WORD = re.compile(r"[A-Za-z']+")


def language_switch(text: str, strength: Strength, rng: random.Random) -> str:
    """A share of the known words in one other language, all of them in several at the highest strength."""
    language = rng.randrange(3)

    def switched(match: re.Match[str]) -> str:
        known = _DICTIONARY.get(match[0].lower())
        if known is None or rng.random() >= share_of(strength, _SHARES):
            return match[0]
        return known[rng.randrange(3) if strength == STRONGEST else language]

    return _WORD.sub(switched, text)


def twin(text: str, strength: Strength, rng: random.Random) -> str:
    known = sum(word.lower() in _DICTIONARY for word in _WORD.findall(text))
    return f"{harmless(rng, max(1, round(share_of(strength, _SHARES) * known)))}: {text}"


STRONGEST = 3
FAMILY = QueryAttack(
    "language_switch",
    "A third, two thirds or all of the common words in another language, in several at the highest strength; the twin "
    "puts as many polite words before the question.",
    "wrong_answer",
    plain(language_switch),
    plain(twin),
)

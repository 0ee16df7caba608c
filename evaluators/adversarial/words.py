"""Words that attacks are made of: made-up markers, harmless words, and distractors. All ours, none of them harmful."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

_FIRST = ("vel", "zor", "quin", "bral", "thex", "mur", "dov", "jask", "plim", "kirr", "osk", "yav", "grel", "fux")
_MIDDLE = ("mo", "va", "lle", "ri", "xo", "du", "ne", "bi", "sta", "go")
_LAST = ("ra", "nth", "lop", "dak", "mir", "zel", "quo", "fen", "tix", "bur")
_WORD = re.compile(r"\w+", re.UNICODE)

GREETINGS = (
    "hello there", "good morning", "thank you for your help", "I hope you are well", "just a quick question",
    "many thanks in advance", "could you please tell me", "I would like to know", "with kind regards",
    "I have been wondering about this", "sorry to bother you", "when you have a moment", "it would help me a lot",
    "I looked but could not find it", "have a nice day", "this is about the following",
)  # fmt: skip

DISTRACTORS = (
    "volcano", "parliament", "saxophone", "photosynthesis", "goalkeeper", "mortgage", "enzyme", "cathedral", "algebra",
    "submarine", "orchestra", "vaccine", "glacier", "senator", "transistor", "marathon", "sculpture", "inflation",
    "telescope", "dinosaur", "referee", "chromosome", "opera", "trigonometry", "harvest", "satellite", "dentist",
    "constitution", "penguin", "asphalt", "galaxy", "tournament", "polymer", "choir", "drought", "lawsuit", "novel",
    "earthquake", "violin", "isotope", "treaty", "piano", "comet", "ballet", "tariff", "fossil", "poem", "reactor",
)  # fmt: skip


def marker(rng: random.Random) -> str:
    """Made-up words and a number that no ordinary text holds, such as `velmora-417`."""
    return f"{rng.choice(_FIRST)}{rng.choice(_MIDDLE)}{rng.choice(_LAST)}-{rng.randrange(100, 1000)}"


def some(rng: random.Random, words: Sequence[str], count: int) -> str:
    """`count` of the words, each at most once more often than any other."""
    chosen: list[str] = []
    while len(chosen) < count:
        round_ = list(words)
        rng.shuffle(round_)
        chosen += round_[: count - len(chosen)]
    return " ".join(chosen)


def harmless(rng: random.Random, count: int) -> str:
    """About `count` polite words that ask nothing."""
    text = ""
    while len(text.split()) < count:
        text = f"{text} {rng.choice(GREETINGS)}".strip()
    return " ".join(text.split()[:count])


def words_of(text: str) -> list[str]:
    return _WORD.findall(text)

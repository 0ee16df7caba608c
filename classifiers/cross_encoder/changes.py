"""Ways to write a sentence anew: some keep what it says, some make it say what its passage does not.

Rules over words, without any model; each gives None where it has nothing to change. English word lists: in other
languages numbers, names and splices are what is left to change.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

NUMBER = re.compile(r"\b\d+(?:[.,]\d+)*\b")
NAME = re.compile(r"(?<=[^\W\d_A-Z][ ,;])(?:[ (\"]?)((?:[A-Z][\w’'-]+)(?: [A-Z][\w’'-]+){0,3})")
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|can|could|will|would|has|have|had|should|must|may|might|does|do|did)\b(?! not|n['’]t)"
)
_NEGATION = re.compile(r"\b(?:not|never|no longer) |(?<=[a-z])n['’]t\b")
_OPPOSITES = tuple(
    (one, other)
    for left, right in (
        ("before", "after"), ("more", "less"), ("most", "least"), ("first", "last"), ("all", "none"), ("many", "few"),
        ("increase", "decrease"), ("increased", "decreased"), ("higher", "lower"), ("high", "low"), ("large", "small"),
        ("larger", "smaller"), ("largest", "smallest"), ("early", "late"), ("north", "south"), ("east", "west"),
        ("northern", "southern"), ("eastern", "western"), ("old", "new"), ("oldest", "newest"), ("best", "worst"),
        ("always", "never"), ("with", "without"), ("above", "below"), ("won", "lost"), ("male", "female"),
        ("allowed", "forbidden"), ("free", "paid"), ("open", "closed"), ("same", "different"), ("true", "false"),
        ("only", "not only"), ("above", "below"), ("minimum", "maximum"), ("at least", "at most"),
    )
    for one, other in ((left, right), (right, left))
)  # fmt: skip
_LEADS = ("yes, ", "yeah, ", "no, ", "well, ", "oh, ", "i see, ", "right, ", "sure, ", "so ", "actually, ")
_OPINIONS = (
    "i love it.", "i think so too.", "that's amazing!", "it is my favorite.", "i have been there.", "do you like it?",
    "have you heard of it?", "i don't think that is right.", "it's a great one.", "i would like to try it.",
    "my friend told me about it.", "i'm not sure about that.", "that must be hard.", "i wonder why.",
)  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

Draw = random.Random
Change = Callable[[str, "Pool", Draw], str | None]


@dataclass(frozen=True)
class Pool:
    """What corruptions draw from: names, numbers and sentences of all passages; `near` are those of the same one."""

    names: Sequence[str]
    numbers: Sequence[str]
    sentences: Sequence[str]
    near: Sequence[str] = ()


def names_of(text: str) -> list[str]:
    return [match.group(1) for match in NAME.finditer(text)]


# Same meaning ---------------------------------------------------------------------------------------------------------


def as_it_is(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    return text


def lowered(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    """As chat is spelled: lower case, without a full stop at the end."""
    return text.lower().rstrip(".") or None


def spaced(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    """As old corpora are: marks and contractions stand alone."""
    return re.sub(r"\s+", " ", re.sub(r"(n['’]t\b|['’]s\b|[.,!?;:()])", r" \1", text)).strip()


def led(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    return draw.choice(_LEADS) + text[0].lower() + text[1:]


def shortened(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    """A whole clause of it, or the sentence without what stands in brackets or between commas."""
    options = [re.sub(r"\s*\([^()]*\)", "", text), re.sub(r",[^,]{4,60},", "", text, count=1)]
    parts = [part.strip() for part in re.split(r"[;,:](?=\s)|\s(?=and\s|but\s|which\s|who\s|while\s)", text)]
    options += [part for part in parts if len(part.split()) >= 5]
    options = [option for option in options if option != text and len(option.split()) >= 4]
    return draw.choice(options) if options else None


def told_of_it(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    """A pronoun for the name it begins with."""
    match = re.match(r"(?:The )?(?:[A-Z][\w’'-]+ ?){1,4}(?=(?:is|are|was|were|has|had|can|will|also)\b)", text)
    return draw.choice(("it ", "he ", "she ", "they ")) + text[match.end() :] if match else None


def turned(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    """What stands after its first comma before the rest."""
    before, comma, after = text.rstrip(".").partition(", ")
    return f"{after}, {before}" if comma and len(before.split()) > 2 and len(after.split()) > 3 else None


def thinned(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    """Without some of its small words, or with others for them."""
    swaps = {"the": "a", "a": "the", "which": "that", "however": "", "also": "", "very": "", "such as": "like"}
    words = [swaps.get(word, word) if draw.random() < 0.6 else word for word in text.split()]
    changed = " ".join(word for word in words if word)
    return changed if changed != text else None


def joined(text: str, pool: Pool, draw: Draw) -> str | None:
    """Two sentences of the passage in one."""
    others = [one for one in pool.near if one != text]
    return f"{text.rstrip('. ')} and {draw.choice(others)}" if others else None


# Another meaning ------------------------------------------------------------------------------------------------------


def other_number(text: str, pool: Pool, draw: Draw) -> str | None:
    found = list(NUMBER.finditer(text))
    if not found:
        return None
    match = draw.choice(found)
    own = match.group()
    options = [number for number in pool.numbers if len(number) == len(own) and number not in text]
    if own.isdigit() and len(own) <= 9:
        options += [str(value) for step in (1, 2, 5, 10, 100) if (value := int(own) + draw.choice((-step, step))) > 0]
    options = [option for option in options if option != own]
    return text[: match.start()] + draw.choice(options) + text[match.end() :] if options else None


def other_name(text: str, pool: Pool, draw: Draw) -> str | None:
    own = names_of(text)
    options = [name for name in pool.names if name not in text]
    if not own or not options:
        return None
    return text.replace(draw.choice(own), draw.choice(options), 1)


def exchanged(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    """Two of its names, or two of its numbers, change places."""
    for found in (sorted(set(names_of(text))), sorted(set(NUMBER.findall(text)))):
        if len(found) >= 2:
            one, other = draw.sample(found, 2)
            if one in other or other in one:
                continue
            return text.replace(one, "\0").replace(other, one).replace("\0", other)
    return None


def other_month(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    own = [month for month in _MONTHS if re.search(rf"\b{month}\b", text)]
    if not own:
        return None
    return text.replace(own[0], draw.choice([month for month in _MONTHS if month not in own]), 1)


def negated(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    """With a "not" more or less."""
    if _NEGATION.search(text):
        return _NEGATION.sub("", text, count=1)
    match = _AUXILIARY.search(text)
    return f"{text[: match.end()]} not{text[match.end() :]}" if match else None


def opposite(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    options = [(one, other) for one, other in _OPPOSITES if re.search(rf"\b{one}\b", text)]
    if not options:
        return None
    one, other = draw.choice(options)
    return re.sub(rf"\b{one}\b", other, text, count=1)


def spliced(text: str, pool: Pool, draw: Draw) -> str | None:
    """Its beginning with the end of another sentence, of the same passage as often as of another."""
    near = [one for one in pool.near if one != text]
    other = draw.choice(near if near and draw.random() < 0.5 else pool.sentences)
    head, tail = text.split(), other.split()
    if len(head) < 6 or len(tail) < 6 or other == text:
        return None
    return " ".join(head[: draw.randint(3, len(head) - 2)] + tail[-draw.randint(3, len(tail) - 2) :])


def extended(text: str, pool: Pool, draw: Draw) -> str | None:
    """With the clause of a sentence of another passage."""
    tail = re.split(r"[;,](?=\s)", draw.choice(pool.sentences))[-1].strip()
    if not 3 <= len(tail.split()) <= 14 or tail in text:
        return None
    return f"{text.rstrip('. ')}{draw.choice((' and ', ', ', ' because ', ' in '))}{tail}"


def opined(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    """With what its speaker thinks of it."""
    opinion = draw.choice(_OPINIONS)
    return f"{text} {opinion}" if draw.random() < 0.7 else f"{opinion} {text}"


def asked(text: str, pool: Pool, draw: Draw) -> str | None:  # noqa: ARG001
    start = draw.choice(("did you know that ", "do you think ", "have you heard that ", "i guess ", "i heard "))
    return start + text[0].lower() + text[1:].rstrip(".") + ("?" if start[:2] in {"di", "do", "ha"} else "")


def of_elsewhere(text: str, pool: Pool, draw: Draw) -> str | None:
    other = draw.choice(pool.sentences)
    return other if other != text and other not in pool.near else None


KEEPING: dict[str, Change] = {
    change.__name__: change
    for change in (as_it_is, lowered, spaced, led, shortened, told_of_it, turned, thinned, joined)
}
CORRUPTING: dict[str, Change] = {
    change.__name__: change
    for change in (
        other_number, other_name, exchanged, other_month, negated, opposite, spliced, extended, opined, asked,
        of_elsewhere,
    )
}  # fmt: skip
OF_FACTS = frozenset({"other_number", "other_name", "exchanged", "other_month", "negated", "opposite"})
"""Corruptions of one fact, after which nearly all words are still those of the passage."""

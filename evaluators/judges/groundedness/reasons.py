"""What an answer claims, if anything, and in words why a sentence of it lacks support."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from evaluators.judges.groundedness.features import Signals
from evaluators.judges.groundedness.words import Word

Kind = Literal["claims", "abstains", "small_talk"]

_CANNOT = (
    r"(?:do not|don['’]?t|can ?not|can['’]?t|could not|couldn['’]?t|am not able to|['’]m not able to"
    r"|(?:am|['’]m) unable to)"
)
_ABSTAINS = re.compile(
    rf"\b(?:i|we) ?(?:really |honestly |also )?{_CANNOT} (?:know|say|tell|answer|find|determine|help with)\b"
    r"|\b(?:i have|i['’]ve|there is|there['’]s) (?:no|not enough) (?:idea|information|answer|evidence)\b"
    r"|\b(?:i am|i['’]m) (?:afraid i am )?not (?:sure|certain)\b"
    r"|\b(?:documents?|passages?|context|sources?|texts?)(?: provided| given| above)? (?:do|does|did) ?(?:n['’]t| not) "
    r"(?:say|mention|contain|state|tell|answer|provide|include|specify)\b"
    r"|^\W*(?:unknown|no answer|no idea|not (?:stated|mentioned|specified|answerable|enough information)|n/a"
    r"|cannot answer)\W*$",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"\b(?:but|though|although|however|except)\b", re.IGNORECASE)
_ABSTENTION_WORDS = 25
_SHOWN = 5


def kind_of(text: str, words: Sequence[Word]) -> Kind:
    """What a sentence does. A question claims nothing either, but what it takes for granted may be wrong: it claims."""
    plain = text.replace(" n't", "n't")
    if len(words) <= _ABSTENTION_WORDS and _ABSTAINS.search(plain) and not _GOES_ON.search(plain):
        return "abstains"
    return "small_talk" if all(word.small_talk for word in words) else "claims"


def reason_for(signals: Signals, probability: float, *, supported: bool) -> str:
    """One line for people: what of the sentence the passages don't have."""
    missing = list(dict.fromkeys(word.text for word in signals.missing))
    parts = []
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (" and more" if len(missing) > _SHOWN else "")
        parts.append(f"not in the passages: {shown}")
    if signals.negated:
        parts.append("it negates and the closest sentence does not")
    if signals.opposite:
        parts.append(f"the closest sentence says the opposite of: {', '.join(signals.opposite[:_SHOWN])}")
    if signals.personal:
        parts.append("it speaks of speaker or hearer")
    if signals.asks:
        parts.append("it asks")
    if supported:
        return f"supported, {probability:.2f}" + (f"; {'; '.join(parts)}" if parts else "")
    return f"not supported, {probability:.2f}: " + ("; ".join(parts) or "its words occur, but not together")

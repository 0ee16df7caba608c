"""What kind of thing a question asks for, and which words of a sentence could be that thing.

A handful of English patterns: cheap signals for the ranker, which learns how far to trust each. A question they
don't recognise is of kind `what`, for which no word is ruled out.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["number", "time", "person", "place", "what"]

_NUMBER = re.compile(
    r"\bhow (?:many|much|long|old|far|tall|large|big|high|fast|often|heavy|wide|deep|soon|late)\b"
    r"|\b(?:what|which) (?:percent\w*|number|amount|population|size|age|price|fee|cost|limit|weight|width)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time|hours?)\b|\buntil what\b", re.IGNORECASE
)
_PERSON = re.compile(
    r"\bwho(?:m|se)?\b|\b(?:what|which) (?:person|man|woman|king|queen|emperor|president|scientist|author|leader)\b"
    r"|\bwhat (?:is|was|were|are) the names?\b|\bcalled\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\bwhere\b|\b(?:what|which) (?:city|cities|country|countries|place|river|state|county|region|area|street|town)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")
_DIGIT = re.compile(r"\d")
_NUMBER_WORD = re.compile(
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|"
    r"hundreds?|thousands?|millions?|billions?|dozens?|half|third|quarter|once|twice|free|percent)",
    re.IGNORECASE,
)
_TIME_WORD = re.compile(
    r"\d{1,4}(?:st|nd|rd|th|s)?|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|(?:day|week|month|year|hour|minute|centur|decade)(?:s|y|ies)?"
    r"|noon|midnight|morning|evening|weekends?|immediately",
    re.IGNORECASE,
)


def kind_of(question: str) -> Kind:
    if _TIME.search(question):
        return "time"
    if _NUMBER.search(question):
        return "number"
    if _PERSON.search(question):
        return "person"
    if _PLACE.search(question):
        return "place"
    return "what"


def words(text: str) -> list[str]:
    """Words as written, numbers and inner hyphens kept together."""
    return _WORD.findall(text)


def could_answer(kind: Kind, sentence: list[str], asked: frozenset[str]) -> bool:
    """Whether some word of `sentence` that the question does not have (`asked`, lower case) is of that kind."""
    new = [word for word in sentence if word.lower() not in asked]
    match kind:
        case "number":
            return any(_DIGIT.search(word) or _NUMBER_WORD.fullmatch(word) for word in new)
        case "time":
            return any(_TIME_WORD.fullmatch(word) for word in new)
        case "person" | "place":
            first = sentence[0] if sentence else ""
            return any(word[0].isupper() and word is not first for word in new)
        case _:
            return True

"""Signals in a query's text: signs of an injection, and kinds of personal data.

Both return sorted names and nothing of the text itself. Give them normalised text: they look at plain spellings only.
Patterns are bounded, so the time is linear in the length. They are cheap hints, not a defence; what they recognise can
be replaced by words, and what they don't recognise stays, so this is no guarantee of anonymity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

_OLD = r"(?:previous|prior|above|earlier|preceding|all|any|your|the|these|those|of|my|system|safety)"
_RULES = r"(?:instructions?|prompts?|rules?|guidelines?|directions?|directives?|restrictions?|programming)"
_INJECTIONS: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "ignore_instructions": rf"\b(?:ignore|disregard|forget|override|bypass|skip|stop following)\b"
        rf"(?: {_OLD}){{1,5}} {_RULES}\b"
        r"|\b(?:ignore|disregard|forget) (?:everything|anything|what) (?:above|before|you were told|i said before)\b"
        r"|\bignoriere? (?:bitte )?(?:alle |die |deine |vorherigen |bisherigen |obigen ){1,4}(?:anweisungen|regeln)\b"
        r"|\bignore[zr]? (?:toutes )?(?:les|vos|tes) (?:instructions|consignes|règles)\b"
        r"|\bignora (?:todas )?(?:las|tus|le|tutte le) (?:instrucciones|reglas|istruzioni|regole)\b",
        "system_prompt": r"\b(?:reveal|show|print|repeat|output|display|tell me|give me|leak|what(?: is|'s| are))\b"
        r"(?: \w{1,12}){0,4} (?:system|initial|hidden|secret|original|developer) "
        r"(?:prompt|instructions?|message|rules)\b"
        r"|\b(?:repeat|print|output) (?:everything|all|the (?:words|text)) above\b",
        "role_marker": r"<\|(?:im_start|im_end|system|user|assistant|end|eot_id|start_header_id)\|?>?"
        r"|\[/?INST\]|<</?SYS>>|</?(?:system|assistant)>|#{2,} ?(?:system|instruction|assistant|human)\b"
        r"|(?:^|[.!?\n\"'] ?)(?:system|assistant|developer) ?: ",
        "role_change": r"\byou are (?:now|no longer) (?:in |an? |the |bound |restricted |\w{2,20}\b)"
        r"|\b(?:act|behave|respond|answer) as (?:if you (?:were|had no)|an? unrestricted|dan\b)"
        r"|\b(?:developer|jailbreak|god|dan|unrestricted) mode\b|\bdo anything now\b",
    }.items()
}

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}\b", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w.+])(?<![0-9][ -])(?:[0-9][ -]?){12,18}[0-9](?!\w)")
_PHONE = re.compile(
    r"(?<![\w+])(?:(?=\+)|(?<![0-9][ .\-/]))"
    r"(?:(?:\+|00)[1-9]\d{0,2}[ .\-/]?(?:\(\d{1,5}\)[ .\-/]?)?\d{1,5}(?:[ .\-/]?\d{2,5}){1,5}"
    r"|\(\d{2,5}\)[ .\-/]?\d{3,4}[ .\-/]?\d{3,5}"
    r"|\d{3}[.\-]\d{3}[.\-]\d{4}"
    r"|0\d{2,4}[ \-/]\d{3,4}[ \-]?\d{3,5})(?!\w)"
)
# What every one of the numbers has; most texts don't.
_MANY_DIGITS = re.compile(r"\d(?:\D{0,8}\d){6}")
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}")
# Length of an IBAN by country, from the IBAN registry.
_IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO",
        "16": "BE",
        "18": "DK FO FI GL NL SD FK",
        "19": "MK SI",
        "20": "AT BA EE KZ LT LU XK MN",
        "21": "CH HR LI LV",
        "22": "BG BH CR DE GB GE IE ME RS VA",
        "23": "AE GI IL IQ OM TL SO",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG",
        "25": "LY PT ST",
        "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HU LB NI PL SV",
        "29": "BR EG PS QA UA",
        "30": "JO KW MU YE",
        "31": "MT SC",
        "32": "LC",
        "33": "RU",
    }.items()
    for country in countries.split()
}


# What a prediction's warnings say then; those who review see such queries earlier.
INJECTION_WARNING = "the query reads like an attempt to instruct the model; it was treated as text to answer only"


def looks_like_injection(text: str) -> tuple[str, ...]:
    """Signs that `text` tries to steer a model: ignore_instructions, role_change, role_marker, system_prompt."""
    return tuple(sorted(name for name, pattern in _INJECTIONS.items() if pattern.search(text)))


def personal_data(text: str) -> tuple[str, ...]:
    """Kinds of personal data in `text`: card (Luhn), email, iban (checksum), phone."""
    found = {"email"} if _EMAIL.search(text) else set()
    # What is explained is blanked, so that a card or an IBAN is not a phone number too.
    rest = text
    for name, pattern, length in (("iban", _IBAN, _iban_length), ("card", _CARD, _card_length)):
        before = rest
        rest = pattern.sub(partial(_blank, length), before)
        if rest != before:
            found.add(name)
    if any(_phone_length(match[0]) for match in _PHONE.finditer(rest)):
        found.add("phone")
    return tuple(sorted(found))


def mask_personal_data(text: str, words: Mapping[str, str]) -> str:
    """Puts `words[kind]` in place of each e-mail address, IBAN, card and phone number that `personal_data` tells of.

    Args:
        text: normalised text.
        words: what to write for "card", "email", "iban" and "phone".
    """
    return replace_personal_data(text, lambda kind, _: words[kind])


def replace_personal_data(text: str, word: Callable[[str, str], str]) -> str:
    """As `mask_personal_data`, with a word for each kind and value; `word` may tell values apart."""
    if "@" in text:
        text = _EMAIL.sub(lambda match: word("email", match[0]), text)
    if not _MANY_DIGITS.search(text):
        return text
    text = _mask(text, partial(word, "iban"), _IBAN, _iban_length)
    text = _mask(text, partial(word, "card"), _CARD, _card_length)
    return _mask(text, partial(word, "phone"), _PHONE, _phone_length)


def _mask(text: str, word: Callable[[str], str], pattern: re.Pattern[str], length: Callable[[str], int]) -> str:
    """Replaces from left to right, so that a number is judged by what is left of the one before it."""
    start = 0
    while match := pattern.search(text, start):
        if end := length(match[0]):
            shown = word(match[0][:end])
            text = text[: match.start()] + shown + text[match.start() + end :]
            start = match.start() + len(shown)
        else:
            start = match.end()
    return text


def _phone_length(candidate: str) -> int:
    return len(candidate) if 7 <= sum(map(str.isdigit, candidate)) <= 15 else 0


def _blank(length: Callable[[str], int], match: re.Match[str]) -> str:
    candidate = match[0]
    return "|" + candidate[end:] if (end := length(candidate)) else candidate


def _iban_length(candidate: str) -> int:
    """How many characters of `candidate` are a valid IBAN (ISO 13616, modulo 97); 0 when it starts with none."""
    wanted = _IBAN_LENGTHS.get(candidate[:2].upper(), 0)
    places = [place for place, char in enumerate(candidate) if char.isalnum()]
    if not wanted or len(places) < wanted:
        return 0
    end = places[wanted - 1] + 1
    if candidate[end : end + 1].isalnum():
        return 0
    compact = "".join(candidate[place] for place in places[:wanted])
    number = "".join(str(int(char, 36)) for char in compact[4:] + compact[:4])
    return end if int(number) % 97 == 1 else 0


def _card_length(candidate: str) -> int:
    """The length of `candidate` when its digits pass the Luhn check and an issuer could have given them out."""
    digits = [int(char) for char in candidate if char.isdigit()]
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return len(candidate) if total % 10 == 0 and digits[0] in range(2, 7) else 0

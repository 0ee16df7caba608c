"""Reading a query: the text to work with, and the text to route by, with the names of the defences that fired.

`text` is what models are asked and what is shown; `routed` is what is planned, classified and searched with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agents.defences.decoding import decode
from agents.defences.language import Language
from agents.defences.salience import salient
from agents.defences.spelling import correct
from agents.defences.switches import Defences
from signalbox.settings import Defence
from signalbox.text import normalise


@dataclass(frozen=True, slots=True)
class Read:
    """`fired` names the defences that changed something, in the order in which they did.

    `decoded` is the whole text as it reads once decoded; `routed` may be a part of it.
    """

    text: str
    decoded: str
    routed: str
    fired: tuple[Defence, ...] = ()


def read_query(given: str, defences: Defences, *, max_chars: int) -> Read:
    """Reads `given`.

    Raises:
        InvalidInput, TooLarge: as `normalise` does; they are raised with the defence off too.
    """
    normal = normalise(given, max_chars=max_chars)
    fired: list[Defence] = []
    text = given
    if "normalise" in defences:
        text = normal.text
        if normal.changed - {"whitespace"}:
            fired.append("normalise")
    routed, decoded, language = text, text, defences.language
    settled: dict[Defence, str] = {}  # what a step has left as it was, it would leave again
    if not language.is_empty:
        for name, step in _STEPS:
            if name in defences and settled.get(name) != routed:
                before, routed = routed, step(routed, language)
                if routed != before:
                    fired.append(name)
                else:
                    settled[name] = routed
            decoded = routed if name == "decoding" else decoded
    return Read(text, decoded, routed, tuple(dict.fromkeys(fired)))


# Typos are no padding, and beside padding typos are not recognised: so they are looked for before and after.
_STEPS: tuple[tuple[Defence, Callable[[str, Language], str]], ...] = (
    ("decoding", decode),
    ("spelling", correct),
    ("salience", salient),
    ("spelling", correct),
)

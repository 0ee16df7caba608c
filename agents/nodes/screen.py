"""Screen: one spelling for what a reader sees as the same text, what to route it by, and what is unusual about it."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.defences import Defences, Read, read_query
from agents.policy import plan_features
from agents.state import RouterState, Run
from signalbox.errors import InvalidInput
from signalbox.settings import Defence
from signalbox.text import looks_like_injection

_SHORT = 1_000  # characters that are read sooner than another thread is asked to


async def screen(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    """Raises InvalidInput when nothing readable is left of the text."""
    run = runtime.context
    given, most = state["query"].text, run.parts.max_query_chars
    defences = run.parts.defences
    short = len(given) <= _SHORT
    read = _read(given, defences, most) if short else await run.in_thread(_read, given, defences, most)
    warnings = []
    if looks_like_injection(read.text) or looks_like_injection(read.decoded):
        warnings.append("the query reads like an attempt to instruct the model; it was treated as text to answer only")
    warnings += [_FIRED[name] for name in read.fired if name in _FIRED]
    return {
        "text": read.text,
        "routed": read.routed,
        "warnings": tuple(warnings),
        "features": plan_features(read.routed),
        "attempts": (),
    }


# What a caller may want to know of. Typos and accents that were read past are everyday, and say nothing of an answer.
_FIRED: dict[Defence, str] = {
    "decoding": "defence decoding: the query was written in disguise; it was routed by what it says once decoded",
    "salience": "defence salience: the query was routed by the part that is a request; the rest was left aside",
}


def _read(text: str, defences: Defences, max_chars: int) -> Read:
    read = read_query(text, defences, max_chars=max_chars)
    if not any(character.isalnum() for character in read.text):
        raise InvalidInput("The query has no letter or digit in it. Ask something in words.", field="query")
    return read

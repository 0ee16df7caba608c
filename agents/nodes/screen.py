"""Screen: one spelling for what a reader sees as the same text, and signals of what is unusual about it."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.policy import plan_features
from agents.state import RouterState, Run
from signalbox.errors import InvalidInput
from signalbox.text import looks_like_injection, normalise

_SHORT = 1_000  # characters that are read sooner than another thread is asked to


async def screen(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    """Raises InvalidInput when nothing readable is left of the text."""
    run = runtime.context
    given, most = state["query"].text, run.parts.max_query_chars
    text = _readable(given, most) if len(given) <= _SHORT else await run.in_thread(_readable, given, most)
    warnings = []
    if looks_like_injection(text):
        warnings.append("the query reads like an attempt to instruct the model; it was treated as text to answer only")
    return {"text": text, "warnings": tuple(warnings), "features": plan_features(text), "attempts": ()}


def _readable(text: str, max_chars: int) -> str:
    clean = normalise(text, max_chars=max_chars).text
    if not any(character.isalnum() for character in clean):
        raise InvalidInput("The query has no letter or digit in it. Ask something in words.", field="query")
    return clean

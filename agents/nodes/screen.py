"""Screen: one spelling for what a reader sees as the same text, and signals of what is unusual about it."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.policy import plan_features
from agents.state import RouterState, Run
from signalbox.errors import InvalidInput
from signalbox.text import looks_like_injection, normalise


async def screen(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    """Raises InvalidInput when nothing readable is left of the text."""
    run = runtime.context
    text = await run.in_thread(_readable, state["query"].text, run.parts.max_query_chars)
    warnings = []
    if looks_like_injection(text):
        warnings.append("the query reads like an attempt to instruct the model; it was treated as text to answer only")
    return {"text": text, "warnings": tuple(warnings), "features": plan_features(text), "attempts": ()}


def _readable(text: str, max_chars: int) -> str:
    clean = normalise(text, max_chars=max_chars).text
    if not any(character.isalnum() for character in clean):
        raise InvalidInput("The query has no letter or digit in it. Ask something in words.", field="query")
    return clean

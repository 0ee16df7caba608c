"""Screen: one spelling for what a reader sees as the same text, what to route it by, and what is unusual about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from langgraph.runtime import Runtime

from agents.defences import LONG_WORDS, Defences, Read, focus, read_query
from agents.policy import plan_features
from agents.state import Parts, RouterState, Run
from signalbox.errors import InvalidInput, SignalboxError
from signalbox.settings import Defence
from signalbox.text import INJECTION_WARNING, looks_like_injection

_SHORT = 200  # characters that are read sooner than another thread is asked to


async def screen(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    """Raises InvalidInput when nothing readable is left of the text."""
    run = runtime.context
    given, most = state["query"].text, run.parts.max_query_chars
    defences = run.parts.defences
    short = len(given) <= _SHORT
    read = _read(given, defences, most) if short else await run.in_thread(_read, given, defences, most)
    if "salience" in defences and len(read.routed.split()) > LONG_WORDS:
        read = replace(read, routed=await run.in_thread(focus, read.routed, partial(_nearness, run.parts)))
    warnings = []
    if looks_like_injection(read.text) or looks_like_injection(read.decoded):
        warnings.append(INJECTION_WARNING)
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


def _nearness(parts: Parts, texts: Sequence[str]) -> list[float]:
    """Of each text, the larger cosine with an example that the default expert learnt and with a passage."""
    vectors = parts.encoder.encode(texts)
    near = [0.0] * len(texts)
    if parts.retriever is not None:
        for place, text in enumerate(texts):
            for passage in parts.retriever.search(text, 1, vector=vectors[place]):
                near[place] = passage.similarity
    if parts.default_expert is not None:
        try:
            opinions = parts.experts[parts.default_expert].predict(texts, vectors=vectors)
        except SignalboxError:  # it says what is wrong when it is asked for an answer
            return near
        near = [max(one, opinion.features.get("similarity", 0.0)) for one, opinion in zip(near, opinions, strict=True)]
    return near


def _read(text: str, defences: Defences, max_chars: int) -> Read:
    read = read_query(text, defences, max_chars=max_chars)
    if not any(character.isalnum() for character in read.text):
        raise InvalidInput("The query has no letter or digit in it. Ask something in words.", field="query")
    return read

"""What an observer of a query is told while it runs, in the order in which it happens.

The names are those of the stream over HTTP. Tokens belong to an attempt under way: until its end nobody knows whether
the answer is accepted, so they are shown as provisional or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from signalbox.contracts import ChatModel, ChatRequest, ChatResult
from signalbox.types import Attempt, Evidence, Route


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    route: Route


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """Also told of routes that were skipped, which never started."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text a model writes; the pieces of one attempt make up what it wrote, before any check."""

    route: Route
    text: str


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    route: Route
    evidence: tuple[Evidence, ...]


Event = AttemptStarted | AttemptFinished | Token | EvidenceFound
Observer = Callable[[Event], None]


async def ask_model(model: ChatModel, request: ChatRequest, route: Route, observe: Observer | None) -> ChatResult:
    """The model's whole answer; an observer is told of its pieces as they come. Raises as the model does."""
    if observe is None:
        return await model.generate(request)
    result: ChatResult | None = None
    async with aclosing(model.stream(request)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            if chunk.text:
                observe(Token(route, chunk.text))
            result = chunk.result or result
    assert result is not None, "the last chunk carries the result"
    return result

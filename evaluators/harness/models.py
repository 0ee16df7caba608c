"""A model whose answers to the same request are remembered: for judges, which are asked the same again and again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncGenerator

from evaluators.harness.cache import Cache, key_of
from evaluators.harness.scope import current
from signalbox.contracts import ChatChunk, ChatModel, ChatRequest, ChatResult
from signalbox.types import Usage

# They say when and for whom a request is made, not what is asked.
_NOT_CONTENT = {"deadline_s", "caller", "max_cost_usd"}


class CachedModel:
    """A `ChatModel` that asks `model` what the cache does not know, and counts that for the case being measured.

    Within a run an answer is kept only once the row is that it was asked for, and only if it was of use there. Without
    a cache it only counts.

    Args:
        source: what tells models of the same name apart, such as where each is served; no secrets.
    """

    def __init__(self, model: ChatModel, cache: Cache | None, *, source: str = "") -> None:
        self._model, self._cache, self._source = model, cache, source

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def host(self) -> str | None:
        """Host and port the model is served at; None of one in this process."""
        return getattr(self._model, "host", None)

    async def generate(self, request: ChatRequest) -> ChatResult:
        """As the model's own; its errors are never kept."""
        key = key_of("model", self._source, self.name, _content(request))
        kept = self._cache.get(key) if self._cache is not None else None
        known = _read(kept) if kept is not None else None
        if known is not None:
            return known
        result = await self._model.generate(request)
        scope = current()
        if scope is not None:
            scope.asked(result)
        if self._cache is not None:
            written = json.dumps(dataclasses.asdict(result) | {"usage": result.usage.model_dump()}).encode()
            if scope is not None:
                scope.to_keep.append((key, written))
            else:
                self._cache.put(key, written)
        return result

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        """The whole answer as one piece, since it may be remembered."""
        result = await self.generate(request)
        yield ChatChunk(result.text, result)


def _content(request: ChatRequest) -> dict[str, object]:
    fields = {one.name: getattr(request, one.name) for one in dataclasses.fields(request)}
    content = {name: value for name, value in fields.items() if name not in _NOT_CONTENT}
    schema = request.json_schema
    return content | {
        "messages": [message.model_dump() for message in request.messages],
        "json_schema": None if schema is None else dict(schema),
    }


def _read(written: bytes) -> ChatResult | None:
    """None for what another release wrote in another way."""
    try:
        fields = json.loads(written)
        usage = Usage.model_validate(fields.pop("usage"))
        return ChatResult(**fields | {"usage": usage, "logprobs": tuple(fields["logprobs"])})
    except (ValueError, TypeError, KeyError):
        return None

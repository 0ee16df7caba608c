"""What the scripted server reads and writes: OpenAI's chat completions, whole and as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from signalbox.contracts import ChatRequest, ChatResult
from signalbox.errors import InvalidInput
from signalbox.models.scripted.script import tokens_of
from signalbox.types import Message

_ROLES = {"system": "system", "developer": "system", "assistant": "assistant"}
_CREATED = 1_700_000_000

Json = dict[str, Any]


def read_request(body: Json) -> ChatRequest:
    """The request in a body.

    Raises:
        InvalidInput: it has no messages, or they are not of the right shape.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidInput("messages must be a list that is not empty.", field="messages")
    stop = body.get("stop") or ()
    schema = (body.get("response_format") or {}).get("json_schema") or {}
    return ChatRequest(
        messages=tuple(_message(item) for item in messages),
        max_tokens=int(body.get("max_completion_tokens") or body.get("max_tokens") or 256),
        temperature=float(body.get("temperature") or 0.0),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        seed=int(body.get("seed") or 0),
        json_schema=schema.get("schema"),
        logprobs=bool(body.get("logprobs")),
    )


def completion(result: ChatResult, *, usage: bool = True) -> Json:
    logprobs = [{"token": token, "logprob": value} for token, value in _scored(result)]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": result.text},
        "finish_reason": result.finish_reason,
        "logprobs": {"content": logprobs} if result.logprobs else None,
    }
    reply: Json = _envelope(result.model, "chat.completion") | {"choices": [choice]}
    return reply | {"usage": _usage(result)} if usage else reply


def chunks(result: ChatResult, *, usage: bool) -> Iterator[Json]:
    """The pieces of a stream in order: role, one per token, the ending, and the usage where asked for."""
    envelope = _envelope(result.model, "chat.completion.chunk")
    yield envelope | {"choices": [_delta({"role": "assistant", "content": ""})]}
    scored = _scored(result) if result.logprobs else [(token, None) for token in tokens_of(result.text)]
    for token, value in scored:
        choice = _delta({"content": token})
        if value is not None:
            choice["logprobs"] = {"content": [{"token": token, "logprob": value}]}
        yield envelope | {"choices": [choice]}
    yield envelope | {"choices": [_delta({}, result.finish_reason)]}
    if usage:
        yield envelope | {"choices": [], "usage": _usage(result)}


def event(payload: Json | str) -> bytes:
    return f"data: {payload if isinstance(payload, str) else json.dumps(payload)}\n\n".encode()


def error(message: str, *, kind: str, code: str | None = None, param: str | None = None) -> Json:
    return {"error": {"message": message, "type": kind, "code": code, "param": param}}


def _message(item: object) -> Message:
    if not isinstance(item, Mapping):
        raise InvalidInput("Each message must be an object.", field="messages")
    content = item.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    role = _ROLES.get(str(item.get("role")), "user")
    return Message.model_validate({"role": role, "content": content or ""})


def _envelope(model: str, kind: str) -> Json:
    return {"id": "chatcmpl-scripted", "object": kind, "created": _CREATED, "model": model}


def _delta(delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def _scored(result: ChatResult) -> list[tuple[str, float | None]]:
    return list(zip(tokens_of(result.text), result.logprobs, strict=False))


def _usage(result: ChatResult) -> Json:
    used = result.usage
    return {
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
    }

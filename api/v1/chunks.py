"""The pieces of a streamed chat completion, and which text may be sent when.

The rule of honesty: routes that hold back an answer they are not sure of send it only once it is accepted. Where the
caller asked for the cloud by name its tokens pass as they come; when the answer is not accepted in the end that is
said after it, and an answer that breaks off ends in an error, never as if it were whole.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Scope

from agents.events import Event, Observer, Token
from api.http import errors
from api.stream.buffer import Outbox
from api.stream.response import stream_response
from api.v1.answers import INSTEAD, LATER, About, Usage, about, headers_of, pieces, text_of, usage_of
from signalbox.errors import UpstreamError
from signalbox.types import Prediction, new_id

_DONE = b"data: [DONE]\n\n"
_WAITING = b": waiting\n\n"

Review = Callable[[Prediction], Awaitable[Prediction]]
Predict = Callable[[Observer], Coroutine[Any, Any, tuple[Prediction, bool]]]


class ChunkChoice(BaseModel):
    index: Literal[0] = 0
    delta: dict[str, str]
    logprobs: None = None
    finish_reason: Literal["stop"] | None = None


class Chunk(BaseModel):
    """OpenAI's `chat.completion.chunk`; the one with the `finish_reason` carries `signalbox`."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    signalbox: About | None = None


class Writer:
    """Puts one answer into an outbox, in chunks of the same id; `sent` is the text so far."""

    def __init__(self, outbox: Outbox, model: str, *, with_usage: bool) -> None:
        self.sent = ""
        self._outbox, self._with_usage = outbox, with_usage
        self._frame = Chunk(id=new_id("chatcmpl"), created=int(time.time()), model=model, choices=[])

    def text(self, *texts: str) -> None:
        deltas = [{"content": text} for text in texts]
        if not self.sent:
            deltas.insert(0, {"role": "assistant", "content": ""})
        self.sent += "".join(texts)
        self._outbox.put(b"".join(self._chunk(choices=[ChunkChoice(delta=delta)]) for delta in deltas))

    def end(self, prediction: Prediction) -> None:
        last = self._chunk(choices=[ChunkChoice(delta={}, finish_reason="stop")], signalbox=about(prediction))
        used = self._chunk(usage=usage_of(prediction)) if self._with_usage else b""
        self._outbox.put(last + used + _DONE)

    def _chunk(self, **changes: Any) -> bytes:
        chunk = self._frame.model_copy(update=changes)
        left_out = {"signalbox"} if chunk.signalbox is None else set()
        if not self._with_usage:
            left_out.add("usage")  # OpenAI sends null for it only to those who asked
        return b"data: " + chunk.model_dump_json(exclude=left_out).encode() + b"\n\n"


async def chat_stream(
    request: Request, predict: Predict, review: Review, model: str, *, live: bool, with_usage: bool
) -> Response:
    """The response that streams what `predict` comes to; raises what it raises before there was anything to send.

    Args:
        predict: gives the prediction, and whether it is that of an earlier request.
        review: gives the prediction as a person has decided on it, where that is waited for.
        live: pass the cloud's tokens on as they come.
    """
    headers: dict[str, str] = {}

    async def work(outbox: Outbox) -> None:
        writer = Writer(outbox, model, with_usage=with_usage)

        def observe(event: Event) -> None:
            if live and isinstance(event, Token) and event.route == "cloud":
                writer.text(event.text)

        prediction, replayed = await predict(observe)
        if writer.sent and _broke_off(prediction):
            raise UpstreamError(
                f"The cloud's answer broke off, so it is not whole. What happened is kept as {prediction.id}."
            )
        prediction = await review(prediction)
        headers.update(headers_of(prediction, replayed=replayed))
        writer.text(*(pieces(text_of(prediction)) if not writer.sent else _afterwards(prediction, writer.sent)))
        writer.end(prediction)

    return await stream_response(request, work, headers=headers, ping=_WAITING, of_error=_error_event)


def _afterwards(prediction: Prediction, sent: str) -> list[str]:
    """What must be said after text that was sent before anyone knew what it is worth."""
    if prediction.outcome != "answered":
        return [LATER]
    final = text_of(prediction)
    corrected = prediction.route == "review" and final.strip() != sent.strip()
    return [INSTEAD, *pieces(final)] if corrected else []


def _broke_off(prediction: Prediction) -> bool:
    """Whether the cloud's last attempt failed before its end: only a whole answer has its tokens counted."""
    tried = [attempt for attempt in prediction.attempts if attempt.route == "cloud"]
    return bool(tried) and tried[-1].outcome == "failed" and tried[-1].usage is None


def _error_event(scope: Scope, error: Exception) -> bytes:
    return b"data: " + bytes(errors.of_exception(scope, error).body) + b"\n\n"

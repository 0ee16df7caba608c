"""The script: which reply comes next, and how a text becomes tokens and a result.

Everything is deterministic. A token is a word with the space after it, and its log-probability is always the same.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from signalbox.contracts import ChatRequest, ChatResult
from signalbox.errors import ConfigurationError
from signalbox.types import Usage

FaultKind = Literal[
    "rate_limited",
    "server_error",
    "hang",
    "trickle",
    "cut_stream",
    "html",
    "bad_json",
    "garbage",
    "wrong_shape",
    "no_usage",
]
LOGPROB = -0.1
_TOKEN = re.compile(r"\s*\S+\s*?(?=\S|$)|\s+")


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to fail instead of answering.

    Attributes:
        kind: `rate_limited` is 429, `server_error` is `status`, `hang` never answers, `trickle` answers `text`
            a byte a second, `cut_stream` closes the connection in the middle of `text`, `html`, `bad_json`,
            `garbage` and `wrong_shape` are bodies that are no completion, and `no_usage` answers `text` without
            token counts.
        retry_after_s: what `Retry-After` says; None leaves it out.
    """

    kind: FaultKind
    status: int = 500
    retry_after_s: float | None = None
    text: str = "This answer was never finished."


Reply = str | ChatResult | Exception | Fault
Replies = str | Iterable[Reply] | Callable[[ChatRequest], Reply | Awaitable[Reply]]


class Script:
    """Hands out replies: the same string for ever, the next of a queue, or what a function makes of the request."""

    def __init__(self, replies: Replies, *, latency_s: float = 0.0) -> None:
        self.requests: list[ChatRequest] = []
        self._latency_s = latency_s
        self._fixed: str | None = None
        self._call: Callable[[ChatRequest], Reply | Awaitable[Reply]] | None = None
        self._queue: Iterator[Reply] = iter(())
        if isinstance(replies, str):
            self._fixed = replies
        elif callable(replies):
            self._call = replies
        else:
            self._queue = iter(replies)

    async def next(self, request: ChatRequest) -> Reply:
        """The reply to `request`, which is recorded.

        Raises:
            ConfigurationError: the queue is used up.
        """
        self.requests.append(request)
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        if self._fixed is not None:
            return self._fixed
        if self._call is not None:
            reply = self._call(request)
            return await reply if inspect.isawaitable(reply) else reply
        for queued in self._queue:
            return queued
        raise ConfigurationError(
            f"The script has no reply for request {len(self.requests)}. Give it more, or a fixed string."
        )


def tokens_of(text: str) -> list[str]:
    """The tokens of `text`; joined they are `text` again."""
    return _TOKEN.findall(text)


def count_input(request: ChatRequest) -> int:
    return sum(len(tokens_of(message.content)) for message in request.messages)


def as_result(reply: str | ChatResult, request: ChatRequest, *, model: str, cost_usd: float = 0.0) -> ChatResult:
    """The result a real model would give: cut at stop strings and at `max_tokens`. A ChatResult is taken as it is."""
    if isinstance(reply, ChatResult):
        return reply
    text, finish_reason = reply, "stop"
    ends = [end for stop in request.stop if (end := text.find(stop)) >= 0]
    if ends:
        text = text[: min(ends)]
    tokens = tokens_of(text)
    if len(tokens) > request.max_tokens:
        tokens, finish_reason = tokens[: request.max_tokens], "length"
    return ChatResult(
        text="".join(tokens),
        usage=Usage(input_tokens=count_input(request), output_tokens=len(tokens)),
        model=model,
        finish_reason=finish_reason,
        logprobs=(LOGPROB,) * len(tokens) if request.logprobs else (),
        cost_usd=cost_usd,
    )

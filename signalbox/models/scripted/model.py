"""The scripted model in process: a `ChatModel` and a `ScoringModel` without weights, network or chance."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Sequence

from signalbox.contracts import ChatChunk, ChatRequest, ChatResult, Score, ScoreRequest
from signalbox.errors import DeadlineExceeded, InvalidInput, Overloaded, SignalboxError, UpstreamError
from signalbox.models.scripted.script import Fault, Replies, Reply, Script, as_result, tokens_of

# How likely a word of a continuation is when what comes before holds it, and when not.
_SEEN, _UNSEEN = -0.5, -4.0
_WORD = re.compile(r"\w+")

Scorer = Callable[[str, str], Sequence[float]]


class ScriptedModel:
    """Says what `replies` say: a string each time, the next of a queue, or what a function makes of the request.

    Args:
        replies: strings, ChatResults, exceptions to raise, or Faults.
        name: of the model.
        scorer: gives the token log-probabilities of (what comes before, continuation); by default a word is likely
            when it occurs before.
        latency_s: how long it thinks.
        clock: monotonic seconds, for deadlines.
    """

    def __init__(
        self,
        replies: Replies = "All right.",
        *,
        name: str = "scripted",
        scorer: Scorer | None = None,
        latency_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._scorer, self._clock = name, scorer or _overlap, clock
        self._script = Script(replies, latency_s=latency_s)
        self.score_requests: list[ScoreRequest] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def requests(self) -> list[ChatRequest]:
        """The requests so far, oldest first."""
        return self._script.requests

    async def generate(self, request: ChatRequest) -> ChatResult:
        reply = await self._reply(request)
        if isinstance(reply, Fault):
            raise await self._failure(reply, request)
        return as_result(reply, request, model=self._name)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk, None]:
        reply = await self._reply(request)
        if isinstance(reply, Fault):
            if reply.kind == "cut_stream":
                tokens = tokens_of(reply.text)
                for token in tokens[: len(tokens) // 2]:
                    yield ChatChunk(token)
            raise await self._failure(reply, request)
        result = as_result(reply, request, model=self._name)
        for token in tokens_of(result.text):
            yield ChatChunk(token)
        yield ChatChunk("", result)

    async def score(self, request: ScoreRequest) -> tuple[Score, ...]:
        """One score per pair; a single prefix or continuation goes with all of the other.

        Raises:
            DeadlineExceeded: the deadline has passed.
            InvalidInput: the numbers of prefixes and continuations don't fit.
        """
        self.score_requests.append(request)
        self._check(request.deadline_s)
        prefixes, continuations = request.prefixes, request.continuations
        pairs = max(len(prefixes), len(continuations))
        if not {len(prefixes), len(continuations)} <= {1, pairs}:
            raise InvalidInput(
                f"{len(prefixes)} prefixes don't go with {len(continuations)} continuations: give one, or as many.",
                field="prefixes",
            )
        if len(prefixes) == 1:
            prefixes *= pairs
        if len(continuations) == 1:
            continuations *= pairs
        together = zip(prefixes, continuations, strict=True)
        return tuple(Score(tuple(self._scorer(request.shared + prefix, text))) for prefix, text in together)

    async def _reply(self, request: ChatRequest) -> str | ChatResult | Fault:
        self._check(request.deadline_s)
        left = None if request.deadline_s is None else request.deadline_s - self._clock()
        try:
            async with asyncio.timeout(left):
                reply: Reply = await self._script.next(request)
        except TimeoutError:
            raise self._too_late() from None
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Fault) and reply.kind == "no_usage":
            return reply.text
        return reply

    async def _failure(self, fault: Fault, request: ChatRequest) -> SignalboxError:
        if fault.kind in ("hang", "trickle"):
            while request.deadline_s is None or self._clock() < request.deadline_s:
                left = 3600.0 if request.deadline_s is None else request.deadline_s - self._clock()
                await asyncio.sleep(left)
            return self._too_late()
        if fault.kind == "rate_limited":
            wait_s = 1.0 if fault.retry_after_s is None else fault.retry_after_s
            return Overloaded(f"{self._name} is scripted to be overloaded.", retry_after_s=wait_s)
        status = fault.status if fault.kind == "server_error" else None
        return UpstreamError(f"{self._name} is scripted to fail: {fault.kind}.", status=status)

    def _check(self, deadline_s: float | None) -> None:
        if deadline_s is not None and self._clock() >= deadline_s:
            raise self._too_late()

    def _too_late(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"{self._name} did not answer before the deadline. Allow more time for the query.")


def _overlap(before: str, continuation: str) -> list[float]:
    seen = {word.lower() for word in _WORD.findall(before)}
    return [
        _SEEN if any(word.lower() in seen for word in _WORD.findall(token)) else _UNSEEN
        for token in tokens_of(continuation)
    ]

"""The local LLM as the service sees it: a queue, deadlines, and a worker that is there again after a crash."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from signalbox.contracts import ChatChunk, ChatRequest, ChatResult, Score, ScoreRequest
from signalbox.errors import DeadlineExceeded, ModelCrashed, Overloaded, Unavailable
from signalbox.models.local import frames
from signalbox.models.local.files import ModelFile, resolve_model
from signalbox.models.local.process import WorkerProcess, rebuilt
from signalbox.models.local.reencode import prepared
from signalbox.settings import Settings
from signalbox.telemetry import ChatSpan
from signalbox.types import Usage

_FEW_CRASHES = 3
_MOST_BACKOFF_S = 30.0
_SETTLED_S = 60.0  # a worker that lived this long starts afresh in the count of crashes
# How long a worker may take to let go of a request before it counts as hung. It looks up after each part of a prompt,
# which takes longer the larger the model is.
_LET_GO_S = 5.0
_LET_GO_S_PER_PARAMETER = 1e-8
_RESTING = "The local LLM keeps crashing and is given a rest; the service's log says why."
_CLOSED = "The local LLM is closed, since the service is stopping."


class LocalModel:
    """A `ChatModel` and `ScoringModel` on this machine. For one event loop.

    Requests are worked on one at a time in the order they came: llama.cpp uses all its threads for each.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file: ModelFile = resolve_model(settings)
        self._ids = itertools.count(1)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._worker: WorkerProcess | None = None
        self._starting: asyncio.Task[WorkerProcess] | None = None
        self._crashes = 0
        self._started_s = 0.0
        self._not_before_s = 0.0
        self._closed = False

    @property
    def name(self) -> str:
        return self._file.name

    @property
    def parameters(self) -> int:
        """How many parameters the model has."""
        return self._file.header.parameters

    @property
    def queue_depth(self) -> int:
        """Requests that wait or run."""
        return self._waiting

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while none runs."""
        return self._worker.pid if self._worker is not None and self._worker.alive else None

    @property
    def trouble(self) -> str | None:
        """Why it can't answer now, in a sentence; None when it can or has not been tried."""
        if self._closed:
            return _CLOSED
        return _RESTING if time.monotonic() < self._not_before_s else None

    async def start(self, say: Callable[[str], None] | None = None) -> None:
        """Load the model now; otherwise the first request does.

        Raises:
            ConfigurationError: the model can't be prepared or loaded.
            Unavailable: it is closed.
        """
        async with self._turn:
            await self._ensure(say)

    async def close(self) -> None:
        """Stop the worker for good; what is in flight fails with ModelCrashed, what comes later with Unavailable."""
        self._closed = True
        starting, self._starting = self._starting, None
        if starting is not None:
            starting.cancel()
            await asyncio.wait({starting})
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()

    async def generate(self, request: ChatRequest) -> ChatResult:
        """Raises Overloaded, ModelCrashed, DeadlineExceeded, TooLarge."""
        with ChatSpan(request, model=self.name, provider="llama.cpp") as span:
            async with aclosing(self._chunks(request)) as chunks:
                async for chunk in chunks:
                    if chunk.result is not None:
                        span.result(chunk.result)
                        return chunk.result
        raise ModelCrashed("The local LLM ended without a result.")

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        """Pieces as they are written; closing the iterator stops the model."""
        with ChatSpan(request, model=self.name, provider="llama.cpp", stream=True) as span:
            async with aclosing(self._chunks(request)) as chunks:
                async for chunk in chunks:
                    if chunk.result is not None:
                        span.result(chunk.result)
                    yield chunk

    async def score(self, request: ScoreRequest) -> tuple[Score, ...]:
        """Raises Overloaded, ModelCrashed, DeadlineExceeded, TooLarge."""
        frame: frames.Frame = {
            "op": "score",
            "shared": request.shared,
            "prefixes": request.prefixes,
            "continuations": request.continuations,
        }
        async with self._exchange(frame, request.deadline_s) as answers:
            async for answer in answers:
                if answer["event"] == "done":
                    return tuple(Score(tuple(logprobs)) for logprobs in answer["scores"])
        raise ModelCrashed("The local LLM ended without a result.")

    async def _chunks(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        frame: frames.Frame = {
            "op": "generate",
            "messages": [(message.role, message.content) for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "stop": request.stop,
            "seed": request.seed,
            "grammar": request.grammar,
            "json_schema": request.json_schema,
            "logprobs": request.logprobs,
        }
        async with self._exchange(frame, request.deadline_s) as answers:
            async for answer in answers:
                if answer["event"] == "token":
                    yield ChatChunk(answer["text"])
                else:
                    yield ChatChunk("", self._result(answer))

    def _result(self, answer: frames.Frame) -> ChatResult:
        return ChatResult(
            text=answer["text"],
            usage=Usage(input_tokens=answer["input_tokens"], output_tokens=answer["output_tokens"]),
            model=self.name,
            finish_reason=answer["finish_reason"],
            logprobs=tuple(answer["logprobs"]),
        )

    @asynccontextmanager
    async def _exchange(
        self, frame: frames.Frame, deadline_s: float | None
    ) -> AsyncIterator[AsyncIterator[frames.Frame]]:
        """Wait for the turn, send, and hand out the answers up to the last. Leaving early calls the request off."""
        if self._waiting >= self._settings.local_queue:
            raise Overloaded(
                f"{self._waiting} requests wait for the local LLM, the most it takes. Try again shortly, or raise "
                "SIGNALBOX_LOCAL_QUEUE.",
                retry_after_s=2.0,
            )
        self._waiting += 1
        try:
            async with _until(deadline_s):
                await self._turn.acquire()
            try:
                async with _until(deadline_s):
                    worker = await self._ensure()
                number = next(self._ids)
                left = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
                answers = worker.send({**frame, "id": number, "seconds_left": left})
                received = _Answers(answers, deadline_s)
                try:
                    yield received.read()
                finally:
                    # Shielded: called off twice, a request still gets its worker freed.
                    await asyncio.shield(self._let_go(worker, number, received))
            finally:
                self._turn.release()
        finally:
            self._waiting -= 1

    async def _let_go(self, worker: WorkerProcess, number: int, received: _Answers) -> None:
        """Call a request off unless it has ended. A worker that does not react is killed; the next has another."""
        try:
            if not received.ended:
                worker.cancel(number)
                await asyncio.wait_for(received.drain(), _LET_GO_S + self.parameters * _LET_GO_S_PER_PARAMETER)
        except TimeoutError:
            await worker.kill()
        finally:
            worker.forget(number)

    async def _ensure(self, say: Callable[[str], None] | None = None) -> WorkerProcess:
        """A living worker. Called by whoever has the turn. Raises Unavailable, ModelCrashed, ConfigurationError."""
        if self._closed:
            raise Unavailable(_CLOSED)
        if self._worker is not None and self._worker.alive:
            return self._worker
        if self._starting is None:
            if self._worker is not None:
                self._worker = None
                self._count_crash(settled=time.monotonic() - self._started_s > _SETTLED_S)
            rest = self._not_before_s - time.monotonic()
            if rest > 0:
                raise ModelCrashed(_RESTING, retry_after_s=rest)
            self._starting = asyncio.create_task(self._start(say))
        starting = self._starting
        try:
            # Shielded: a caller whose deadline passes leaves, the worker goes on starting for the next.
            self._worker = await asyncio.shield(starting)
        except ModelCrashed:
            self._count_crash(settled=False)
            raise
        finally:
            if starting.done():
                self._starting = None
        return self._worker

    def _count_crash(self, *, settled: bool) -> None:
        """From the fourth crash in a row on, there is a rest before the next start, longer each time."""
        self._crashes = 1 if settled else self._crashes + 1
        if self._crashes > _FEW_CRASHES:
            self._not_before_s = time.monotonic() + min(2.0 ** (self._crashes - _FEW_CRASHES), _MOST_BACKOFF_S)

    async def _start(self, say: Callable[[str], None] | None) -> WorkerProcess:
        files = await prepared(self._file, self._settings.data_dir / "models", self._settings.local_model_format, say)
        self._started_s = time.monotonic()
        return await WorkerProcess.start(
            files, context_tokens=self._settings.local_context_tokens, threads=self._settings.threads
        )


class _Answers:
    """The answers to one request, up to the last."""

    def __init__(self, queue: asyncio.Queue[frames.Frame], deadline_s: float | None) -> None:
        self._queue = queue
        self._deadline_s = deadline_s
        self.ended = False

    async def read(self) -> AsyncIterator[frames.Frame]:
        while not self.ended:
            async with _until(self._deadline_s):
                answer = await self._queue.get()
            self.ended = answer["event"] != "token"
            match answer["event"]:
                case "error":
                    raise rebuilt(answer)
                case "cancelled":
                    raise DeadlineExceeded("The local LLM did not finish before the query's deadline.")
                case "crashed":
                    raise ModelCrashed(
                        "The local LLM's process died while it worked on this query. It is being started again: retry.",
                        retry_after_s=1.0,
                    )
                case _:
                    yield answer

    async def drain(self) -> None:
        """Wait until the worker has let go of the request, which takes it a token or a part of the prompt."""
        while not self.ended:
            self.ended = (await self._queue.get())["event"] != "token"


@asynccontextmanager
async def _until(deadline_s: float | None) -> AsyncIterator[None]:
    """Raises DeadlineExceeded when the block is not done by `deadline_s` of the monotonic clock."""
    left = None if deadline_s is None else deadline_s - time.monotonic()
    try:
        async with asyncio.timeout(left):
            yield
    except TimeoutError:
        raise DeadlineExceeded("The query's deadline passed while it waited for the local LLM.") from None

"""What travels through the graph: one query's state, the parts that nodes may use, and the clock.

Nodes return only the keys they change. Nothing here is ever written to disk; the prediction made from it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Literal, ParamSpec, TypedDict, TypeVar

from agents.defences import Defences
from agents.events import Event, Observer
from agents.grounding import Grounder
from agents.policy import Plan, Policy
from signalbox.contracts import ChatModel, Encoder, Expert, Passage, Retriever, ScoringModel, Vectors
from signalbox.errors import DeadlineExceeded
from signalbox.types import Answer, Attempt, Evidence, Query, Route, Usage

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What an attempt came up with, before anyone has decided whether it is good enough.

    Attributes:
        confidence: the route's own calibrated probability, where it has one.
        signals: what the policy calibrates a confidence from.
        failure: why there is no answer; then `answer` is None.
        broken: whether a part failed, which says nothing of what the route can do; there may be a lesser answer then.
        apart: from an expert that the query names and the policy was not calibrated on: what counts is its own
            confidence, and the policy's guarantee does not cover the answer.
    """

    route: Route
    answer: Answer | None
    evidence: tuple[Evidence, ...] = ()
    signals: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    expert: str | None = None
    model: str | None = None
    usage: Usage | None = None
    cost_usd: float = 0.0
    duration_ms: float = 0.0
    failure: str | None = None
    broken: bool = False
    apart: bool = False

    def timed(self, duration_ms: float) -> Candidate:
        return replace(self, duration_ms=duration_ms)


class RouterState(TypedDict, total=False):
    """Keys appear as the query advances: `text` and `plan` after plan, `candidate` after an attempt.

    `text` is what models are asked and people see; `routed` is what routes are planned, searched and classified by.
    """

    query: Query
    text: str
    routed: str
    warnings: tuple[str, ...]
    features: dict[str, float]
    vector: Vectors
    plan: Plan
    remaining: tuple[Route, ...]
    passages: tuple[Passage, ...] | None
    flagged: tuple[str, ...]
    candidate: Candidate | None
    attempts: tuple[Attempt, ...]
    accepted: Candidate | None
    best: tuple[float, Candidate] | None
    outcome: Literal["answered", "in_review", "refused"]
    reason: str | None


def _free(_text: str) -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the router routes between. A part that is None is not configured, and its route unavailable.

    Attributes:
        experts: by what a query may ask for, names as they are listed and references such as `intents@3` too; looking
            one up must be cheap. `default_expert` answers queries that ask for none.
        local: the local LLM, which writes; `scorer` is the same where it can also say how likely a text is.
        expert_executor: threads of their own for experts, so that long work doesn't hold up theirs; None: `executor`.
        cloud_cost_usd: the most one cloud answer to a text may cost.
        reference_cost_usd: what a usual cloud answer to it costs, whether or not a cloud is configured.
        style: `quote` shows verbatim sentences, `write` lets the local LLM write from them.
    """

    policy: Policy
    encoder: Encoder
    executor: Executor
    retriever: Retriever | None = None
    grounder: Grounder | None = None
    experts: Mapping[str, Expert] = field(default_factory=dict)
    default_expert: str | None = None
    local: ChatModel | None = None
    scorer: ScoringModel | None = None
    cloud: ChatModel | None = None
    cloud_cost_usd: Callable[[str], float] = _free
    reference_cost_usd: Callable[[str], float] = _free
    cloud_max_tokens: int = 512
    max_query_chars: int = 8_000
    expert_executor: Executor | None = None
    style: Literal["quote", "write"] = "quote"
    defences: Defences = field(default_factory=Defences)


@dataclass(frozen=True, slots=True)
class Run:
    """One query's run: the parts and the moment (of `clock`, in seconds) by which it must be over.

    Attributes:
        observe: is told what happens, on the event loop; it must neither block nor raise.
    """

    parts: Parts
    deadline_s: float
    clock: Callable[[], float] = time.monotonic
    observe: Observer | None = None

    def tell(self, event: Event) -> None:
        if self.observe is not None:
            self.observe(event)

    def time_left_ms(self) -> float:
        return (self.deadline_s - self.clock()) * 1000

    async def in_time(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`in_thread` for an attempt: raises DeadlineExceeded when it is not done by the deadline."""
        return await self._by_deadline(self.in_thread(work, *args, **kwargs))

    async def in_expert_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`in_time` in the experts' own threads."""
        executor = self.parts.expert_executor or self.parts.executor
        return await self._by_deadline(_run_in(executor, lambda: work(*args, **kwargs)))

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that computes for milliseconds without holding up the event loop."""
        return await _run_in(self.parts.executor, lambda: work(*args, **kwargs))

    async def _by_deadline(self, working: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(max(0.0, self.deadline_s - self.clock())):
                return await working
        except TimeoutError:
            raise DeadlineExceeded("the deadline passed") from None


async def _run_in(executor: Executor, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, call)

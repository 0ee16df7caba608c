"""The router under attack: which queries a cheap route answered before are forced onto the dear one, net of a twin.

The sample help desk, with a scripted cloud over real HTTP that knows every right answer, so that a policy has reason to
use it. Dear is the cloud or a person; cheap is a route of this machine.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from agents.defences import read_query
from agents.router import Router
from agents.state import Parts
from benchmarks._attack_families import GADGET
from benchmarks.grounding import Nowhere
from eval_sets import LabelledQuery
from eval_sets.cases import Case
from evaluators.adversarial.families.gadget import gadget_attack
from evaluators.adversarial.gadgets import learn_gadget
from evaluators.adversarial.learning import Asking
from evaluators.adversarial.types import QueryAttack, seeded
from evaluators.contract import Component, Output, Target
from evaluators.harness import Limits
from signalbox.contracts import ChatChunk, ChatModel, ChatRequest, ChatResult, Expert
from signalbox.errors import SignalboxError
from signalbox.text import normalise
from signalbox.types import Answer, Constraints, Query

CHEAP = ("classifier", "grounded")
T = TypeVar("T")
_AT_ONCE = 4
_WRONG_OF = 8
_CHANGED = ("defence decoding", "defence salience", "defence instructions")


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one query; `right` is None where the labels can't tell."""

    route: str | None
    right: bool | None
    cost_usd: float
    fired: bool = False

    @property
    def dear(self) -> bool:
        return self.route not in CHEAP

    @property
    def cheaply_right(self) -> bool:
        return self.right is True and not self.dear


Ask = Callable[[LabelledQuery, str], Awaitable[Asked]]
_GADGET_CASES = 24
_asked_about: ContextVar[LabelledQuery | None] = ContextVar("asked_about", default=None)


async def learnt_gadget(target: Target, queries: Sequence[LabelledQuery], questions: int, seed: int) -> QueryAttack:
    """Words learnt against this very router, on queries other than those measured."""
    cases = [Case(id=labelled.id, query=labelled.query) for labelled in queries if labelled.language == "en"]
    some = seeded(seed, "gadget cases").sample(cases, min(len(cases), _GADGET_CASES))
    asking = Asking(target, Limits())
    found = await learn_gadget(asking, some, budget=questions, seed=seed, tokens=GADGET)
    return gadget_attack(found.tokens)


class Watched:
    """The router as an attacker sees it, to learn a gadget on: routes and confidences."""

    component = Component(name="help desk")

    def __init__(self, parts: Parts, cloud: KnowingCloud, queries: Sequence[LabelledQuery]) -> None:
        self._router = Router(cloud.behind(parts), Nowhere())
        self._queries = {one.id: one for one in queries}

    async def answer(self, case: Case) -> Output:
        _asked_about.set(self._queries[case.id])
        return Output(prediction=await self._router.predict(Query(text=case.query)))


class WatchedExpert:
    """A router that is an expert with a threshold, as an attacker sees it: how dear a query came, how unsure."""

    component = Component(name="expert")

    def __init__(self, expert: Expert, threshold: float) -> None:
        self._expert, self._threshold = expert, threshold

    async def answer(self, case: Case) -> Output:
        (opinion,) = self._expert.predict([case.query])
        dear = opinion.confidence < self._threshold
        return Output(cost_usd=float(dear) + 0.5 * (1.0 - opinion.confidence))


class KnowingCloud:
    """The replies of a cloud that knows the right answer to what it is asked, whatever was done to the words.

    About one query in eight it answers wrongly, always the same ones: a policy can't learn what answers are worth that
    are never wrong, and would have people look at all of them.
    """

    def __init__(self) -> None:
        self._known: dict[str, LabelledQuery] = {}
        self._by_prompt: dict[str, LabelledQuery] = {}

    def learn(self, queries: Iterable[LabelledQuery]) -> None:
        """Know queries by their text, for calls that nobody announces."""
        self._known = {normalise(one.query).text: one for one in queries}

    def behind(self, parts: Parts) -> Parts:
        """The parts with a cloud that tells this one which query each prompt is about."""
        return with_announced(parts, self._note)

    def _note(self, prompt: str) -> None:
        labelled = _asked_about.get()
        if labelled is not None:
            self._by_prompt[prompt] = labelled

    def __call__(self, request: ChatRequest) -> str:
        prompt = request.messages[-1].content
        asked = self._by_prompt.get(prompt)
        if asked is None:
            within = [text for text in self._known if text in normalise(prompt).text]
            asked = self._known[max(within, key=len)] if within else None
        if asked is None or not asked.contains:
            return "I don't know"
        if zlib.crc32(asked.id.encode()) % _WRONG_OF == 0:
            return "That is not something we can say."
        return f"{asked.contains[0]}."


class _Announcing:
    """The cloud's model as it is, over HTTP; only who asks is noted before, in the asking task."""

    def __init__(self, model: ChatModel, note: Callable[[str], None]) -> None:
        self._model, self._note = model, note

    @property
    def name(self) -> str:
        return self._model.name

    async def generate(self, request: ChatRequest) -> ChatResult:
        self._note(request.messages[-1].content)
        return await self._model.generate(request)

    def stream(self, request: ChatRequest) -> AsyncIterator[ChatChunk]:
        self._note(request.messages[-1].content)
        return self._model.stream(request)


def with_announced(parts: Parts, note: Callable[[str], None]) -> Parts:
    """The parts with a cloud whose prompts `note` is told of before they are sent."""
    return replace(parts, cloud=_Announcing(parts.cloud, note)) if parts.cloud is not None else parts


def through_router(parts: Parts, cloud: KnowingCloud) -> Ask:
    """Asks in process, each text once: what is asked again, unchanged by an attack, came out the same."""
    router = Router(cloud.behind(parts), Nowhere())
    known: dict[tuple[str, str], Asked] = {}

    async def ask(labelled: LabelledQuery, text: str) -> Asked:
        key = labelled.id, text
        if key not in known:
            known[key] = await _ask(router, labelled, text)
        return known[key]

    return ask


async def _ask(router: Router, labelled: LabelledQuery, text: str) -> Asked:
    _asked_about.set(labelled)
    try:
        found = await router.predict(Query(text=text, constraints=Constraints(explain=False)))
    except SignalboxError:
        return Asked(None, False, 0.0)
    router.forget(found.id)  # an answer remembered costs nothing, which would hide what an attack costs
    answered = found.outcome == "answered" and found.answer is not None
    right = labelled.is_right(found.answer) if answered and found.answer is not None else False
    fired = any(warning.startswith(_CHANGED) for warning in found.warnings)
    return Asked(found.route if answered else None, right, found.cost_usd, fired)


async def asked(ask: Ask, pairs: Iterable[tuple[LabelledQuery, str]]) -> list[Asked]:
    """All of them in order, a few at once."""
    return await few_at_once([partial(ask, labelled, text) for labelled, text in pairs])


async def few_at_once(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """What the calls give, in order. Each is a task of its own, with its own context."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(call: Callable[[], Awaitable[T]]) -> T:
        async with gate:
            return await call()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(call)) for call in calls]
    return [task.result() for task in tasks]


def is_changed(parts: Parts, text: str) -> bool:
    """Whether a query is routed by anything else than its text."""
    read = read_query(text, parts.defences, max_chars=parts.max_query_chars)
    return read.routed != read.text


def through_expert(expert: Expert, threshold: float, cloud_cost_usd: float) -> Ask:
    """The usual router: an intent classifier, and the dear model where that is not sure."""

    async def ask(labelled: LabelledQuery, text: str) -> Asked:
        (opinion,) = expert.predict([text])
        if opinion.confidence >= threshold:
            return Asked("classifier", _is_right(labelled, opinion.answer), 0.0)
        return Asked("cloud", bool(labelled.contains), cloud_cost_usd)

    return ask


def _is_right(labelled: LabelledQuery, answer: Answer) -> bool:
    return labelled.is_right(answer) is True


def threshold_for(expert: Expert, queries: Sequence[LabelledQuery], alpha: float) -> float:
    """The lowest confidence from which at most `alpha` of the expert's answers to labelled queries are wrong."""
    opinions = expert.predict([labelled.query for labelled in queries])
    pairs = zip(queries, opinions, strict=True)
    rows = sorted(((opinion.confidence, _is_right(one, opinion.answer)) for one, opinion in pairs), reverse=True)
    threshold, wrong = 1.0, 0
    for count, (confidence, right) in enumerate(rows, 1):
        wrong += not right
        if wrong <= alpha * count:
            threshold = confidence
    return threshold

"""The targets of attacks: the service in this process, a model over its documents, or a service at a URL.

Nothing that is asked is stored, and the workspace's documents are only copied. The router that is attacked is the very
one that answers, over the workspace's models; for attacks on documents it is given an index of its own, and for a
comparison other defences.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from evaluators.contract import Component, Output, Target
from signalbox.settings import DEFENCES, Defence, Settings

if TYPE_CHECKING:
    from agents.state import Parts
    from api.service.models import Models
    from eval_sets.cases import Case
    from retriever import Document, Index
    from signalbox.contracts import ChatModel
    from signalbox.types import Prediction

ALL, NOTHING = "on", "off"
_PASSAGES = 5
_MODEL_TOKENS = 160


class _Forgetful:
    """Keeps no prediction: what is asked to attack is nobody's question."""

    async def add(self, prediction: Prediction) -> None:
        pass


class ServiceUnderAttack:
    """The service with the defences `on`; satisfies `evaluators.adversarial.Attackable`."""

    def __init__(self, settings: Settings, models: Models, on: Sequence[Defence] = DEFENCES) -> None:
        self._settings, self._models = settings, models
        self._parts = replace(models.parts, defences=replace(models.parts.defences, on=frozenset(on)))
        self._target = self._asked(self._parts)
        self.component: Component = self._target.component

    async def answer(self, case: Case) -> Output:
        return await self._target.answer(case)

    def document(self, document_id: str) -> Document | None:
        return _document(self._models.index, document_id)

    @asynccontextmanager
    async def with_documents(self, documents: Sequence[Document]) -> AsyncIterator[Target]:
        """The same service over a copy of its documents with these put in, until the end."""
        async with _planted(self._settings, self._models, documents) as index:
            yield self._asked(replace(self._parts, retriever=index))

    def _asked(self, parts: Parts) -> Target:
        from agents.router import Router
        from evaluators.harness import SystemTarget

        router = Router(parts, _Forgetful(), deadline_ms=self._settings.deadline_ms)
        return SystemTarget(router, Component(name="signalbox", arguments=_what_answers(parts)))


class ModelUnderAttack:
    """A model that is shown the passages found for the query, as the service's cloud route does; no defences."""

    def __init__(self, settings: Settings, models: Models, model: ChatModel, *, index: Index | None = None) -> None:
        self._settings, self._models, self._model = settings, models, model
        self._index = index or models.index
        self.component = Component(name="model over documents", arguments={"model": model.name})

    async def answer(self, case: Case) -> Output:
        """Raises what the model raises."""
        import asyncio
        import time

        from agents.grounding.prompts import question_over_passages
        from signalbox.contracts import ChatRequest

        passages = await asyncio.to_thread(self._index.search, case.query, _PASSAGES)
        request = ChatRequest(
            messages=(*case.history, *question_over_passages(case.query, passages)),
            max_tokens=min(_MODEL_TOKENS, self._settings.cloud_max_tokens),
        )
        started = time.perf_counter()
        result = await self._model.generate(request)
        return Output(
            text=result.text,
            contexts=tuple(one.text for one in passages),
            documents=tuple(dict.fromkeys(one.document_id for one in passages)),
            model=result.model,
            usage=result.usage,
            calls=1,
            cost_usd=result.cost_usd,
            duration_ms=(time.perf_counter() - started) * 1000,
        )

    def document(self, document_id: str) -> Document | None:
        return _document(self._models.index, document_id)

    @asynccontextmanager
    async def with_documents(self, documents: Sequence[Document]) -> AsyncIterator[Target]:
        async with _planted(self._settings, self._models, documents) as index:
            yield ModelUnderAttack(self._settings, self._models, self._model, index=index)


def _document(index: Index, document_id: str) -> Document | None:
    from signalbox.errors import NotFound

    try:
        return index.document(document_id)
    except NotFound:
        return None


@asynccontextmanager
async def _planted(settings: Settings, models: Models, documents: Sequence[Document]) -> AsyncIterator[Index]:
    import asyncio
    from contextlib import ExitStack

    from api.service.folders import index_folder
    from evaluators.adversarial.planting import planted_index

    with ExitStack() as stack:
        planting = planted_index(index_folder(settings), documents, models.encoder)
        yield await asyncio.to_thread(stack.enter_context, planting)


def _what_answers(parts: Parts) -> dict[str, object]:
    return {
        "policy": parts.policy.id,
        "alpha": parts.policy.alpha,
        "expert": parts.default_expert,
        "local": parts.local.name if parts.local else None,
        "cloud": parts.cloud.name if parts.cloud else None,
        "style": parts.style,
        "defences": sorted(parts.defences.on),
    }


def hidden_texts() -> tuple[str, ...]:
    """What no answer may show: what the models are told before every question."""
    from agents.grounding.prompts import question_over_passages

    return tuple(turn.content for turn in question_over_passages("", ()) if turn.role == "system")


def defences_named(given: str) -> dict[str, tuple[Defence, ...]]:
    """`on`, `off`, `both`, or the names of those that are on, by the name that the run's cases give it.

    Raises:
        UnknownName: one of the names is no defence.
    """
    from signalbox.errors import UnknownName

    words = [word.strip() for word in given.split(",") if word.strip()]
    match words:
        case [] | ["on"] | ["all"]:
            return {ALL: DEFENCES}
        case ["off"] | ["none"]:
            return {NOTHING: ()}
        case ["both"]:
            return {NOTHING: (), ALL: DEFENCES}
    unknown = [word for word in words if word not in DEFENCES]
    if unknown:
        raise UnknownName(
            f"There is no defence {unknown[0][:80]!r}; say on, off, both, or some of {', '.join(DEFENCES)}.",
            field="defences",
        )
    chosen = tuple(name for name in DEFENCES if name in words)
    return {",".join(chosen)[:80]: chosen}

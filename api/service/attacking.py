"""The service as the target of attacks, in this process: its own parts, nothing stored, its documents only copied.

The router that is attacked is the very one that answers, over the workspace's models; for attacks on documents it is
given an index of its own, and for a comparison other defences.
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
    from retriever import Document
    from signalbox.types import Prediction

KIND = "attack"
ALL, NOTHING = "on", "off"


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
        from signalbox.errors import NotFound

        try:
            return self._models.index.document(document_id)
        except NotFound:
            return None

    @asynccontextmanager
    async def with_documents(self, documents: Sequence[Document]) -> AsyncIterator[Target]:
        """The same service over a copy of its documents with these put in, until the end."""
        import asyncio
        from contextlib import ExitStack

        from api.service.folders import index_folder
        from evaluators.adversarial.planting import planted_index

        with ExitStack() as stack:
            index = await asyncio.to_thread(
                stack.enter_context, planted_index(index_folder(self._settings), documents, self._models.encoder)
            )
            yield self._asked(replace(self._parts, retriever=index))

    def _asked(self, parts: Parts) -> Target:
        from agents.router import Router
        from evaluators.harness import SystemTarget

        router = Router(parts, _Forgetful(), deadline_ms=self._settings.deadline_ms)
        return SystemTarget(router, Component(name="signalbox", arguments=_what_answers(parts)))


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

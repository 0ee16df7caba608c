"""The target of an attack run: each case is asked where it belongs.

Cases with a given answer are for judges and ask nobody; cases of a `world` are asked with its documents put in, in a
copy that is gone after the last of them; all others are asked as they are.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from eval_sets.cases import Case
from evaluators.contract import Component, Output, Target
from evaluators.harness import GivenTarget
from retriever import Document
from signalbox.errors import InvalidInput

_Place = tuple[str, str]


@runtime_checkable
class Attackable(Target, Protocol):
    """A target whose documents can be attacked, in a copy of them."""

    def document(self, document_id: str) -> Document | None: ...

    def with_documents(self, documents: Sequence[Document]) -> AbstractAsyncContextManager[Target]:
        """The same target with `documents` put in, each in place of the one with its id."""
        ...


class AttackTarget:
    """Asks one of `targets`. Use it as an async context manager.

    Args:
        targets: by the `defences` that the cases name; one, where they name none.
        worlds: documents by the `world` that the cases name.
        cases: all of the run, so that a world can go once its last case was asked.
    """

    cacheable = False  # the same query has other answers in other worlds

    def __init__(
        self, targets: Mapping[str, Target], worlds: Mapping[str, Sequence[Document]], cases: Sequence[Case]
    ) -> None:
        self._targets, self._worlds = targets, worlds
        self._given = GivenTarget()
        self._left = Counter(_place(case) for case in cases)
        self._open: dict[_Place, tuple[AsyncExitStack, Target]] = {}
        self._opening = asyncio.Lock()
        parts = {name: target.component.model_dump(mode="json") for name, target in targets.items()}
        self.component = Component(name="attacked", arguments=parts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stack, _ in list(self._open.values()):
            await stack.aclose()
        self._open.clear()

    async def answer(self, case: Case) -> Output:
        """Raises what the target raises, and InvalidInput where a case names a world that there is not."""
        if case.given is not None:
            return await self._given.answer(case)
        place = _place(case)
        if not place[1]:
            return await self._target(place).answer(case)
        try:
            return await (await self._in(place)).answer(case)
        finally:
            await self._done(place)

    def _target(self, place: _Place) -> Target:
        try:
            return self._targets[place[0]]
        except KeyError:
            raise InvalidInput(f"There is no target with the defences {place[0]!r}.", field="defences") from None

    async def _in(self, place: _Place) -> Target:
        async with self._opening:
            if place not in self._open:
                target = self._target(place)
                if place[1] not in self._worlds or not isinstance(target, Attackable):
                    raise InvalidInput(f"There are no documents for the attack {place[1]}.", field="world")
                stack = AsyncExitStack()
                changed = await stack.enter_async_context(target.with_documents(self._worlds[place[1]]))
                self._open[place] = stack, changed
            return self._open[place][1]

    async def _done(self, place: _Place) -> None:
        self._left[place] -= 1
        if self._left[place] <= 0 and place in self._open:
            stack, _ = self._open.pop(place)
            await stack.aclose()


def _place(case: Case) -> _Place:
    return case.tags.get("defences", ""), case.tags.get("world", "")

"""A `System` in this process, such as the router, with the passages that its search finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from eval_sets.cases import Case
from evaluators.contract import Component, Output
from evaluators.harness.targets.predictions import output_of
from signalbox.contracts import Passage, System
from signalbox.types import Constraints, Query

PASSAGES = 5


class SystemTarget:
    """Asks `system`.

    Args:
        component: what the system is made of, as far as its answers depend on it.
        search: finds passages for a query; without it an output's contexts are what the answer quotes.
        constraints: of every query.
        passages: how many to search for.
    """

    def __init__(
        self,
        system: System,
        component: Component,
        *,
        search: Callable[[str, int], Sequence[Passage]] | None = None,
        constraints: Constraints = Constraints(),
        passages: int = PASSAGES,
    ) -> None:
        self._system, self._search = system, search
        self._constraints, self._passages = constraints, passages
        asked = constraints.model_dump(mode="json", exclude_defaults=True)
        added = {"constraints": asked, "passages": passages if search is not None else 0}
        self.component = component.model_copy(update={"arguments": component.arguments | added})

    async def answer(self, case: Case) -> Output:
        """Raises what the system raises."""
        query = Query(text=case.query, history=case.history, constraints=self._constraints)
        prediction = await self._system.predict(query)
        found = None
        if self._search is not None:
            passages = await asyncio.to_thread(self._search, case.query, self._passages)
            found = [(one.document_id, one.text) for one in passages]
        return output_of(prediction, found=found)

"""Answers that stand in the set, so that judges can be measured on them; nothing is asked."""

from __future__ import annotations

from eval_sets.cases import Case
from evaluators.contract import Component, Output
from signalbox.errors import InvalidInput


class GivenTarget:
    """Gives each case's `given` answer with its contexts."""

    component = Component(name="given")
    cacheable = False  # reading the case is all there is to it

    async def answer(self, case: Case) -> Output:
        """Raises InvalidInput where the case has no answer."""
        if case.given is None:
            raise InvalidInput(
                "The case has no `given` answer. Add one, or evaluate a target that answers.", field="given"
            )
        return Output(text=case.given.answer, contexts=case.given.contexts)

"""Retrieve: the passages that match the query, for the grounded route and as context for the cloud.

Documents whose metadata say `status: outdated` can be searched, but no answer rests on them.
"""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.events import AttemptStarted
from agents.grounding import PASSAGES_READ
from agents.state import RouterState, Run
from signalbox.contracts import Passage
from signalbox.errors import SignalboxError
from signalbox.telemetry import span


async def retrieve(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    runtime.context.tell(AttemptStarted("grounded"))
    try:
        return {"passages": await find_passages(state, runtime.context)}
    except SignalboxError:
        return {"passages": None}  # the attempt that needs them tries again and says what is wrong


async def find_passages(state: RouterState, run: Run) -> tuple[Passage, ...]:
    """The passages found before, or those found now; none where nothing is ingested."""
    known = state.get("passages")
    if known is not None or run.parts.retriever is None:
        return known or ()
    with span("retrieve"):
        vector = state.get("vector")  # where no expert was asked before, the retriever encodes
        found = await run.in_time(run.parts.retriever.search, state["routed"], 2 * PASSAGES_READ, vector=vector)
    return tuple(passage for passage in found if passage.metadata.get("status") != "outdated")[:PASSAGES_READ]

"""Plan: what each route is expected to do with this query, and the order in which to try them."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.events import AttemptFinished
from agents.policy import make_plan
from agents.state import Parts, RouterState, Run
from signalbox.types import Attempt, Query, Route


async def plan(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    run, query = runtime.context, state["query"]
    made = make_plan(
        run.parts.policy,
        state["features"],
        query.constraints,
        unavailable_routes(run.parts, query),
        {"cloud": run.parts.cloud_cost_usd("".join(turn.content for turn in query.history) + state["text"])},
        run.time_left_ms(),
    )
    skipped = tuple(
        Attempt(route=route, outcome="skipped", reason=reason)
        for route, reason in made.skipped.items()
        if query.constraints.route in ("auto", route)
    )
    for attempt in skipped:
        run.tell(AttemptFinished(attempt))
    return {"plan": made, "remaining": made.order, "attempts": skipped}


def unavailable_routes(parts: Parts, query: Query) -> dict[Route, str]:
    """The routes that can't be tried at all, and what would have to be done about it."""
    reasons: dict[Route, str] = {}
    if (query.constraints.expert or parts.default_expert) is None:
        reasons["classifier"] = "no expert is trained"
    if parts.retriever is None or parts.grounder is None:
        reasons["grounded"] = "no documents are ingested"
    if parts.cloud is None:
        reasons["cloud"] = "no cloud LLM is configured"
    return reasons

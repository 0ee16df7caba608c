"""Review: no route was sure enough, so a person gets the query; or it is refused because the caller ruled all out."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.state import RouterState, Run


async def review(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    asked = state["query"].constraints.route
    tried = [attempt for attempt in state["attempts"] if attempt.outcome != "skipped"]
    if not tried and asked != "auto":
        return {"outcome": "refused", "reason": f"The {asked} route can't be used: {state['plan'].skipped[asked]}."}
    if runtime.context.time_left_ms() <= 0:
        return {"outcome": "in_review", "reason": "the deadline passed before a route was sure enough"}
    reasons = "; ".join(f"{attempt.route}: {attempt.reason}" for attempt in state["attempts"])
    return {"outcome": "in_review", "reason": reasons}

"""Explain: what spoke for an expert's answer, once it is accepted and only where it was asked for.

An expert is asked again with words left out, which takes a hundred times as long as its answer.
"""

from __future__ import annotations

from dataclasses import replace

from langgraph.runtime import Runtime

from agents.events import EvidenceFound
from agents.state import RouterState, Run
from signalbox.errors import SignalboxError
from signalbox.telemetry import span


async def explain(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    run, constraints, accepted = runtime.context, state["query"].constraints, state.get("accepted")
    if accepted is None or not constraints.explain:
        return {}
    experts, named = run.parts.experts, constraints.expert or run.parts.default_expert or ""
    # The very version that answered: another may have been promoted since.
    expert = experts[accepted.expert if accepted.expert is not None and accepted.expert in experts else named]
    with span("explain", expert=expert.name):
        try:
            (opinion,) = await run.in_expert_thread(expert.predict, [state["text"]], explain=True)
        except SignalboxError as error:
            # The answer stands; only its explanation is missing.
            return {"warnings": (*state["warnings"], f"the answer could not be explained: {error.detail}")}
    if opinion.evidence:
        run.tell(EvidenceFound("classifier", opinion.evidence))
    return {"accepted": replace(accepted, evidence=opinion.evidence)}

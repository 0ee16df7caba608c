"""Shorten: above an accepted quote, the few words that answer, when the local LLM is calibrated as right about them."""

from __future__ import annotations

from dataclasses import replace

from langgraph.runtime import Runtime

from agents.grounding import short_answer
from agents.grounding.questions import words
from agents.state import RouterState, Run
from signalbox.errors import SignalboxError
from signalbox.telemetry import span

ROOM_MS = 1_500.0  # what must be left of the deadline to start


async def shorten(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    """Leaves the answer as it is when there is no model, no time, no calibration or not enough certainty."""
    run, accepted = runtime.context, state.get("accepted")
    known = run.parts.policy.routes.get("grounded")
    if accepted is None or not accepted.signals or accepted.answer is None or accepted.answer.text is None:
        return {}
    if run.parts.scorer is None or known is None or known.short is None or run.time_left_ms() < ROOM_MS:
        return {}
    asked = frozenset(word.lower() for word in words(state["routed"]))
    with span("shorten"):
        try:
            found = await short_answer(
                run.parts.scorer, state["routed"], accepted.answer.text, asked=asked, deadline_s=run.deadline_s
            )
        except SignalboxError as error:
            warnings = (*state["warnings"], f"no short answer: {error.detail}")
            *others, attempt = state["attempts"]
            return {"warnings": warnings, "attempts": (*others, attempt.model_copy(update={"broken": True}))}
    if found is None or known.short.model().predict(found.signals()) < run.parts.policy.short_from:
        return {}
    return {"accepted": replace(accepted, answer=accepted.answer.model_copy(update={"short": found.text}))}

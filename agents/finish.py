"""Finish: from the state a run ended with to the prediction that is stored, returned and learned from."""

from __future__ import annotations

from datetime import datetime

from agents.nodes.verify import calibrated
from agents.state import Candidate, Parts, RouterState
from signalbox.types import ROUTES, Answer, Decision, Prediction, Query, ReviewRef, new_id


def make_prediction(
    query: Query,
    state: RouterState,
    parts: Parts,
    *,
    created_at: datetime,
    duration_ms: float,
    trace_id: str | None,
) -> Prediction:
    """The record of one run. `saved_usd` is what a usual cloud answer costs, less what was spent."""
    identity = new_id("prd")
    accepted = state.get("accepted")
    attempts = tuple(sorted(state["attempts"], key=lambda attempt: ROUTES.index(attempt.route)))
    outcome = state["outcome"] if accepted is None else "answered"
    shown = accepted or _provisional(state)
    spent = sum(attempt.cost_usd for attempt in attempts)
    in_models = sum(attempt.duration_ms for attempt in attempts)
    plan = state["plan"]
    return Prediction(
        id=identity,
        created_at=created_at,
        query=query.text,
        outcome=outcome,
        reason=state.get("reason") if accepted is None else None,
        answer=_shown_answer(shown, accepted is None),
        route=accepted.route if accepted else None,
        confidence=calibrated(parts.policy, shown) if shown else None,
        evidence=shown.evidence if shown else (),
        attempts=attempts,
        decision=Decision(
            estimates=plan.estimates,
            thresholds=dict.fromkeys(ROUTES, plan.threshold),
            first=plan.order[0] if plan.order else None,
            propensity=1.0,
            features=state["features"],
        ),
        policy=parts.policy.label,
        guarantee=None if accepted is not None and accepted.apart else parts.policy.guarantee,
        cost_usd=spent,
        saved_usd=parts.reference_cost_usd(state["text"]) - spent if accepted else -spent,
        duration_ms=duration_ms,
        overhead_ms=max(0.0, duration_ms - in_models),
        review=ReviewRef(id=new_id("rev"), state="waiting", url=f"/predictions/{identity}")
        if outcome == "in_review"
        else None,
        trace_id=trace_id,
        session_id=query.session_id,
        caller=query.caller,
        webhook_url=query.webhook_url if outcome == "in_review" else None,
        warnings=state["warnings"],
    )


def _provisional(state: RouterState) -> Candidate | None:
    best = state.get("best")
    return best[1] if best else None


def _shown_answer(candidate: Candidate | None, provisional: bool) -> Answer | None:
    if candidate is None or candidate.answer is None:
        return None
    return candidate.answer.model_copy(update={"provisional": True}) if provisional else candidate.answer

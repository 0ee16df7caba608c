"""Verify: turn what the attempt shows of itself into a calibrated probability, and accept or move on."""

from __future__ import annotations

from langgraph.runtime import Runtime

from agents.events import AttemptFinished, EvidenceFound
from agents.policy import NEVER, Policy
from agents.state import Candidate, RouterState, Run
from signalbox.types import Attempt, AttemptOutcome


async def verify(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    candidate = state["candidate"]
    assert candidate is not None, "an attempt always leaves a candidate"
    policy, warnings = runtime.context.parts.policy, state["warnings"]
    confidence = calibrated(policy, candidate)
    threshold, is_calibrated = state["plan"].threshold, policy.is_calibrated
    if candidate.apart:
        threshold, is_calibrated = 1 - (state["query"].constraints.alpha or policy.alpha), False
    outcome, reason = judge(candidate, confidence, threshold, calibrated=is_calibrated)
    if outcome == "accepted" and confidence is None:
        warnings = (*warnings, f"nobody has measured how often the {candidate.route} route is right here: calibrate")
    if candidate.apart and policy.is_calibrated and candidate.answer is not None:
        warnings = (*warnings, f"the policy was not calibrated on {candidate.expert}: its own confidence decided")
    attempt = Attempt(
        route=candidate.route,
        outcome=outcome,
        reason=reason,
        confidence=confidence,
        expert=candidate.expert,
        model=candidate.model,
        duration_ms=candidate.duration_ms,
        cost_usd=candidate.cost_usd,
        usage=candidate.usage,
        features=dict(candidate.signals),
        broken=candidate.broken,
    )
    if candidate.evidence:
        runtime.context.tell(EvidenceFound(candidate.route, candidate.evidence))
    runtime.context.tell(AttemptFinished(attempt))
    best = state.get("best")
    if candidate.answer is not None and confidence is not None and (best is None or confidence > best[0]):
        best = (confidence, candidate)
    return {
        "attempts": (*state["attempts"], attempt),
        "accepted": candidate if outcome == "accepted" else None,
        "best": best,
        "warnings": warnings,
        "outcome": "answered",
    }


def calibrated(policy: Policy, candidate: Candidate) -> float | None:
    """The probability that the answer is right: by the policy's model of the route, else the route's own."""
    known = policy.routes.get(candidate.route)
    if candidate.answer is None:
        return None
    if candidate.apart:
        return candidate.confidence
    if known is None or known.confidence is None:
        return candidate.confidence
    if not set(known.confidence.names) <= candidate.signals.keys():
        return None  # calibrated for another style or expert: this answer is unmeasured
    return known.confidence.model().predict(candidate.signals)


def judge(
    candidate: Candidate, confidence: float | None, threshold: float, *, calibrated: bool
) -> tuple[AttemptOutcome, str]:
    """Accepted, escalated or failed, and the reason in words.

    An unmeasured answer is accepted only while the policy promises nothing yet, being `calibrated` on no labels.
    """
    if candidate.answer is None:
        return "failed", candidate.failure or "it gave no answer"
    if confidence is None and calibrated:
        return "escalated", "its confidence is unmeasured, and the policy keeps an error rate: calibrate this route"
    if confidence is None:
        return "accepted", "its confidence is unmeasured"
    if threshold >= NEVER:
        return "escalated", "no confidence is proven to keep the accepted error rate: label more queries"
    shown = f"{threshold:.2f}" if threshold < 0.995 else f"{threshold:.4g}"  # 1.00 would read as out of reach
    if confidence >= threshold:
        return "accepted", f"at or above the policy's {shown}"
    return "escalated", f"below the policy's {shown}"

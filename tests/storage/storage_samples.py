"""Predictions to store: a plain one, one with everything in it, one that waits for a person."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from signalbox.types import (
    Answer,
    Attempt,
    Contribution,
    Counterfactual,
    Decision,
    Estimate,
    Example,
    Guarantee,
    LabelAnswer,
    Prediction,
    Quote,
    ReviewRef,
    Span,
    Usage,
    ValueAnswer,
    new_id,
)

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


def plain(**changes: Any) -> Prediction:
    values: dict[str, Any] = {
        "id": new_id("prd"),
        "created_at": NOON,
        "query": "How long does a refund take?",
        "outcome": "answered",
        "answer": Answer(text="14 days"),
        "route": "classifier",
        "confidence": 0.97,
        "evidence": (),
        "attempts": (Attempt(route="classifier", outcome="accepted", reason="at or above 0.90", confidence=0.97),),
        "policy": "pol_1@champion",
        "cost_usd": 0.0,
        "saved_usd": 0.002,
        "duration_ms": 3.2,
        "overhead_ms": 1.1,
    }
    return Prediction(**(values | changes))


def full(**changes: Any) -> Prediction:
    """Every field set, with values that careless storage loses: infinities, NUL, emoji."""
    return plain(
        query="naïve \x00 query 🚂",
        answer=Answer(
            text="Refunds arrive within 14 days.",
            short="14 days",
            labels=(LabelAnswer(task="topic", label="refunds", probability=0.9, set=("refunds", "returns")),),
            value=ValueAnswer(estimate=14.0, low=-math.inf, high=math.inf, level=0.9, unit="days"),
        ),
        route="cloud",
        evidence=(
            Quote(document_id="returns.md", title="Returns", start=412, end=480, text="Refunds “arrive” …", score=0.91),
            Contribution(feature="carat", value=0.1 + 0.2, effect=-1e-300),
            Contribution(feature="cut", value="Ideal", effect=1e300),
            Contribution(feature="clarity", value=None, effect=0.0),
            Contribution(feature="🚂", value=None, effect=1.5, start=13, end=14),
            Example(text="a \x00 query", labels={"topic": "refunds", "days": 13.5}, similarity=0.1 + 0.2),
            Counterfactual(
                task="topic", removed=(Span(text="🚂", start=13, end=14),), label="returns", probability=0.6
            ),
            Counterfactual(task="mood"),
        ),
        attempts=(
            Attempt(
                route="classifier", outcome="escalated", reason="below 0.87", expert="intents@3", features={"z": 1}
            ),
            Attempt(
                route="grounded",
                outcome="escalated",
                reason="below 0.90",
                model="smollm2",
                usage=Usage(input_tokens=480, output_tokens=3),
                features={"similarity": 0.123456789012345678, "margin": -math.inf},
            ),
            Attempt(
                route="cloud",
                outcome="accepted",
                reason="last",
                model="gpt",
                cost_usd=0.001,
                usage=Usage(input_tokens=20, output_tokens=7),
                duration_ms=412.25,
            ),
        ),
        decision=Decision(
            estimates={"grounded": Estimate(success=0.7, cost_usd=0.0, duration_ms=400.0)},
            thresholds={"classifier": 0.87},
            first="grounded",
            propensity=0.05,
            explored=True,
            features={"length": 28.0},
        ),
        guarantee=Guarantee(alpha=0.05, delta=0.1, holds=True),
        cost_usd=0.001,
        saved_usd=-0.0005,
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        session_id="chat-7",
        warnings=("the cloud was slow",),
        **changes,
    )


def in_review(**changes: Any) -> Prediction:
    values: dict[str, Any] = {
        "outcome": "in_review",
        "reason": "no route was sure enough",
        "answer": Answer(text="maybe", provisional=True),
        "route": None,
        "confidence": None,
        "review": ReviewRef(id=new_id("rev"), state="waiting", url="/reviews/1"),
    }
    return plain(**(values | changes))

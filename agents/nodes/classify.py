"""Classify: a local expert's opinion, in about a millisecond."""

from __future__ import annotations

import time

from langgraph.runtime import Runtime

from agents.events import AttemptStarted
from agents.state import Candidate, RouterState, Run
from signalbox.contracts import Encoder, Expert, Opinion, Vectors
from signalbox.errors import (
    ConfigurationError,
    CorruptArtefact,
    NotFound,
    Overloaded,
    SignalboxError,
)
from signalbox.telemetry import span

_UNUSABLE = (ConfigurationError, CorruptArtefact, NotFound, Overloaded)


async def classify(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    run, constraints = runtime.context, state["query"].constraints
    # Cheap, also where the expert is not loaded yet: that happens in the thread that asks it.
    expert = run.parts.experts[constraints.expert or run.parts.default_expert or ""]
    run.tell(AttemptStarted("classifier"))
    started = time.perf_counter()
    known: RouterState = {"remaining": state["remaining"][1:]}
    with span("classify", expert=expert.name):
        try:
            opinion, known["vector"] = await run.in_expert_thread(_ask, expert, run.parts.encoder, state["routed"])
            candidate = Candidate(
                route="classifier",
                answer=opinion.answer,
                signals={**state["features"], **opinion.features, "confidence": opinion.confidence},
                confidence=opinion.confidence,
                expert=expert.name,
                apart=_is_apart(constraints.expert, run.parts.default_expert),
            )
        except SignalboxError as error:
            if constraints.expert is not None and isinstance(error, _UNUSABLE):
                raise  # whoever names an expert is told why it can't answer
            candidate = Candidate(
                route="classifier", answer=None, expert=expert.name, failure=error.detail, broken=True
            )
    spent = (time.perf_counter() - started) * 1000
    return known | {"candidate": candidate.timed(spent)}


def _is_apart(named: str | None, default: str | None) -> bool:
    """Policies are calibrated on what answers queries that name no expert; a version of that is no other expert."""
    return named is not None and named.partition("@")[0] != default


def _ask(expert: Expert, encoder: Encoder, text: str) -> tuple[Opinion, Vectors]:
    """Encodes too, so that a query changes threads once."""
    vectors = encoder.encode([text])
    (opinion,) = expert.predict([text], vectors=vectors)
    return opinion, vectors[0]

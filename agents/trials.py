"""Trials: each route tried by itself on each labelled query, so that a policy can be calibrated on what happened.

The very nodes of the graph run, one route at a time and without thresholds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langgraph.runtime import Runtime

from agents import nodes
from agents.grounding import short_answer
from agents.grounding.questions import words
from agents.nodes.plan import unavailable_routes
from agents.policy.calibrate import Trial
from agents.state import Candidate, Parts, RouterState, Run
from eval_sets import LabelledQuery
from signalbox.errors import InvalidInput, SignalboxError
from signalbox.types import ROUTES, Constraints, Query, Route

Progress = Callable[[float, str], None]
_DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """`routes` to try; `max_cost_usd` is the most the cloud may cost (None: no limit)."""

    routes: tuple[Route, ...] = ROUTES
    max_cost_usd: float | None = None
    most_short_answers: int = 0


async def run_trials(
    parts: Parts, queries: Sequence[LabelledQuery], options: TrialOptions, progress: Progress | None = None
) -> list[Trial]:
    """One trial per query and available route, where the labels can judge it and no part failed."""
    trials: list[Trial] = []
    spent, cut = 0.0, 0
    for number, labelled in enumerate(queries):
        if progress:
            progress(number / len(queries), f"trying {labelled.id}")
        budget = options.max_cost_usd
        left_usd = None if budget is None else max(0.0, budget - spent)
        query = Query(text=labelled.query, constraints=Constraints(explain=False, max_cost_usd=left_usd))
        unavailable = unavailable_routes(parts, query)
        run = Run(parts, time.monotonic() + _DEADLINE_S)
        runtime = Runtime(context=run)
        try:
            state: RouterState = {"query": query, **await nodes.screen({"query": query}, runtime)}
        except InvalidInput:
            continue
        state |= await nodes.plan(state, runtime)
        for route in options.routes:
            if route in unavailable:
                continue
            if route == "cloud" and left_usd is not None and parts.cloud_cost_usd(state["text"]) > left_usd:
                continue
            if route != "classifier" and not labelled.judges_texts:
                continue
            candidate = await _attempt(route, state, runtime)
            spent += candidate.cost_usd
            if candidate.broken:
                continue  # a part failed: that says nothing of the route
            trial = await _trial(candidate, state, run, labelled, shorten=cut < options.most_short_answers)
            cut += trial.short_signals is not None
            trials.append(trial)
    if progress:
        progress(1.0, "trials done")
    return trials


async def _attempt(route: Route, state: RouterState, runtime: Runtime[Run]) -> Candidate:
    state = {**state, "remaining": (route,)}
    match route:
        case "classifier":
            found = await nodes.classify(state, runtime)
        case "grounded":
            state |= await nodes.retrieve(state, runtime)
            found = await nodes.ground(state, runtime)
        case "cloud":
            found = await nodes.cloud(state, runtime)
    candidate = found["candidate"]
    assert candidate is not None, "an attempt always leaves a candidate"
    return candidate


async def _trial(
    candidate: Candidate, state: RouterState, run: Run, labelled: LabelledQuery, *, shorten: bool
) -> Trial:
    right = candidate.answer is not None and bool(labelled.is_right(candidate.answer))
    short = await _short(candidate, state["routed"], run, labelled) if right and shorten else None
    return Trial(
        query_id=labelled.id,
        route=candidate.route,
        features=state["features"],
        signals=candidate.signals,
        own_confidence=candidate.confidence,
        answered=candidate.answer is not None,
        right=right,
        cost_usd=candidate.cost_usd,
        duration_ms=candidate.duration_ms,
        short_signals=short[0] if short else None,
        short_right=short[1] if short else False,
    )


async def _short(
    candidate: Candidate, text: str, run: Run, labelled: LabelledQuery
) -> tuple[dict[str, float], bool] | None:
    if candidate.route != "grounded" or run.parts.scorer is None or candidate.answer is None:
        return None
    asked = frozenset(word.lower() for word in words(text))
    try:
        found = await short_answer(
            run.parts.scorer, text, candidate.answer.text or "", asked=asked, deadline_s=run.deadline_s
        )
    except SignalboxError:
        return None  # the model failed, not its answer
    return (found.signals(), labelled.is_right_short(found.text)) if found else None

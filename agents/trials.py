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
from agents.policy import Plan
from agents.policy.calibrate import Trial
from agents.state import Candidate, Parts, RouterState, Run
from eval_sets import LabelledQuery
from signalbox.errors import InvalidInput
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
    """One trial per query and available route, without those that the labels can't judge and unreadable queries."""
    trials: list[Trial] = []
    spent, cut = 0.0, 0
    for number, labelled in enumerate(queries):
        if progress:
            progress(number / len(queries), f"trying {labelled.id}")
        query = Query(text=labelled.query, constraints=Constraints(explain=False))
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
            budget = options.max_cost_usd
            if route == "cloud" and budget is not None and spent + parts.cloud_cost_usd(state["text"]) > budget:
                continue
            shorten = cut < options.most_short_answers
            trial = await _try(route, state, runtime, labelled, shorten=shorten)
            if trial is None:
                continue
            cut += trial.short_signals is not None
            spent += trial.cost_usd
            trials.append(trial)
    if progress:
        progress(1.0, "trials done")
    return trials


async def _try(
    route: Route, state: RouterState, runtime: Runtime[Run], labelled: LabelledQuery, *, shorten: bool
) -> Trial | None:
    """None where the labels can't tell whether the answer is right."""
    state = {**state, "remaining": (route,), "plan": _only(route, state["plan"])}
    match route:
        case "classifier":
            found = await nodes.classify(state, runtime)
        case "grounded":
            state |= await nodes.retrieve(state, runtime)
            found = await nodes.ground(state, runtime)
        case "cloud":
            found = await nodes.cloud(state, runtime)
    candidate = found["candidate"]
    assert candidate is not None
    right = False if candidate.answer is None else labelled.is_right(candidate.answer)
    if right is None:
        return None
    short = await _short(candidate, state["text"], runtime.context, labelled) if right and shorten else None
    return Trial(
        query_id=labelled.id,
        route=route,
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
    found = await short_answer(
        run.parts.scorer, text, candidate.answer.text or "", asked=asked, deadline_s=run.deadline_s
    )
    return (found.signals(), labelled.is_right_short(found.text)) if found else None


def _only(route: Route, plan: Plan) -> Plan:
    return Plan((route,), {}, plan.estimates, plan.threshold)

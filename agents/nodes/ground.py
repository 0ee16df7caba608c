"""Ground: an answer held to the retrieved passages, quoted from them or written and checked against them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from langgraph.runtime import Runtime

from agents.defences import mark_for, objection
from agents.grounding import Grounding
from agents.grounding.prompts import question_over_passages
from agents.grounding.write import write_answer
from agents.nodes.retrieve import find_passages
from agents.state import Candidate, RouterState, Run
from signalbox.contracts import ChatModel, Passage
from signalbox.errors import SignalboxError, Unavailable
from signalbox.telemetry import get_logger, span
from signalbox.types import Answer

log = get_logger(__name__)


async def ground(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    run = runtime.context
    started = time.perf_counter()
    with span("ground", style=run.parts.style):
        try:
            candidate = await _attempt(state, run)
        except SignalboxError as error:
            candidate = Candidate(route="grounded", answer=None, failure=error.detail, broken=True)
    spent = (time.perf_counter() - started) * 1000
    return {"candidate": candidate.timed(spent), "remaining": state["remaining"][1:]}


async def _attempt(state: RouterState, run: Run) -> Candidate:
    parts, found = run.parts, await find_passages(state, run)
    passages = found.passages
    if parts.grounder is None or not passages:
        return Candidate(route="grounded", answer=None, failure="no document matches the query")
    grounding, broken = await run.in_time(parts.grounder.ground, state["routed"], passages), False
    if not grounding.quotes:
        return Candidate(route="grounded", answer=None, failure="the documents found have no sentence to quote")
    if parts.style == "write" and parts.local is not None:
        try:
            return await _written(parts.local, state, grounding, passages, run)
        except Unavailable as error:
            # The quotes need no model: a person who waits is better served by them than by nothing.
            log.warning("writing failed; quoting instead", error=type(error).__name__)
            broken = True
    return Candidate(
        route="grounded",
        answer=Answer(text=grounding.quotes[0].text),
        evidence=grounding.quotes,
        signals={**state["features"], **grounding.signals},
        model=parts.local.name if parts.local else None,
        broken=broken,
    )


async def _written(
    model: ChatModel, state: RouterState, grounding: Grounding, passages: Sequence[Passage], run: Run
) -> Candidate:
    question, defences = state["text"], run.parts.defences
    texts = [text for passage in passages for text in (passage.title, passage.text)]
    mark = mark_for(question, texts) if "spotlighting" in defences else None
    written = await write_answer(model, question, passages, deadline_s=run.deadline_s, observe=run.observe, mark=mark)
    failure = written.failure
    if written.text and "output" in defences:
        failure = objection(
            written.text,
            instructions=question_over_passages("", ())[0].content,
            shown=(question, *texts),
            flagged=state.get("flagged", ()),
        )
    return Candidate(
        route="grounded",
        answer=Answer(text=written.text) if written.text and failure is None else None,
        failure=failure,
        evidence=grounding.quotes,
        signals={**state["features"], **grounding.signals, "supported": written.supported},
        model=written.result.model,
        usage=written.result.usage,
        cost_usd=written.result.cost_usd,
    )

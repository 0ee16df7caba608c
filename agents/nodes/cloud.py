"""Cloud: ask the paid LLM, with the passages found as context, and let it say that it doesn't know."""

from __future__ import annotations

import time
from collections.abc import Mapping

from langgraph.runtime import Runtime

from agents.events import AttemptStarted, ask_model
from agents.grounding.prompts import UNKNOWN, question_over_passages
from agents.nodes.retrieve import find_passages
from agents.state import Candidate, RouterState, Run
from signalbox.contracts import ChatRequest, ChatResult
from signalbox.errors import SignalboxError
from signalbox.telemetry import span
from signalbox.types import Answer

_TO_FINISH_S = 0.06


async def cloud(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    run, query = runtime.context, state["query"]
    model = run.parts.cloud
    assert model is not None, "the plan offers this route only with a cloud model"
    run.tell(AttemptStarted("cloud"))
    try:
        passages = await find_passages(state, run)
    except SignalboxError:
        passages = ()  # the cloud may know the answer without them
    request = ChatRequest(
        messages=(*query.history, *question_over_passages(state["text"], passages[:5])),
        max_tokens=run.parts.cloud_max_tokens,
        logprobs=True,
        deadline_s=_answer_by_s(run),
        caller=query.caller,
        max_cost_usd=query.constraints.max_cost_usd,
    )
    started = time.perf_counter()
    with span("cloud", model=model.name):
        try:
            result = await ask_model(model, request, "cloud", run.observe)
            candidate = _candidate(result, state["features"])
        except SignalboxError as error:
            candidate = Candidate(
                route="cloud",
                answer=None,
                model=model.name,
                cost_usd=error.cost_usd,
                failure=error.detail,
                broken=True,
            )
    spent = (time.perf_counter() - started) * 1000
    return {
        "candidate": candidate.timed(spent),
        "remaining": state["remaining"][1:],
        "passages": passages,
    }


def _answer_by_s(run: Run) -> float:
    """A little before the query's deadline: what came of it must still be stored and sent."""
    left_s = max(0.0, run.time_left_ms() / 1000)
    return run.deadline_s - min(_TO_FINISH_S, left_s / 10)


def _candidate(result: ChatResult, features: Mapping[str, float]) -> Candidate:
    text = result.text.strip()
    unknown = not text or UNKNOWN.lower() in text.lower()
    return Candidate(
        route="cloud",
        answer=None if unknown else Answer(text=text),
        failure="the model says that it doesn't know" if unknown else None,
        signals={**features, **cloud_signals(result)},
        model=result.model,
        usage=result.usage,
        cost_usd=result.cost_usd,
    )


def cloud_signals(result: ChatResult) -> dict[str, float]:
    """Quantiles of the tokens' log-probabilities (their mean says little) and the answer's length.

    `has_logprobs` is 0, and the quantiles too, where the server sends none.
    """
    tokens = sorted(result.logprobs)
    at = {name: tokens[int(q * (len(tokens) - 1))] if tokens else 0.0 for name, q in _QUANTILES.items()}
    return {"has_logprobs": float(bool(tokens)), **at, "answer_words": float(len(result.text.split()))}


_QUANTILES = {"logprob_min": 0.0, "logprob_q10": 0.1, "logprob_q50": 0.5}

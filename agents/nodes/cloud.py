"""Cloud: ask the paid LLM, with the passages found as context, and let it say that it doesn't know."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from langgraph.runtime import Runtime

from agents.defences import Redaction, mark_for, objection
from agents.events import AttemptStarted, ask_model
from agents.grounding.prompts import UNKNOWN, question_over_passages
from agents.nodes.retrieve import Found, find_passages, kept
from agents.state import Candidate, RouterState, Run
from signalbox.contracts import ChatRequest, ChatResult
from signalbox.errors import SignalboxError
from signalbox.telemetry import span
from signalbox.types import Answer, Message

_TO_FINISH_S = 0.06
_PASSAGES_SENT = 5


async def cloud(state: RouterState, runtime: Runtime[Run]) -> RouterState:
    run, query = runtime.context, state["query"]
    model = run.parts.cloud
    assert model is not None, "the plan offers this route only with a cloud model"
    run.tell(AttemptStarted("cloud"))
    searched = True
    try:
        found = await find_passages(state, run)
    except SignalboxError:
        found, searched = Found(()), False  # the cloud may know the answer without them
    prompt = _prompt(state, run, found)
    request = ChatRequest(
        messages=prompt.messages,
        max_tokens=run.parts.cloud_max_tokens,
        logprobs=True,
        deadline_s=_answer_by_s(run),
        caller=query.caller,
        max_cost_usd=query.constraints.max_cost_usd,
    )
    started, trouble = time.perf_counter(), None
    with span("cloud", model=model.name):
        try:
            result = await ask_model(model, request, "cloud", prompt.redaction.restoring(run.observe))
            trouble = result.trouble
            candidate = replace(_candidate(result, state["features"], prompt), broken=not searched)
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
    warnings = kept(state, found).get("warnings", state["warnings"])
    if trouble is not None:
        warnings = (*warnings, f"cloud: {trouble}")
    if prompt.redacted:
        warnings = (*warnings, f"defence redaction: {prompt.redacted} personal data were kept from the cloud")
    return {
        "candidate": candidate.timed(spent),
        "remaining": state["remaining"][1:],
        "passages": found.passages,
        "flagged": found.flagged,
        "warnings": warnings,
    }


@dataclass(frozen=True, slots=True)
class _Prompt:
    """What the cloud is sent, and what its answer is held against."""

    messages: tuple[Message, ...]
    redaction: Redaction
    redacted: int
    shown: tuple[str, ...]
    flagged: tuple[str, ...]
    mark: str | None
    checked: bool


def _prompt(state: RouterState, run: Run, found: Found) -> _Prompt:
    defences, redaction = run.parts.defences, Redaction()
    history, question, passages = state["query"].history, state["text"], found.passages[:_PASSAGES_SENT]
    # By what stands there, personal data included: an answer may name it once it is put back.
    shown = (question, *(turn.content for turn in history), *(f"{one.title}\n{one.text}" for one in passages))
    own = 0  # the caller's; what stands in documents is the operator's, and no news to anybody
    if "redaction" in defences:
        question = redaction.redact(question)
        history = tuple(turn.model_copy(update={"content": redaction.redact(turn.content)}) for turn in history)
        own = redaction.count
        passages = tuple(
            replace(one, title=redaction.redact(one.title), text=redaction.redact(one.text)) for one in passages
        )
    spotlit = "spotlighting" in defences and passages
    texts = [text for passage in passages for text in (passage.title, passage.text)]
    mark = mark_for(question, texts) if spotlit else None
    return _Prompt(
        messages=(*history, *question_over_passages(question, passages, mark=mark)),
        redaction=redaction,
        redacted=own,
        shown=shown,
        flagged=found.flagged,
        mark=mark,
        checked="output" in defences,
    )


def _answer_by_s(run: Run) -> float:
    """A little before the query's deadline: what came of it must still be stored and sent."""
    left_s = max(0.0, run.time_left_ms() / 1000)
    return run.deadline_s - min(_TO_FINISH_S, left_s / 10)


def _candidate(result: ChatResult, features: Mapping[str, float], prompt: _Prompt) -> Candidate:
    text = prompt.redaction.restore(result.text.strip())
    failure = _no_answer(result)
    if failure is None and prompt.checked:
        marks = (prompt.mark,) if prompt.mark else ()
        instructions = prompt.messages[-2].content
        found = objection(text, instructions=instructions, shown=prompt.shown, flagged=prompt.flagged, marks=marks)
        failure = f"defence output: {found}" if found else None
    return Candidate(
        route="cloud",
        answer=Answer(text=text) if failure is None else None,
        failure=failure,
        signals={**features, **cloud_signals(result)},
        model=result.model,
        usage=result.usage,
        cost_usd=result.cost_usd,
    )


def _no_answer(result: ChatResult) -> str | None:
    """Why what the model said is no answer: half of one is none either."""
    match result.finish_reason:
        case "length":
            tokens = result.usage.output_tokens
            return f"the model was cut off after {tokens} tokens (SIGNALBOX_CLOUD_MAX_TOKENS) and did not finish"
        case "content_filter":
            return "the server's content filter withheld the answer"
        case "refusal":
            return "the model refuses to answer"
    if not result.text.strip():
        return "the model said nothing"
    return "the model says that it doesn't know" if UNKNOWN.lower() in result.text.lower() else None


def cloud_signals(result: ChatResult) -> dict[str, float]:
    """Quantiles of the tokens' log-probabilities (their mean says little) and the answer's length.

    `has_logprobs` is 0, and the quantiles too, where the server sends none.
    """
    tokens = sorted(result.logprobs)
    at = {name: tokens[int(q * (len(tokens) - 1))] if tokens else 0.0 for name, q in _QUANTILES.items()}
    return {"has_logprobs": float(bool(tokens)), **at, "answer_words": float(len(result.text.split()))}


_QUANTILES = {"logprob_min": 0.0, "logprob_q10": 0.1, "logprob_q50": 0.5}

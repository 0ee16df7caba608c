"""From a prediction to a chat completion: the text a client shows, and beside it what Signalbox knows of it.

Only an accepted answer is shown as text. What waits for a person, or was refused, is said in a sentence.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel

from api.http.idempotency import REPLAYED
from signalbox.types import (
    Answer,
    Attempt,
    Evidence,
    Guarantee,
    LabelAnswer,
    Outcome,
    Prediction,
    ReviewRef,
    Route,
    ValueAnswer,
)

_IN_REVIEW = (
    "I am not sure enough of an answer to give you one, so I have passed your question on to a person, who will "
    "look at it."
)
LATER = "\n\n(I am not sure enough of this answer: a person will check it.)"
INSTEAD = "\n\n(A person has looked at this and answers instead:)\n\n"
_REFUSED = "I can't answer this as it was asked."


class Usage(BaseModel):
    """Tokens that models read and wrote; all 0 where no language model was asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class About(BaseModel):
    """What Signalbox knows of the answer; `prediction` is its id at `/predictions/{id}`."""

    prediction: str
    outcome: Outcome
    route: Route | Literal["review"] | None
    confidence: float | None
    reason: str | None
    short: str | None
    labels: tuple[LabelAnswer, ...] | None
    value: ValueAnswer | None
    evidence: tuple[Evidence, ...]
    attempts: tuple[Attempt, ...]
    policy: str
    guarantee: Guarantee | None
    cost_usd: float
    saved_usd: float
    review: ReviewRef | None
    cached_from: str | None
    warnings: tuple[str, ...]


class CompletionMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    index: Literal[0] = 0
    message: CompletionMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Completion(BaseModel):
    """OpenAI's `chat.completion`, with `signalbox` beside it."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    signalbox: About


def completion(prediction: Prediction, model: str) -> Completion:
    """The answer to a chat that asked for `model`."""
    return Completion(
        id=completion_id(prediction),
        created=int(prediction.created_at.timestamp()),
        model=model,
        choices=[Choice(message=CompletionMessage(content=text_of(prediction)))],
        usage=usage_of(prediction),
        signalbox=about(prediction),
    )


def completion_id(prediction: Prediction) -> str:
    """The same whenever this prediction is answered with."""
    return f"chatcmpl_{prediction.id.removeprefix('prd_')}"


def about(prediction: Prediction) -> About:
    answer = prediction.answer if prediction.outcome == "answered" else None
    return About(
        prediction=prediction.id,
        outcome=prediction.outcome,
        route=prediction.route,
        confidence=prediction.confidence,
        reason=prediction.reason,
        short=answer.short if answer else None,
        labels=answer.labels if answer else None,
        value=answer.value if answer else None,
        evidence=prediction.evidence,
        attempts=prediction.attempts,
        policy=prediction.policy,
        guarantee=prediction.guarantee,
        cost_usd=prediction.cost_usd,
        saved_usd=prediction.saved_usd,
        review=prediction.review,
        cached_from=prediction.cached_from,
        warnings=prediction.warnings,
    )


def headers_of(prediction: Prediction, *, replayed: bool = False) -> dict[str, str]:
    """What a proxy or a log can use without reading the body."""
    headers = {"x-signalbox-prediction": prediction.id, "x-signalbox-outcome": prediction.outcome}
    if replayed:
        headers[REPLAYED] = "true"
    if prediction.route is not None:
        headers["x-signalbox-route"] = prediction.route
    if prediction.confidence is not None:
        headers["x-signalbox-confidence"] = f"{prediction.confidence:.4f}"
    return headers


def usage_of(prediction: Prediction) -> Usage:
    """Over all attempts, the ones that were left too."""
    used = [attempt.usage for attempt in prediction.attempts if attempt.usage is not None]
    read, written = sum(item.input_tokens for item in used), sum(item.output_tokens for item in used)
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


def text_of(prediction: Prediction) -> str:
    """What the client shows."""
    if prediction.outcome == "in_review":
        return _IN_REVIEW
    if prediction.outcome == "refused":
        return f"{_REFUSED} {prediction.reason}" if prediction.reason else _REFUSED
    return _written(prediction.answer) if prediction.answer else ""


def pieces(text: str) -> list[str]:
    """`text` in pieces of a word each; joined they are `text` again."""
    return re.findall(r"\S+\s*|\s+", text)


def _written(answer: Answer) -> str:
    if answer.text is not None:
        return answer.text
    if answer.labels:
        return "; ".join(f"{item.task}: {item.label}" for item in answer.labels)
    if answer.value is not None:
        number = answer.value
        unit = f" {number.unit}" if number.unit else ""
        if number.low == number.estimate == number.high:  # a person's
            return f"{number.estimate:.15g}{unit}"
        return f"{number.estimate:g}{unit} ({number.low:g} to {number.high:g}, {number.level:.0%} sure)"
    return ""

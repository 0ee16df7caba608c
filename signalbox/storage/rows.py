"""A prediction's written form: the columns of its rows, and the JSON body that gives it back exactly.

Pure functions; when and where the rows are written is the store's business.
"""

from __future__ import annotations

import hashlib
import math
from datetime import UTC
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from signalbox.errors import CorruptArtefact, InvalidInput
from signalbox.storage.priority import queue_rank, review_priority
from signalbox.storage.texts import search_text
from signalbox.types import Attempt, Prediction

MAX_ID_CHARS = 200


def check(prediction: Prediction) -> None:
    """Refuse what the tables can't hold.

    Raises:
        InvalidInput: a text in a column has a NUL character, an id is empty or too long, the time has no zone, or a
            prediction in review names no review.
    """
    _check_id("id", prediction.id)
    _check_text("policy", prediction.policy)
    if prediction.session_id is not None:
        _check_text("session_id", prediction.session_id)
    for attempt in prediction.attempts:
        if attempt.model is not None:
            _check_text("attempts.model", attempt.model)
    if prediction.created_at.tzinfo is None:
        raise InvalidInput("created_at has no time zone; give a UTC time.", field="created_at")
    if not math.isfinite(prediction.saved_usd):
        raise InvalidInput(f"saved_usd is {prediction.saved_usd}; it must be a finite number.", field="saved_usd")
    if prediction.outcome == "in_review":
        if prediction.review is None:
            raise InvalidInput("A prediction in review must name its review; set review.", field="review")
        _check_id("review.id", prediction.review.id)
        if prediction.reason is not None:
            _check_text("reason", prediction.reason)


def prediction_row(prediction: Prediction) -> dict[str, Any]:
    body = _body(prediction)
    text = prediction.query
    return {
        "id": prediction.id,
        "created_at": prediction.created_at,
        "outcome": prediction.outcome,
        "route": prediction.route,
        "confidence": prediction.confidence,
        "policy": prediction.policy,
        "cost_usd": prediction.cost_usd,
        "saved_usd": prediction.saved_usd,
        "duration_ms": prediction.duration_ms,
        "query_hash": None if text is None else hashlib.sha256(text.encode()).hexdigest(),
        "session_id": prediction.session_id,
        "body": body,
    }


def ledger_row(prediction: Prediction) -> dict[str, Any]:
    """The money and tokens of all attempts, under the model that answered, or else the one that cost most."""
    used = [attempt.usage for attempt in prediction.attempts if attempt.usage is not None]
    return {
        "prediction_id": prediction.id,
        "created_at": prediction.created_at,
        "day": prediction.created_at.astimezone(UTC).date(),
        "route": prediction.route,
        "model": _model(prediction.attempts),
        "cost_usd": prediction.cost_usd,
        "saved_usd": prediction.saved_usd,
        "input_tokens": sum(usage.input_tokens for usage in used),
        "output_tokens": sum(usage.output_tokens for usage in used),
    }


def review_row(prediction: Prediction) -> dict[str, Any] | None:
    """The item that waits for a person; None when the prediction needs none."""
    if prediction.outcome != "in_review" or prediction.review is None:
        return None
    priority = review_priority(prediction)
    return {
        "id": prediction.review.id,
        "prediction_id": prediction.id,
        "created_at": prediction.created_at,
        "state": "waiting",
        "reason": prediction.reason,
        "version": 1,
        "priority": priority,
        "rank": queue_rank(priority, prediction.created_at),
        "search_text": search_text(prediction.query),
        "webhook_url": prediction.webhook_url,
    }


def from_body(id: str, body: str) -> Prediction:  # noqa: A002
    """The prediction that a body was made from.

    Fields that only a newer version knows are passed over, so that an older one can be gone back to.

    Raises:
        CorruptArtefact: the body was changed by hand, or a field means something else now.
    """
    try:
        return Prediction.model_validate_json(body, extra="ignore")
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise CorruptArtefact(
            f"The stored prediction {id} can't be read ({where}: {problem['msg']}): it was changed by hand, or another "
            "version of Signalbox wrote it."
        ) from None


def _model(attempts: tuple[Attempt, ...]) -> str | None:
    named = [attempt for attempt in attempts if attempt.model is not None]
    if not named:
        return None
    return max(named, key=lambda attempt: (attempt.outcome == "accepted", attempt.cost_usd)).model


def _body(prediction: Prediction) -> str:
    """JSON has no infinities and no NaN; written as strings, the types' float fields read them back."""
    try:
        return to_json(prediction.model_dump(mode="python"), inf_nan_mode="strings").decode()
    except PydanticSerializationError as error:
        raise InvalidInput(f"A text of the prediction is no valid Unicode ({error}); correct it.") from None


def _check_id(field: str, value: str) -> None:
    if not 1 <= len(value) <= MAX_ID_CHARS:
        raise InvalidInput(f"{field} has {len(value)} characters; give 1 to {MAX_ID_CHARS}.", field=field)
    _check_text(field, value)


def _check_text(field: str, value: str) -> None:
    if "\x00" in value:
        raise InvalidInput(f"{field} has a NUL character, which databases can't hold; remove it.", field=field)

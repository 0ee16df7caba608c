"""Waiting for a person's decision on a prediction that is stored already: whatever goes wrong, the caller gets it.

It is paid for and has an id, so an error instead would cost the caller both. How long he may wait is not known here.
"""

from __future__ import annotations

from evaluators.review import ReviewQueue
from signalbox.errors import SignalboxError
from signalbox.telemetry import get_logger
from signalbox.types import Prediction

log = get_logger(__name__)


async def reviewed(reviews: ReviewQueue, prediction: Prediction, wait_ms: float) -> Prediction:
    """The prediction as a person has decided on it, if that happens in time; as it was, with a warning, on errors."""
    if prediction.outcome != "in_review" or not wait_ms:
        return prediction
    try:
        return await reviews.wait(prediction.id, wait_ms, caller=prediction.caller)
    except SignalboxError as error:
        log.warning("a review was not waited for", prediction=prediction.id, reason=error.detail)
        warning = f"The review was not waited for: {error.detail} Look at /predictions/{prediction.id} later."
        return prediction.model_copy(update={"warnings": (*prediction.warnings, warning)})

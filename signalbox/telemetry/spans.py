"""What the spans of a request and of a query say: names by OpenTelemetry's conventions for HTTP, else `signalbox.…`.

All of it is bounded and none of it content, unless that is captured.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from signalbox.telemetry.tracing import AttributeValue, captures_content, clean, span
from signalbox.types import Prediction


def request_span() -> AbstractContextManager[Span]:
    """The span of one HTTP request that this service answers; what it says is set at its end."""
    return span("HTTP", kind=SpanKind.SERVER)


def describe_request(
    current: Span, method: str, path: str, scheme: str, *, route: str | None, status: int | None
) -> None:
    """Say what was asked and how it was answered.

    Args:
        route: the template of the path; None where there is none, so that the method is the caller's choice too.
        status: None where no answer was begun.
    """
    if not current.is_recording():
        return
    values: dict[str, AttributeValue | None] = {
        "http.request.method": method if route is not None else "_OTHER",
        "http.route": route,
        "http.response.status_code": status,
        "url.path": path,
        "url.scheme": scheme,
    }
    if route is not None:
        current.update_name(f"{method} {route}")
    if status is None or status >= 500:
        values["error.type"] = "cancelled" if status is None else str(status)
        current.set_status(Status(StatusCode.ERROR))
    current.set_attributes(clean(values))


def describe_prediction(current: Span, prediction: Prediction) -> None:
    """Say what became of a query: enough to find the prediction, and to look for those like it."""
    if not current.is_recording():
        return
    values: dict[str, AttributeValue | None] = {
        "signalbox.prediction": prediction.id,
        "signalbox.outcome": prediction.outcome,
        "signalbox.answered_by": prediction.route,
        "signalbox.confidence": prediction.confidence,
        "signalbox.policy": prediction.policy,
        "signalbox.cost_usd": prediction.cost_usd,
        "signalbox.overhead_ms": prediction.overhead_ms,
        "signalbox.cached_from": prediction.cached_from,
        "signalbox.caller": prediction.caller,
        "gen_ai.conversation.id": prediction.session_id,
    }
    if captures_content():
        values["signalbox.query"] = prediction.query
        values["signalbox.answer"] = prediction.answer.text if prediction.answer is not None else None
    current.set_attributes(clean(values))
    current.set_attribute("signalbox.attempts", [f"{each.route} {each.outcome}" for each in prediction.attempts])

"""What a query's events look like on the wire, and how the OpenAPI document describes such a stream."""

from __future__ import annotations

from typing import Any, assert_never

from agents.events import AttemptFinished, AttemptStarted, Event, EvidenceFound, Token
from api.http.negotiation import SSE
from api.stream.response import sse

_EXAMPLE = """event: attempt
data: {"state":"started","route":"grounded"}

event: evidence
data: {"route":"grounded","evidence":[{"kind":"quote","document_id":"returns.md","text":"Refunds arrive …"}]}

event: attempt
data: {"state":"finished","attempt":{"route":"grounded","outcome":"accepted","reason":"at or above 0.90"}}

event: prediction
data: {"id":"prd_01JD…","outcome":"answered","answer":{"text":"Refunds arrive …"}}

"""

PREDICTION_STREAM: dict[str, Any] = {
    "description": "The prediction, or events that end with it.",
    "content": {SSE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
}


def told(event: Event) -> bytes:
    """The server-sent event that tells a caller of `event`."""
    match event:
        case AttemptStarted(route):
            return sse("attempt", {"state": "started", "route": route})
        case AttemptFinished(attempt):
            return sse("attempt", {"state": "finished", "attempt": attempt})
        case Token(route, text):
            return sse("token", {"route": route, "text": text})
        case EvidenceFound(route, evidence):
            return sse("evidence", {"route": route, "evidence": evidence})
        case _:
            assert_never(event)

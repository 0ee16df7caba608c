"""Errors in OpenAI's form, from which its clients make their exception classes. Everything under /v1 answers so.

A problem of `api.http.errors` is only written differently here; which error it is has been decided there. OpenAI's
clients know 400 where the rest of the service says 422 or 413, and repeat what is 408, 409, 429 or 5xx unless told
not to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response
from starlette.types import Scope

from signalbox.errors import InvalidInput

_PREFIX = "/v1"
_STATUSES = {402: 429, 422: 400}
_CODES = {
    "query-too-long": "context_length_exceeded",
    "body-too-large": "request_too_large",
    "budget-exceeded": "insufficient_quota",
    "unauthorized": "invalid_api_key",
    "too-many-requests": "rate_limit_exceeded",
    "rate-limited": "rate_limit_exceeded",
}
# Fields of our own requests by what they are called here.
_PARAMETERS = {"query": "messages", "body": None} | {
    name: f"signalbox.{name}"
    for name in (
        "expert",
        "session_id",
        "max_cost_usd",
        "deadline_ms",
        "local_only",
        "alpha",
        "wait_for_review_ms",
        "webhook_url",
    )
}


class ErrorDetail(BaseModel):
    """What went wrong, in a sentence and in words for programs; `param` names the input at fault."""

    message: str = Field(examples=["There is no model 'gpt-4o'; known are: signalbox/auto."])
    type: str = Field(examples=["invalid_request_error"])
    param: str | None = Field(examples=["model"])
    code: str | None = Field(examples=["model_not_found"])


class ErrorBody(BaseModel):
    """OpenAI's error form."""

    error: ErrorDetail


class Refused(InvalidInput):
    """A parameter that can't be granted. `code` is the word that OpenAI's API has for it."""

    def __init__(self, detail: str, *, param: str | None, code: str, status: int = 400) -> None:
        super().__init__(detail, field=param)
        self.code = code
        self.status = status


def is_v1(scope: Scope) -> bool:
    """Whether the request is for a path that answers in OpenAI's form."""
    path: str = scope.get("path", "")
    return path == _PREFIX or path.startswith(_PREFIX + "/")


def of_problem(
    status: int, slug: str, detail: str, *, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The response for a problem of `status` and `slug`, which says `detail`."""
    code = _CODES.get(slug, slug.replace("-", "_"))
    given = dict(headers or {})
    if status == 402:
        given["x-should-retry"] = "false"  # more money does not come by asking again
    if status == 413 and slug != "body-too-large":
        status = 400
    return of_refusal(Refused(detail, param=_PARAMETERS.get(field, field) if field else None, code=code), status, given)


def of_refusal(error: Refused, status: int | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """The response for `error`, with another status where one is given."""
    status = status or error.status
    status = _STATUSES.get(status, status)
    body = {"error": {"message": error.detail, "type": _type(status), "param": error.field, "code": error.code}}
    # A name the caller sent may hold half a surrogate pair, which UTF-8 can't carry.
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status_code=status, media_type="application/json", headers=dict(headers or {}))


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route, for its `responses`."""
    described: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorBody, "description": HTTPStatus(status).phrase} for status in statuses
    }
    # Keeps the framework from describing a 422 of its own, which is never sent.
    return {**described, "4XX": {"model": ErrorBody, "description": "Another error of the request"}}


def _type(status: int) -> str:
    if status >= 500:
        return "server_error"
    return {401: "authentication_error", 403: "permission_error", 429: "requests"}.get(status, "invalid_request_error")

"""How an error looks over HTTP: RFC 9457 problem details, never a traceback, never HTML.

The one table from our error tree to status codes is here. What went wrong inside is logged, not sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Scope

from api.v1 import errors as in_openai_form
from signalbox.errors import (
    BudgetExceeded,
    ConfigurationError,
    Conflict,
    CorruptArtefact,
    DeadlineExceeded,
    InvalidInput,
    MissingDependency,
    ModelCrashed,
    NotFound,
    Overloaded,
    SignalboxError,
    TooLarge,
    Unavailable,
    UnknownName,
    UnsupportedType,
    UpstreamError,
)
from signalbox.telemetry import get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
CLIENT_GONE = 499  # nobody reads it; it tells the log apart from an answer

_Kind = tuple[int, str, str]
_KINDS: Mapping[type[SignalboxError], _Kind] = {
    TooLarge: (413, "too-large", "Too large"),
    UnsupportedType: (415, "unsupported-type", "Unsupported type"),
    UnknownName: (422, "unknown-name", "Unknown name"),
    InvalidInput: (422, "invalid-value", "Invalid value"),
    NotFound: (404, "not-found", "Not found"),
    Conflict: (409, "conflict", "Conflict"),
    DeadlineExceeded: (504, "deadline-exceeded", "Deadline exceeded"),
    BudgetExceeded: (402, "budget-exceeded", "Budget exceeded"),
    Overloaded: (503, "overloaded", "Overloaded"),
    ModelCrashed: (503, "model-crashed", "Model crashed"),
    Unavailable: (503, "unavailable", "Unavailable"),
    UpstreamError: (502, "upstream-error", "Upstream error"),
    CorruptArtefact: (500, "corrupt-artefact", "Corrupt artefact"),
    MissingDependency: (500, "missing-dependency", "Missing dependency"),
    ConfigurationError: (500, "configuration-error", "Configuration error"),
    SignalboxError: (500, "internal-error", "Internal error"),
}
_INVALID = _KINDS[InvalidInput]
_SPECIAL: Mapping[tuple[type[SignalboxError], str], _Kind] = {
    (TooLarge, "query"): (413, "query-too-long", "Query too long"),
    (TooLarge, "body"): (413, "body-too-large", "Body too large"),
    (Overloaded, "jobs"): (429, "too-many-jobs", "Too many jobs"),  # the callers' own doing; the service is well
}


class MalformedJson(InvalidInput):
    """The body is no JSON at all, so that no field can be at fault."""


class FieldError(BaseModel):
    """One value at fault: `pointer` leads to it in the body (RFC 6901, as a fragment)."""

    pointer: str = Field(examples=["#/max_cost_usd"])
    field: str = Field(examples=["max_cost_usd"])
    message: str = Field(examples=["Input should be greater than or equal to 0"])


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(examples=["/problems/query-too-long"])
    title: str = Field(examples=["Query too long"])
    status: int = Field(examples=[413])
    detail: str = Field(examples=["The query has 9,120 characters; the limit is 8,000. Shorten it."])
    instance: str = Field(examples=["/predict"])
    request_id: str | None = Field(None, examples=["req_01JD3V5ZK8Q0T9W4X7Y2B6C1DE"])
    field: str | None = Field(None, description="The input at fault, where there is one.", examples=["query"])
    errors: list[FieldError] | None = Field(None, description="The values at fault, the first 50 of them.")


def problem_response(
    scope: Scope,
    kind: _Kind,
    detail: str,
    *,
    field: str | None = None,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response that says `detail`; `kind` is status, slug and title. Under /v1 it is in OpenAI's form."""
    status, slug, title = kind
    if in_openai_form.is_v1(scope):
        return in_openai_form.of_problem(status, slug, detail, field=field, headers=headers)
    problem = Problem(
        type=f"/problems/{slug}",
        title=title,
        status=status,
        detail=detail,
        instance=shorten(scope.get("path", "/"), _LONGEST_PATH),
        request_id=scope.get("state", {}).get("request_id"),
        field=field,
        errors=list(errors) if errors else None,
    )
    # A name the caller sent may hold half a surrogate pair, which UTF-8 can't carry.
    text = json.dumps(problem.model_dump(exclude_none=True), ensure_ascii=False).encode("utf-8", "replace")
    return Response(text, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def of_error(scope: Scope, error: SignalboxError) -> Response:
    """The response for one of our errors; those that are our fault are logged too."""
    kind = _kind(error)
    headers = {}
    if isinstance(error, (Unavailable, Conflict)) and (wait_s := getattr(error, "retry_after_s", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait_s)))
    if isinstance(error, TooLarge) and error.field == "body":
        headers["Connection"] = "close"  # the rest of the body is not worth reading
    if kind[0] >= 500:
        log.warning("request failed", error=type(error).__name__, detail=error.detail)
    return problem_response(scope, kind, error.detail, field=error.field, headers=headers)


def of_crash(scope: Scope) -> Response:
    """The response for an error nobody expected; the caller gets the id under which the log tells more."""
    request_id = scope.get("state", {}).get("request_id")
    detail = f"Something failed that should not. The service's log tells more under {request_id}."
    return problem_response(scope, (500, "internal-error", "Internal error"), detail)


def of_exception(scope: Scope, error: Exception) -> Response:
    """The response for whatever went wrong where no handler of the framework sees it, as in mid-stream."""
    if isinstance(error, SignalboxError):
        return of_error(scope, error)
    if isinstance(error, HTTPException):
        return of_http(scope, error)
    log.error("unexpected error", path=scope.get("path"), exc_info=error)
    return of_crash(scope)


def stopping() -> Unavailable:
    """What running requests are told when the service ends before they do."""
    return Unavailable("The service stopped before the answer was ready. Ask again.", retry_after_s=5.0)


def install(app: FastAPI) -> None:
    """Makes `app` answer every error as a problem. Unexpected ones are left to the outermost middleware."""
    app.add_exception_handler(SignalboxError, _on_error)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


def _kind(error: SignalboxError) -> _Kind:
    if isinstance(error, MalformedJson):
        return 400, "malformed-json", "Malformed JSON"
    for kind in type(error).__mro__:
        if error.field is not None and (kind, error.field) in _SPECIAL:
            return _SPECIAL[kind, error.field]
        if kind in _KINDS:
            return _KINDS[kind]
    raise AssertionError("the table has the root of the tree")


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignalboxError)
    return of_error(request.scope, error)


async def _on_http(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    return of_http(request.scope, error)


def of_http(scope: Scope, error: HTTPException) -> Response:
    """The response for what the framework refuses, or we with a status that our own errors don't have."""
    title = HTTPStatus(error.status_code).phrase.capitalize()
    path = shorten(scope["path"], _LONGEST_PATH)
    detail = {
        404: f"There is nothing at {path}. /openapi.json lists what there is.",
        405: f"{path} does not take {scope['method']}; see the Allow header.",
    }.get(error.status_code, str(error.detail))
    kind = (error.status_code, title.lower().replace(" ", "-"), title)
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"  # see `head`
    return problem_response(scope, kind, detail, headers=headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return of_invalid(request.scope, error.errors())


def of_invalid(scope: Scope, invalid: Sequence[Any]) -> Response:
    """The response for values that pydantic found at fault; the first of each `loc` says whose part they are."""
    count = len(invalid)
    found = [_field_error(item) for item in invalid[:_MOST_LISTED]]
    names = list(dict.fromkeys(item.field for item in found))
    if count == 1:
        detail = f"{names[0]}: {found[0].message}."
    else:
        shown = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
        detail = f"{count:,} values are invalid ({shown}); see errors."
    return problem_response(scope, _INVALID, detail, field=names[0], errors=found)


async def _on_disconnect(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


# Nobody reads more, and what is sent back should not outgrow what came in.
_MOST_LISTED = 50
_MOST_NAMED = 5
_LONGEST_NAME = 80
_LONGEST_PATH = 300

# Branches of a union, which are no part of the way to a value.
_BRANCHES = {"text", "messages"}


def _field_error(item: Mapping[str, Any]) -> FieldError:
    """A value at fault, without the value: it may be long, secret or unprintable."""
    where, *path = item["loc"]
    if len(path) > 1 and path[1] in _BRANCHES:
        del path[1]
    message = str(item["msg"]).removeprefix("Value error, ").rstrip(".")
    if item["type"] == "extra_forbidden":
        message = "There is no such field"
    elif item["type"] == "missing":
        message = "This field is missing"
    elif item["type"] in ("model_attributes_type", "model_type") and not path:
        message = "It must be a JSON object"
    pointer = "".join("/" + shorten(str(part)).replace("~", "~0").replace("/", "~1") for part in path)
    return FieldError(pointer="#" + pointer, field=shorten(str(path[0] if path else where)), message=message)


def shorten(name: str, most: int = _LONGEST_NAME) -> str:
    """A name the caller made up, at a length that is fit for a message."""
    return name if len(name) <= most else name[:most] + "…"

"""What a failed call means in our own errors, and whether the failure may pass.

Only 429, 5xx and broken connections may; a refused key, an unknown model or an answer that is no answer stays wrong
however often it is asked for. Messages never hold the key, and little of what the server said.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp
import httpx2
import openai

from signalbox.errors import (
    ConfigurationError,
    DeadlineExceeded,
    Overloaded,
    SignalboxError,
    UpstreamError,
)
from signalbox.models.retry import retry_after_s
from signalbox.telemetry.masking import mask_text

# What reading a piece that is none, or nests too deep, raises.
NO_JSON = (ValueError, RecursionError)
_MOST_SAID = 200
_DEEPEST = 4
# Neither waiting nor asking again helps: the account is out of money.
_OUT_OF_MONEY = ("insufficient_quota", "billing_hard_limit_reached")
_BROKE_S = 3600.0
# A gateway's words for "the model may have answered, but I did not hear it".
_LOST_ANSWERS = (502, 504, 520, 522, 524)
_NOT_SUPPORTED = ("unsupported_parameter", "unsupported_value")
# The same in prose, from servers without such codes: "You are not allowed to request logprobs from this model".
_REFUSES = re.compile(r"support|allow|enabled|unrecognized|unknown|unexpected|extra", re.IGNORECASE)
_PARAMETER = re.compile(r"\b(temperature|seed|logprobs|stream_options)\b|['\"`](stop)['\"`]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call.

    Attributes:
        error: what to raise when it is final.
        passing: trying again may help.
        wait_s: how long the server asked to wait.
        unsupported: the request parameter this model doesn't take.
    """

    error: SignalboxError
    passing: bool = False
    wait_s: float | None = None
    unsupported: str | None = None


def explain(error: Exception, *, host: str, model: str) -> Failure:
    """Translates what the SDK or its HTTP client raised. `host` and `model` name the culprit in messages."""
    cause = _seen(error)
    if isinstance(cause, SignalboxError):
        return Failure(cause)
    if isinstance(cause, aiohttp.ConnectionTimeoutError | httpx2.ConnectTimeout):
        unreached = f"{host} can't be reached: no connection in time."
        return Failure(UpstreamError(unreached, passing=True, charged=False), passing=True)
    if _is_late(cause):
        late = f"{model} at {host} did not answer before the deadline. Allow more time for the query."
        return Failure(DeadlineExceeded(late))
    if isinstance(error, openai.APIStatusError):
        return _by_status(error, host, model)
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError | aiohttp.ClientError):
        # Only where no connection came about is it certain that nothing was worked on.
        charged = not isinstance(cause, aiohttp.ClientConnectorError | httpx2.ConnectError)
        unreached = f"{host} can't be reached: {_why(cause)}."
        return Failure(UpstreamError(unreached, passing=True, charged=charged), passing=True)
    if isinstance(error, openai.APIError):
        return Failure(UpstreamError(f"{host} failed while answering: {_said(error)}"))
    if isinstance(error, NO_JSON):
        return Failure(UpstreamError(f"{host} sent a piece of the stream that is no JSON."))
    raise error


def is_broken_off(error: Exception) -> bool:
    """Whether a connection ended in the middle of an answer, other than by taking too long."""
    cause = _seen(error)
    return isinstance(cause, aiohttp.ClientError | httpx2.TransportError) and not _is_late(cause)


def _why(cause: BaseException) -> str:
    match cause:
        case aiohttp.ClientConnectorDNSError():
            return "its name leads nowhere"
        case aiohttp.ClientSSLError():
            return f"no secure connection came about ({type(cause).__name__})"
        case aiohttp.ClientConnectorError():
            return os.strerror(cause.errno).lower() if cause.errno else "no connection came about"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError():
            return "it hung up before it answered"
        case _:
            return type(cause).__name__


def _is_late(cause: BaseException) -> bool:
    late = aiohttp.ServerTimeoutError | httpx2.TimeoutException | openai.APITimeoutError | TimeoutError
    return isinstance(cause, late)


def _seen(error: Exception) -> BaseException:
    """What the connection itself met: the layers above call every loss of it a timeout of connecting."""
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
    return cause.__cause__ if isinstance(cause.__cause__, aiohttp.ClientError) else cause


def wrong_type(host: str, headers: Mapping[str, str], wanted: str) -> UpstreamError | None:
    """An error when the answer is not of media type `wanted`: a login page, a proxy's notice, the wrong path."""
    found = headers.get("content-type", "").partition(";")[0].strip().lower()
    if found == wanted:
        return None
    return UpstreamError(
        f"{host} answered with {found or 'no media type'} instead of {wanted}. Does the base URL end where its API "
        "starts (often /v1)?"
    )


@contextmanager
def at(host: str) -> Iterator[None]:
    """Puts the server's name before what is wrong with its answer."""
    try:
        yield
    except UpstreamError as error:
        raise UpstreamError(f"{host}: {error.detail}", status=error.status) from None


def _by_status(error: openai.APIStatusError, host: str, model: str) -> Failure:
    status, wait_s = error.status_code, retry_after_s(error.response.headers)
    unsupported = _unsupported(error) if status in (400, 403, 422) else None
    if status in (401, 403) and unsupported is None:
        return Failure(
            ConfigurationError(
                f"{host} refused the API key ({status}) for {model}. Check SIGNALBOX_CLOUD_API_KEY and its rights.",
                field="cloud_api_key",
            )
        )
    if status == 404:
        return Failure(
            ConfigurationError(
                f"{host} has no model {model!r}, or no API at this path (404). Check SIGNALBOX_CLOUD_MODEL and the "
                "base URL.",
                field="cloud_model",
            )
        )
    if status == 429:
        broke = error.code in _OUT_OF_MONEY
        why = "the account is out of credit" if broke else "too many requests"
        default_s = _BROKE_S if broke else 1.0
        overloaded = Overloaded(f"{host} turned the request away: {why}.", retry_after_s=_default(wait_s, default_s))
        return Failure(overloaded, passing=not broke, wait_s=wait_s)
    passing, charged = status >= 500, status in _LOST_ANSWERS
    said = f"{host} answered {status}: {_said(error)}"
    upstream = UpstreamError(said, status=status, passing=passing, charged=charged, retry_after_s=wait_s)
    return Failure(upstream, passing=passing, wait_s=wait_s, unsupported=unsupported)


def _unsupported(error: openai.APIError) -> str | None:
    """The parameter of the request that the server refuses, when that is why it failed."""
    if error.code in _NOT_SUPPORTED and isinstance(error.param, str):
        return error.param
    message = _message(error.body)
    if "max_tokens" in message and "max_completion_tokens" in message:
        return "max_tokens"
    found = _PARAMETER.search(message) if _REFUSES.search(message) else None
    return next(filter(None, found.groups())).lower() if found else None


def _default(value: float | None, default: float) -> float:
    return default if value is None else value


def _said(error: openai.APIError) -> str:
    """The server's own words, shortened and masked; a page of HTML is not quoted."""
    text = " ".join(mask_text(_message(error.body)[: 4 * _MOST_SAID]).split()) or "no reason given."
    return text if len(text) <= _MOST_SAID else text[:_MOST_SAID] + "…"


def _message(body: object, depth: int = 0) -> str:
    """Where servers put their words: `{"error": {"message": …}}`, `{"error": …}`, a list of these, or plain text."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, Mapping):
        body = next((body[name] for name in ("error", "message", "detail") if body.get(name)), "")
        return _message(body, depth + 1) if depth < _DEEPEST else ""
    return body if isinstance(body, str) and not body.lstrip().startswith("<") else ""

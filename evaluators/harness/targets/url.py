"""A Signalbox at a URL, asked as any caller asks it."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import SecretStr, ValidationError

from eval_sets.cases import Case
from evaluators.contract import Component, Output
from evaluators.harness.targets.predictions import output_of
from signalbox.errors import ConfigurationError, DeadlineExceeded, Overloaded, SignalboxError, UpstreamError
from signalbox.types import Constraints, Prediction

_TIMEOUT_S = 600.0  # the run's own deadline is the one that counts
_MOST_BYTES = 20_000_000
_PASSAGES = 5


def service_url(url: str) -> httpx.URL:
    """`url` as that of a service. What it holds stands in the manifests of runs, so it holds no secrets.

    Raises:
        ConfigurationError: it is none, or has a user name, a password or a query.
    """
    try:
        where = httpx.URL(url)
        shown = str(where.copy_with(userinfo=b"", query=None, fragment=None))[:200]
    except (httpx.InvalidURL, ValueError):  # its message may hold part of a password
        where, shown = httpx.URL(), "The target"
    # What is left of an @ belongs to a user name that was not written as one.
    secret = where.userinfo or where.query or where.fragment or "@" in url
    if where.scheme not in ("http", "https") or not where.host or secret:
        raise ConfigurationError(
            f"{shown!r} is no URL of a service: give http:// or https:// with a host, as http://127.0.0.1:8000, "
            "without a query, and the key as SIGNALBOX_EVAL_API_KEY.",
            field="target",
        )
    return where


class UrlTarget:
    """Asks the service at `url`; use it as an async context manager.

    Its answers are never cached: what is behind a URL changes without notice.

    Args:
        key: an API key of the service.
        constraints: of every query.
        transport: instead of the network, for tests.
    """

    cacheable = False

    def __init__(
        self,
        url: str,
        *,
        key: SecretStr | None = None,
        constraints: Constraints = Constraints(),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        where = service_url(url)
        self._constraints = constraints.model_dump(mode="json", exclude_defaults=True)
        self._where = f"{where.host}:{where.port}" if where.port else where.host
        self.component = Component(name="url", arguments={"url": str(where), "constraints": self._constraints})
        headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
        local = where.host in ("localhost", "127.0.0.1", "::1")
        self._client = httpx.AsyncClient(
            base_url=where, headers=headers, timeout=_TIMEOUT_S, transport=transport, trust_env=not local
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def answer(self, case: Case) -> Output:
        """Raises Overloaded, DeadlineExceeded, UpstreamError or ConfigurationError, as the service answers."""
        turns = [turn.model_dump() for turn in case.history]
        query: object = [*turns, {"role": "user", "content": case.query}] if turns else case.query
        body = await self._asked("POST", "predict", json={"query": query, **self._constraints})
        try:
            prediction = Prediction.model_validate(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise UpstreamError(
                f"{self._where} gave no prediction: {'.'.join(map(str, first['loc']))}: {first['msg']}."
            ) from None
        return output_of(prediction)

    async def _asked(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = await self._client.request(method, path, **options)
        except httpx.TimeoutException:
            raise DeadlineExceeded(f"{self._where} did not answer within {_TIMEOUT_S:g} s.") from None
        except httpx.HTTPError as error:
            raise UpstreamError(f"{self._where} gave no answer ({type(error).__name__}).") from None
        if response.status_code != httpx.codes.OK:
            raise self._failure(response)
        try:
            return response.json()
        except ValueError:
            raise UpstreamError(f"{self._where} did not answer in JSON.") from None

    def _failure(self, response: httpx.Response) -> SignalboxError:
        status, said = response.status_code, f"HTTP status {response.status_code}"
        with suppress(ValueError, TypeError, KeyError):
            said = str(response.json()["detail"])[:400]
        text = f"{self._where} answered: {said}"
        if status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
            wait_s = 1.0
            with suppress(KeyError, ValueError):
                wait_s = min(max(float(response.headers["Retry-After"]), 0.0), _TIMEOUT_S)
            return Overloaded(text, retry_after_s=wait_s)
        if status == httpx.codes.GATEWAY_TIMEOUT:
            return DeadlineExceeded(text)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return ConfigurationError(f"{text} Set SIGNALBOX_EVAL_API_KEY to a key of that service.", field="target")
        return UpstreamError(text, status=status)

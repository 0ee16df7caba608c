"""Asking the running service instead of opening the data directory a second time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from signalbox.errors import SignalboxError, UpstreamError
from signalbox.settings import Settings
from signalbox.types import Prediction, Query

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 120.0
_LOOK_S = 2.0


@asynccontextmanager
async def connection(settings: Settings, *, otherwise: SignalboxError) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service at the settings' host and port, as its operator; raises `otherwise` when none answers.

    Each request is signed with a secret of the data directory: whoever listens there instead learns nothing reusable.
    """
    import httpx

    from api.auth.operator import authorization
    from api.auth.secret import ServiceSecret

    secret = ServiceSecret(settings.data_dir)

    def signed(request: httpx.Request) -> httpx.Request:
        target = request.url.raw_path.decode("ascii")
        request.headers["Authorization"] = authorization(
            secret, port=settings.port, method=request.method, target=target, body=request.content
        )
        return request

    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - asked, not bound
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    # No proxy from the environment: what is asked goes to this machine and nowhere else.
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, trust_env=False) as client:
        try:
            healthy = (await client.get("/healthz", timeout=_LOOK_S)).json() == {"status": "ok"}
        except (httpx.HTTPError, ValueError):
            healthy = False
        if not healthy:
            raise otherwise
        client.auth = signed
        yield client


@asynccontextmanager
async def service_at(
    settings: Settings, *, otherwise: SignalboxError
) -> AsyncIterator[Callable[[Query], Awaitable[Prediction]]]:
    """The service at the settings' host and port; raises `otherwise` when none answers there."""
    import httpx

    async with connection(settings, otherwise=otherwise) as client:
        url = str(client.base_url).rstrip("/")

        async def ask(query: Query) -> Prediction:
            body = {"query": query.text, **query.constraints.model_dump()}
            try:
                response = await client.post("/predict", json=body)
                if response.status_code != httpx.codes.OK:
                    raise UpstreamError(
                        f"The service at {url} answered: {response.json()['detail']}", status=response.status_code
                    )
                return Prediction.model_validate_json(response.content)
            except (httpx.HTTPError, ValueError, KeyError) as error:
                raise UpstreamError(f"The service at {url} gave no answer ({type(error).__name__}).") from None

        yield ask

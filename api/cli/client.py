"""Asking the running service instead of opening the data directory a second time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from signalbox.errors import SignalboxError, UpstreamError
from signalbox.settings import Settings
from signalbox.types import Prediction, Query


@asynccontextmanager
async def service_at(
    settings: Settings, *, otherwise: SignalboxError
) -> AsyncIterator[Callable[[Query], Awaitable[Prediction]]]:
    """The service at the settings' host and port; raises `otherwise` when none answers there."""
    import httpx

    async with httpx.AsyncClient(base_url=f"http://{settings.host}:{settings.port}", timeout=120) as client:
        try:
            await client.get("/healthz", timeout=2)
        except httpx.HTTPError:
            raise otherwise from None

        async def ask(query: Query) -> Prediction:
            body = {"query": query.text, **query.constraints.model_dump()}
            response = await client.post("/predict", json=body)
            if response.status_code != httpx.codes.OK:
                raise UpstreamError(
                    f"The service at {client.base_url} answered: {response.json().get('detail', response.text)}",
                    status=response.status_code,
                )
            return Prediction.model_validate_json(response.content)

        yield ask

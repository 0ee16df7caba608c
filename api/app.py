"""The HTTP application: routes, errors and the layer around them, put together for given settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware

import signalbox
from api.auth import Auth, Gate
from api.http import errors, openapi
from api.http.edge import Count, Edge
from api.http.head import Head
from api.http.shedding import Shedding
from api.routes import ROUTERS
from api.service.lifecycle import Lifecycle
from api.service.wiring import Service
from signalbox.settings import Settings

_DESCRIPTION = "Routes each query to the cheapest answer that keeps the promised error rate."

_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create_app(
    settings: Settings,
    *,
    service: Service | None = None,
    lifecycle: Lifecycle | None = None,
    before_gate: Sequence[Middleware] = (),
) -> FastAPI:
    """The application.

    Args:
        service: is served as it is and left open; without one, the lifespan opens and closes the settings' own.
        lifecycle: instead of `service`, for a caller that wants to follow the opening.
        before_gate: what answers while the gate can't know yet who asks; the edge has checked the host by then.
    """
    lifecycle = lifecycle or Lifecycle(settings, service)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with lifecycle.running():
            yield

    app = FastAPI(
        title="Signalbox",
        summary=_DESCRIPTION,
        version=signalbox.__version__,
        lifespan=lifespan,
        # Their pages load scripts from elsewhere; the document itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
        # A redirect would be built from the Host header.
        redirect_slashes=False,
        # The framework's own telemetry would send request bodies along, and past our masking.
        telemetry=_NO_TELEMETRY,
    )
    app.state.settings = settings
    app.state.lifecycle = lifecycle
    app.state.auth = auth = Auth(settings, lifecycle)
    for router in ROUTERS:
        app.include_router(router)
    errors.install(app)
    openapi.install(app)
    count = _counter(lifecycle)
    app.user_middleware += [  # the outermost first
        Middleware(Shedding, is_full=lambda: _is_full(lifecycle), count=count),
        Middleware(Edge, settings=settings, count=count),
        Middleware(Head),
        *before_gate,
        Middleware(Gate, auth=auth, routes=lambda: app.router.routes),
    ]
    return app


def _is_full(lifecycle: Lifecycle) -> bool:
    return lifecycle.state == "ready" and lifecycle.service.router.is_full


def _counter(lifecycle: Lifecycle) -> Count:
    """Counts requests in the service's metrics, once it is open."""

    def count(method: str, route: str | None, status: int | None, seconds: float) -> None:
        if lifecycle.state == "ready":
            lifecycle.service.telemetry.metrics.record_request(method, route, status, seconds)

    return count

"""What routes may ask for, by name. A part of a service that is not open raises Unavailable.

All are coroutines: FastAPI sends plain functions to a thread, which costs more than everything else it does.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends, Request

from agents.events import Observer
from api.lifecycle import Lifecycle
from api.wiring import Service
from signalbox.settings import Settings
from signalbox.storage import PredictionStore
from signalbox.types import Prediction, Query


async def _settings(request: Request) -> Settings:
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings


async def _lifecycle(request: Request) -> Lifecycle:
    lifecycle = request.app.state.lifecycle
    assert isinstance(lifecycle, Lifecycle)
    return lifecycle


SettingsDep = Annotated[Settings, Depends(_settings)]
LifecycleDep = Annotated[Lifecycle, Depends(_lifecycle)]


async def _service(lifecycle: LifecycleDep) -> Service:
    return lifecycle.service


ServiceDep = Annotated[Service, Depends(_service)]


class ObservableSystem(Protocol):
    """A `System` that tells an observer how a query is getting on."""

    async def predict(self, query: Query, *, observe: Observer | None = None) -> Prediction: ...


async def _router(service: ServiceDep) -> ObservableSystem:
    return service.router


async def _predictions(service: ServiceDep) -> PredictionStore:
    return service.predictions


RouterDep = Annotated[ObservableSystem, Depends(_router)]
PredictionsDep = Annotated[PredictionStore, Depends(_predictions)]

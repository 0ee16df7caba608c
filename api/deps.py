"""What routes may ask for, by name. A part of a service that is not open raises Unavailable."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from api.lifecycle import Lifecycle
from api.wiring import Service
from signalbox.contracts import System
from signalbox.settings import Settings
from signalbox.storage import PredictionStore


def _settings(request: Request) -> Settings:
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings


def _lifecycle(request: Request) -> Lifecycle:
    lifecycle = request.app.state.lifecycle
    assert isinstance(lifecycle, Lifecycle)
    return lifecycle


SettingsDep = Annotated[Settings, Depends(_settings)]
LifecycleDep = Annotated[Lifecycle, Depends(_lifecycle)]


def _service(lifecycle: LifecycleDep) -> Service:
    return lifecycle.service


ServiceDep = Annotated[Service, Depends(_service)]


def _router(service: ServiceDep) -> System:
    return service.router


def _predictions(service: ServiceDep) -> PredictionStore:
    return service.predictions


RouterDep = Annotated[System, Depends(_router)]
PredictionsDep = Annotated[PredictionStore, Depends(_predictions)]

"""What routes may ask for, by name. A part of a service that is not open raises Unavailable.

All are coroutines: FastAPI sends plain functions to a thread, which costs more than everything else it does.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Protocol

from fastapi import Depends, Header, Request

from agents.events import Observer
from api.auth import Auth, Identity, identity_of
from api.service.lifecycle import Lifecycle
from api.service.wiring import Service
from evaluators.review import ReviewQueue
from evaluators.review.rules import check_reviewer
from signalbox.jobs import Jobs
from signalbox.settings import Settings
from signalbox.storage import KeyStore, PredictionStore
from signalbox.types import Prediction, Query

REVIEWER_HEADER = "X-Reviewer"


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


async def _service(request: Request) -> Service:
    # Asks for the request alone: resolving a dependency of a dependency costs ten times the call.
    return (await _lifecycle(request)).service


ServiceDep = Annotated[Service, Depends(_service)]


class ObservableSystem(Protocol):
    """A `System` that tells an observer how a query is getting on."""

    async def predict(self, query: Query, *, observe: Observer | None = None) -> Prediction: ...


class _OnBehalf:
    """The router, asked by one key. The only place where a query gets its caller, so no route can forget it."""

    def __init__(self, system: ObservableSystem, key_id: str) -> None:
        self._system = system
        self._key_id = key_id

    async def predict(self, query: Query, *, observe: Observer | None = None) -> Prediction:
        return await self._system.predict(query.model_copy(update={"caller": self._key_id}), observe=observe)


async def _identity(request: Request) -> Identity:
    return identity_of(request.scope)


async def _reviewer(
    request: Request,
    said: Annotated[
        str | None,
        Header(alias=REVIEWER_HEADER, description="Who acts, where no keys are in use; with a key, its name does."),
    ] = None,
) -> str:
    """The key's name; without a key what the header says, as UTF-8, or `local`."""
    identity = identity_of(request.scope)
    if identity.key_id is not None or said is None:
        return identity.name
    with suppress(UnicodeDecodeError):
        said = said.encode("latin-1").decode()  # headers come as Latin-1
    return check_reviewer(said)


async def _router(request: Request) -> ObservableSystem:
    service = await _service(request)
    key_id = identity_of(request.scope).key_id
    return service.router if key_id is None else _OnBehalf(service.router, key_id)


async def _auth(request: Request) -> Auth:
    auth = request.app.state.auth
    assert isinstance(auth, Auth)
    return auth


async def _keys(service: ServiceDep) -> KeyStore:
    return service.keys


async def _predictions(service: ServiceDep) -> PredictionStore:
    return service.predictions


async def _reviews(service: ServiceDep) -> ReviewQueue:
    return service.reviews


async def _jobs(service: ServiceDep) -> Jobs:
    return service.jobs


JobsDep = Annotated[Jobs, Depends(_jobs)]
ReviewsDep = Annotated[ReviewQueue, Depends(_reviews)]
RouterDep = Annotated[ObservableSystem, Depends(_router)]
PredictionsDep = Annotated[PredictionStore, Depends(_predictions)]
ReviewerDep = Annotated[str, Depends(_reviewer)]
IdentityDep = Annotated[Identity, Depends(_identity)]
AuthDep = Annotated[Auth, Depends(_auth)]
KeysDep = Annotated[KeyStore, Depends(_keys)]

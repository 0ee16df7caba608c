"""GET /v1/models: the names that chats and embeddings may ask for."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from api.deps import ServiceDep
from api.service.wiring import Service
from api.v1.errors import responses
from api.v1.names import ENCODER, chat_names, expert_of, unknown
from api.v1.route import OpenAIRoute

router = APIRouter(prefix="/v1", route_class=OpenAIRoute, tags=["OpenAI-compatible"])


class Model(BaseModel):
    """A name that `model` may have. `created` is 0: routes are there from the start."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "signalbox"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/models", responses=responses(401, 403, 421, 429, 500, 503))
async def list_models(service: ServiceDep) -> ModelList:
    """All names, those of chats first."""
    return ModelList(data=[Model(id=name) for name in _names(service)])


@router.get("/models/{model:path}", responses=responses(401, 403, 404, 421, 429, 500, 503))
async def retrieve_model(
    model: Annotated[str, Path(max_length=300, description="A name with its slashes.")], service: ServiceDep
) -> Model:
    """One name, if there is such a model."""
    known = _names(service)
    if model not in known and expert_of(model, service.router.parts.experts) is None:
        raise unknown(model, known)
    return Model(id=model)


def _names(service: Service) -> list[str]:
    return [*chat_names(service.router.parts.experts), ENCODER, service.models.encoder.name]

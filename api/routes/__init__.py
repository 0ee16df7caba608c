"""The paths of the service, one module a resource."""

from __future__ import annotations

from api.routes import batch, health, predict, predictions
from api.v1 import chat, embeddings, models

ROUTERS = (
    predict.router,
    batch.router,
    predictions.router,
    health.router,
    chat.router,
    embeddings.router,
    models.router,
)

__all__ = ["ROUTERS"]

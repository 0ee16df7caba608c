"""The paths of the service, one module a resource."""

from __future__ import annotations

from api.routes import (
    attacks,
    batch,
    documents,
    evals,
    experts,
    health,
    jobs,
    keys,
    predict,
    predictions,
    reviews,
    session,
    verdicts,
)
from api.v1 import chat, embeddings, models

# They are looked through in this order, so those that answer queries come first.
ROUTERS = (
    predict.router,
    chat.router,
    batch.router,
    predictions.router,
    verdicts.router,
    reviews.router,
    documents.router,
    experts.router,
    evals.router,
    attacks.router,
    health.router,
    jobs.router,
    keys.router,
    session.router,
    embeddings.router,
    models.router,
)

__all__ = ["ROUTERS"]

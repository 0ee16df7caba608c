"""The paths of the service, one module a resource."""

from __future__ import annotations

from api.routes import health, predict, predictions

ROUTERS = (predict.router, predictions.router, health.router)

__all__ = ["ROUTERS"]

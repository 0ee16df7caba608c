"""What a route is trusted with before anyone has labelled a query of this service.

The classifier's confidence is calibrated by its own training; the grounded route's by the fit that the ranker ships
with; nobody has measured the cloud.
"""

from __future__ import annotations

import json
from importlib.resources import files

from agents.policy.artefact import Logistic, RoutePolicy
from signalbox.types import Route


def shipped_routes() -> dict[Route, RoutePolicy]:
    data = json.loads(files("agents.grounding").joinpath("ranker.json").read_text(encoding="utf-8"))
    return {
        "classifier": RoutePolicy(base_rate=0.5, duration_ms=5.0),
        "grounded": RoutePolicy(
            base_rate=0.5,
            confidence=Logistic(**data["confidence"]),
            short=Logistic(**data["short"]) if data.get("short") else None,
            duration_ms=500.0,
        ),
        "cloud": RoutePolicy(base_rate=0.8, duration_ms=1_500.0),
    }

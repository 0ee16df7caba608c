"""Judging systems from outside: so far, how one routes labelled queries. Never imports the router.

The review queue is in `evaluators.review`. It serves, so importing it must not import what only evaluations need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluators.routing_report import RouteRow, RoutingReport, report_routing

__all__ = ["RouteRow", "RoutingReport", "report_routing"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'evaluators' has no attribute {name!r}")
    return getattr(importlib.import_module("evaluators.routing_report"), name)

"""Judging systems from outside: so far, how one routes labelled queries. Never imports the router."""

from __future__ import annotations

from evaluators.routing_report import RouteRow, RoutingReport, report_routing

__all__ = ["RouteRow", "RoutingReport", "report_routing"]

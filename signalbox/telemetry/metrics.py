"""Metrics for Prometheus, in a registry of their own: two services in one process, or two tests, don't mix.

Labels hold routes, outcomes and configured model names, never anything a caller chose.
"""

from __future__ import annotations

import platform

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from signalbox.types import Prediction, Usage

# From a cached answer to a cloud model at the end of its deadline, in seconds.
_DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_OVERHEADS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25)


class Metrics:
    """The service's metrics. `registry` may be shared with other collectors; by default it is a new one."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, registry: CollectorRegistry | None = None, *, version: str = "") -> None:
        self.registry = registry = CollectorRegistry() if registry is None else registry
        self.predictions = Counter(
            "signalbox_predictions_total",
            "Queries by the route that ended them.",
            ["route", "outcome"],
            registry=registry,
        )
        self.prediction_duration = Histogram(
            "signalbox_prediction_duration_seconds",
            "Time a query took.",
            ["route"],
            buckets=_DURATIONS,
            registry=registry,
        )
        self.overhead = Histogram(
            "signalbox_overhead_seconds", "Time a query took outside of models.", buckets=_OVERHEADS, registry=registry
        )
        self.attempts = Counter(
            "signalbox_route_attempts_total",
            "Routes tried, and how they ended.",
            ["route", "outcome"],
            registry=registry,
        )
        self.tokens = Counter(
            "gen_ai_client_token_usage_total", "Tokens read and written.", ["model", "direction"], registry=registry
        )
        self.spend = Counter("signalbox_spend_usd_total", "US dollars spent on models.", ["model"], registry=registry)
        self.local_queue_depth = Gauge(
            "signalbox_local_queue_depth", "Requests waiting for the local LLM.", registry=registry
        )
        build = Info("signalbox_build", "What is running.", registry=registry)
        build.info({"version": version, "python": platform.python_version()})

    def record_prediction(self, prediction: Prediction) -> None:
        """Counts one finished query with its attempts, and the tokens and money its model calls took."""
        route = prediction.route or "none"
        self.predictions.labels(route, prediction.outcome).inc()
        self.prediction_duration.labels(route).observe(prediction.duration_ms / 1000)
        self.overhead.observe(prediction.overhead_ms / 1000)
        for attempt in prediction.attempts:
            self.attempts.labels(attempt.route, attempt.outcome).inc()
            if attempt.usage is not None:
                self.record_call(attempt.model or attempt.expert or "unknown", attempt.usage, attempt.cost_usd)

    def record_call(self, model: str, usage: Usage, cost_usd: float = 0.0) -> None:
        """Counts a model call made outside of a prediction, such as a judge's."""
        self.tokens.labels(model, "input").inc(usage.input_tokens)
        self.tokens.labels(model, "output").inc(usage.output_tokens)
        self.spend.labels(model).inc(cost_usd)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format; its media type is `content_type`."""
        return generate_latest(self.registry)

"""Metrics for Prometheus, in a registry of their own: two services in one process, or two tests, don't mix.

Labels hold routes, outcomes and configured model names, never anything a caller chose.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

from signalbox.telemetry.genai import Call
from signalbox.types import ROUTES, Prediction

# From a cached answer to a cloud model at the end of its deadline, in seconds.
_DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# Those the conventions recommend for model calls: seconds, and tokens.
_CALLS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576)
_CALL_LABELS = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
_OVERHEADS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25)

_BREAKER_STATES = {"closed": 0, "half_open": 1, "open": 2}


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
        self.call_duration = Histogram(
            "gen_ai_client_operation_duration_seconds",
            "Time a call of a model took, retries included.",
            [*_CALL_LABELS, "error_type"],
            buckets=_CALLS,
            registry=registry,
        )
        self.first_chunk = Histogram(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "Time until a streamed answer's first chunk.",
            _CALL_LABELS,
            buckets=_CALLS,
            registry=registry,
        )
        self.tokens = Histogram(
            "gen_ai_client_token_usage",
            "Tokens a call read and wrote.",
            [*_CALL_LABELS, "gen_ai_token_type"],
            buckets=_TOKENS,
            registry=registry,
        )
        self.spend = Counter(
            "signalbox_spend_usd_total",
            "US dollars that calls of cloud models cost or may have cost, those included that led to no prediction.",
            ["model"],
            registry=registry,
        )
        self.cloud_calls = Counter(
            "signalbox_cloud_calls_total",
            "Calls of cloud models, retries, fallbacks and hedges included, and how they ended.",
            ["model", "outcome"],
            registry=registry,
        )
        self.cloud_breaker = Gauge(
            "signalbox_cloud_breaker_state",
            "Circuit breakers of cloud models: 0 closed, 1 half-open, 2 open.",
            ["model"],
            registry=registry,
        )
        self.spent_today = Gauge(
            "signalbox_spent_today_usd", "US dollars the cloud has cost today (UTC), or may have.", registry=registry
        )
        self.remaining_today = Gauge(
            "signalbox_remaining_today_usd", "US dollars left of today's cap; +Inf without one.", registry=registry
        )
        self.review_items = Gauge(
            "signalbox_review_items", "Queries that a person has to decide.", ["state"], registry=registry
        )
        self.review_oldest = Gauge(
            "signalbox_review_oldest_seconds", "How long the oldest undecided query has waited.", registry=registry
        )
        self.requests = Histogram(
            "http_server_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ["http_request_method", "http_route", "http_response_status_code"],
            buckets=_DURATIONS,
            registry=registry,
        )
        self.local_queue_depth = Gauge(
            "signalbox_local_queue_depth", "Requests waiting for the local LLM.", registry=registry
        )
        self.queries_running = Gauge("signalbox_queries_running", "Queries that are worked on.", registry=registry)
        self.queries_limit = Gauge(
            "signalbox_queries_limit", "Queries worked on at once; more are turned away.", registry=registry
        )
        ProcessCollector(registry=registry)
        build = Info("signalbox_build", "What is running.", registry=registry)
        # What may happen counts from 0 on, else its first time is no increase.
        for route in ROUTES:
            self.predictions.labels(route, "answered")
        for outcome in ("in_review", "refused"):
            self.predictions.labels("none", outcome)
        build.info({"version": version, "python": platform.python_version()})

    def record_prediction(self, prediction: Prediction) -> None:
        """Counts one finished query with its attempts; the money they cost is counted call by call."""
        route = prediction.route or "none"
        self.predictions.labels(route, prediction.outcome).inc()
        self.prediction_duration.labels(route).observe(prediction.duration_ms / 1000)
        self.overhead.observe(prediction.overhead_ms / 1000)
        for attempt in prediction.attempts:
            self.attempts.labels(attempt.route, attempt.outcome).inc()

    def record_call(self, call: Call) -> None:
        """Counts one finished call of a model: how long it took and how many tokens."""
        labels = ("chat", call.provider, call.model)
        self.call_duration.labels(*labels, call.error or "").observe(call.duration_s)
        if call.first_chunk_s is not None:
            self.first_chunk.labels(*labels).observe(call.first_chunk_s)
        if call.usage is not None:
            self.tokens.labels(*labels, "input").observe(call.usage.input_tokens)
            self.tokens.labels(*labels, "output").observe(call.usage.output_tokens)

    def count_cloud_call(self, model: str, outcome: str, cost_usd: float) -> None:
        """Counts one call of a cloud model, called `model` in the settings whatever the server calls it."""
        self.cloud_calls.labels(model, outcome).inc()
        if cost_usd:
            self.spend.labels(model).inc(cost_usd)

    def show_cloud(self, breakers: Mapping[str, str], spent_usd: float, remaining_usd: float | None) -> None:
        """Sets what is known of the cloud at the moment of a scrape."""
        for model, state in breakers.items():
            self.cloud_breaker.labels(model).set(_BREAKER_STATES[state])
        self.spent_today.set(spent_usd)
        self.remaining_today.set(math.inf if remaining_usd is None else remaining_usd)

    def record_request(self, method: str, route: str | None, status: int | None, seconds: float) -> None:
        """Counts one HTTP request; `route` is its template, since a path is the caller's to choose."""
        known = method if route is not None else "_OTHER"
        self.requests.labels(known, route or "", str(status or 0)).observe(seconds)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format; its media type is `content_type`."""
        return generate_latest(self.registry)

"""What the service says of itself: logs, traces and metrics, without secrets and, unless asked, without content.

`setup_telemetry` is called once by whatever starts the process; libraries only log, open spans and count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import signalbox
from signalbox.settings import Settings
from signalbox.telemetry.genai import Call, ChatSpan, listen_to_calls, provider_of
from signalbox.telemetry.logging import Logger, configure_logging, get_logger, request_context
from signalbox.telemetry.masking import mask, mask_text
from signalbox.telemetry.metrics import Metrics
from signalbox.telemetry.spans import describe_prediction, describe_request, request_span
from signalbox.telemetry.tracing import configure_tracing, continued_trace, current_trace_id, span

__all__ = [
    "Call",
    "ChatSpan",
    "Logger",
    "Metrics",
    "Telemetry",
    "configure_logging",
    "continued_trace",
    "current_trace_id",
    "describe_prediction",
    "describe_request",
    "get_logger",
    "listen_to_calls",
    "mask",
    "mask_text",
    "provider_of",
    "request_context",
    "request_span",
    "setup_telemetry",
    "span",
]


@dataclass(frozen=True)
class Telemetry:
    """The running telemetry of one service. `shutdown()` sends what is still held back; call it last."""

    metrics: Metrics
    shutdown: Callable[[], None]


def setup_telemetry(settings: Settings) -> Telemetry:
    """Starts logging and tracing as `settings` say. The metrics are new: pass them to those that count."""
    version = signalbox.__version__
    configure_logging(settings.log_level, settings.log_format, capture_content=settings.capture_content)
    stop = configure_tracing(settings.otlp_endpoint, version=version, capture_content=settings.capture_content)
    metrics = Metrics(version=version)
    deafen = listen_to_calls(metrics.record_call)

    def shutdown() -> None:
        deafen()
        stop()

    return Telemetry(metrics, shutdown)

"""Sending spans to a collector, of which nothing else may notice anything when it is away, slow or refuses them.

An outage is one warning in the log and one line when it is over, and a stop waits for it for 2 seconds at most.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from signalbox.telemetry.logging import get_logger

log = get_logger(__name__)

STOP_WITHIN_S = 2.0
_TO_NOTICE_S = 0.2
_EXPORT_TIMEOUT_S = 5
_MOST_REASON_CHARS = 300


class Sender(SpanExporter):
    """Sends spans by OTLP over HTTP and says when that begins to fail and when it works again.

    Args:
        url: where to, with its path.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._exporter = OTLPSpanExporter(endpoint=url, timeout=_EXPORT_TIMEOUT_S)
        self._said = _said_by_exporters()
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._said.first = ""
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                log.warning("spans can't be sent", endpoint=self._url, reason=self._said.first[:_MOST_REASON_CHARS])
            self._lost += len(spans)
        elif self._lost:
            log.info("spans are sent again", endpoint=self._url, lost=self._lost)
            self._lost = 0
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def send_spans(provider: TracerProvider, url: str) -> Callable[[], None]:
    """Send the spans of `provider` in batches, in a thread of their own; returns what ends that.

    What is held back then is sent, unless that takes longer than 2 s.
    """
    sender = Sender(url)
    provider.add_span_processor(BatchSpanProcessor(sender))

    def end() -> None:
        ending = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(STOP_WITHIN_S)
        if ending.is_alive():
            sender.shutdown()  # no more tries
            ending.join(_TO_NOTICE_S)
        if ending.is_alive():
            log.warning("the last spans could not be sent in time", endpoint=url)

    return end


class _FirstWords(logging.Handler):
    """Keeps the first message since `first` was emptied."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.first = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or record.getMessage()


def _said_by_exporters() -> _FirstWords:
    """What the library would log at each try of each batch, kept instead."""
    logger = logging.getLogger("opentelemetry.exporter.otlp")
    known = next((handler for handler in logger.handlers if isinstance(handler, _FirstWords)), None)
    if known is None:
        known = _FirstWords()
        logger.addHandler(known)
        logger.propagate = False
    return known

"""Traces: a span tree per query through OpenTelemetry, sent only where an OTLP endpoint is set.

Without one, spans cost next to nothing and still carry a trace id, so that a prediction, its logs and its review can
be tied together. Errors are recorded by kind, never with their message: it may quote the query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from signalbox.telemetry.masking import mask

AttributeValue = str | bool | int | float
_SCOPE = "signalbox"


@dataclass
class _Tracing:
    tracer: Tracer | None = None
    sends: bool = False
    capture_content: bool = False


# Spans are opened deep inside the code, so which tracer they go to is the process's, like the root logger.
_current = _Tracing()


def configure_tracing(
    endpoint: str | None = None, *, version: str = "", capture_content: bool = False
) -> Callable[[], None]:
    """Starts tracing; returns what ends it and sends the last spans.

    Args:
        endpoint: base URL of an OTLP/HTTP collector; `/v1/traces` is added when it has no path. None sends nothing.
        version: of the service, for the resource.
        capture_content: put query and answer texts into spans.
    """
    # The SDK takes 0.3 s to import: only a process that serves pays for it.
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased

    resource = Resource.create({"service.name": _SCOPE, "service.version": version})
    sampler = ALWAYS_OFF if endpoint is None else ParentBased(ALWAYS_ON)
    provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
    end: Callable[[], None] = provider.shutdown
    if endpoint is not None:
        from signalbox.telemetry.exporting import send_spans

        end = send_spans(provider, _traces_url(endpoint))
    tracer = _current.tracer = provider.get_tracer(_SCOPE, version)
    _current.sends, _current.capture_content = endpoint is not None, capture_content

    def stop() -> None:
        if _current.tracer is tracer:
            _current.tracer, _current.capture_content = None, False
        end()

    return stop


def tracer() -> Tracer:
    """The tracer spans go to: the configured one, else whatever the process has set globally."""
    return _current.tracer or trace.get_tracer(_SCOPE)


def captures_content() -> bool:
    return _current.capture_content


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, AttributeValue | None] | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    **fields: AttributeValue | None,
) -> Iterator[Span]:
    """A span around a piece of work. `fields` become attributes `signalbox.FIELD`; those that are None are left out.

    An error that leaves the block marks the span with `error.type`.
    """
    if _current.tracer is not None and not _current.sends:
        parent = trace.get_current_span()
        if parent.get_span_context().is_valid:
            # It has the trace id already, and nobody will ever see the tree below it.
            yield parent
            return
    values = dict(attributes or {}) | {f"{_SCOPE}.{field}": value for field, value in fields.items()}
    with tracer().start_as_current_span(
        name, kind=kind, attributes=clean(values), record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            mark_error(current, error)
            raise


@contextmanager
def continued_trace(headers: Mapping[str, str]) -> Iterator[None]:
    """Makes spans inside children of the caller's span, when `headers` carry a W3C `traceparent`."""
    carrier = {name.lower(): value for name, value in headers.items()}
    token = attach(TraceContextTextMapPropagator().extract(carrier))
    try:
        yield
    finally:
        detach(token)


def current_trace_id() -> str | None:
    """The current trace's id, 32 hexadecimal digits; None outside of any span."""
    context = trace.get_current_span().get_span_context()
    return format_trace_id(context.trace_id) if context.is_valid else None


def mark_error(current: Span, error: BaseException) -> None:
    current.set_attribute("error.type", type(error).__name__)
    current.set_status(Status(StatusCode.ERROR))


def clean(values: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    """The attributes that have a value, with secrets masked."""
    return {
        name: str(mask(value, name)) if isinstance(value, str) else value
        for name, value in values.items()
        if value is not None
    }


def _traces_url(endpoint: str) -> str:
    return endpoint.rstrip("/") + "/v1/traces" if urlsplit(endpoint).path in ("", "/") else endpoint

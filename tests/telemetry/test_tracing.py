"""Spans as a collector receives them, over real HTTP; and trace ids where there is no collector."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SpanExportResult

from signalbox.contracts import ChatRequest, ChatResult
from signalbox.settings import Settings
from signalbox.telemetry import (
    Call,
    ChatSpan,
    configure_logging,
    continued_trace,
    current_trace_id,
    describe_request,
    exporting,
    get_logger,
    listen_to_calls,
    provider_of,
    request_span,
    setup_telemetry,
    span,
)
from signalbox.telemetry.exporting import Sender
from signalbox.telemetry.tracing import configure_tracing
from signalbox.types import Message, Usage

REQUEST = ChatRequest((Message(role="user", content="my diagnosis"),), max_tokens=9)
RESULT = ChatResult("take two", Usage(input_tokens=5, output_tokens=2), "gpt-5-mini-2025", cost_usd=0.001)


class Collector:
    """An OTLP/HTTP collector on loopback."""

    def __init__(self) -> None:
        received = self.received = []  # type: list[tuple[str, bytes]]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _, body in self.received:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found |= {item.name: item for item in scope.spans}
        return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


def attributes(item: Any) -> dict[str, object]:
    return {entry.key: getattr(entry.value, entry.value.WhichOneof("value")) for entry in item.attributes}


def test_spans_reach_the_collector_as_a_tree(collector: Collector) -> None:
    stop = configure_tracing(collector.url, version="1")
    with span("predict", route="cloud", score=None) as outer:
        outer.set_attribute("signalbox.outcome", "answered")
        trace_id = current_trace_id()
        with span("attempt", {"server.address": "h"}, api_token="abc"):
            assert current_trace_id() == trace_id
    stop()
    assert collector.received[0][0] == "/v1/traces"
    spans = collector.spans()
    assert spans["attempt"].parent_span_id == spans["predict"].span_id
    assert spans["predict"].trace_id.hex() == trace_id
    assert attributes(spans["predict"]) == {"signalbox.route": "cloud", "signalbox.outcome": "answered"}
    assert attributes(spans["attempt"]) == {"server.address": "h", "signalbox.api_token": "***"}


def test_an_error_is_recorded_by_kind_and_not_by_message(collector: Collector) -> None:
    stop = configure_tracing(collector.url)
    with pytest.raises(ValueError), span("predict"):
        raise ValueError("quotes the query: my diagnosis")
    stop()
    failed = collector.spans()["predict"]
    assert attributes(failed)["error.type"] == "ValueError"
    assert failed.status.code == 2
    assert b"diagnosis" not in collector.received[0][1]


def test_a_model_call_has_the_genai_attributes(collector: Collector) -> None:
    stop = configure_tracing(collector.url)
    heard: list[Call] = []
    deafen = listen_to_calls(heard.append)
    with ChatSpan(REQUEST, model="gpt-5-mini", provider="openai", base_url="http://h:9/v1", stream=True) as chat:
        chat.first_chunk()
        time.sleep(0.05)
        chat.first_chunk()
        chat.result(RESULT)
    deafen()
    stop()
    (call,) = heard
    assert call.first_chunk_s is not None
    assert call.first_chunk_s + 0.04 < call.duration_s, "the first chunk counts, not the last"
    assert (call.model, call.provider, call.usage, call.error) == ("gpt-5-mini", "openai", RESULT.usage, None)
    found = attributes(collector.spans()["chat gpt-5-mini"])
    assert found.pop("gen_ai.response.time_to_first_chunk") >= 0  # type: ignore[operator]
    assert found.pop("gen_ai.response.finish_reasons").values[0].string_value == "stop"  # type: ignore[attr-defined]
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.seed": 0,
        "gen_ai.request.stream": True,
        "gen_ai.output.type": "text",
        "gen_ai.response.model": "gpt-5-mini-2025",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 2,
        "signalbox.cost_usd": 0.001,
        "server.address": "h",
        "server.port": 9,
    }


def test_content_is_sent_only_when_captured(collector: Collector) -> None:
    for capture in (False, True):
        stop = configure_tracing(collector.url, capture_content=capture)
        with ChatSpan(REQUEST, model="m", provider="openai") as chat:
            chat.result(RESULT)
        stop()
    without, with_content = (body for _, body in collector.received)
    assert b"diagnosis" not in without
    assert b"take two" not in without
    assert b"diagnosis" in with_content
    assert b"take two" in with_content


def test_without_a_collector_there_is_still_a_trace_id() -> None:
    stop = configure_tracing()
    assert current_trace_id() is None
    with span("predict") as current:
        first = current_trace_id()
        assert first is not None
        assert len(bytes.fromhex(first)) == 16
        assert not current.is_recording()
        with span("attempt"):
            assert current_trace_id() == first
    with span("predict"):
        assert current_trace_id() != first
    stop()
    with span("predict"):
        assert current_trace_id() is None


def test_a_callers_trace_is_continued() -> None:
    stop = configure_tracing()
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    with continued_trace({"Traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}), span("predict"):
        assert current_trace_id() == trace_id
    with continued_trace({"traceparent": "nonsense"}), span("predict"):
        assert current_trace_id() not in (None, trace_id)
    stop()


def test_a_dead_collector_fails_nothing() -> None:
    stop = configure_tracing("http://127.0.0.1:9/custom")
    with span("predict"):
        assert current_trace_id() is not None
    stop()
    with span("predict"):
        answered = True
    assert answered, "work goes on after the spans could not be sent"


def test_a_collector_that_is_away_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = setup_telemetry(Settings(otlp_endpoint="http://127.0.0.1:9", log_format="json"))
    sender = next(thread for thread in threading.enumerate() if "BatchSpan" in thread.name)
    with span("predict"):
        pass
    telemetry.shutdown()
    sender.join(20)
    (line,) = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert line["event"] == "spans can't be sent"
    assert line["endpoint"] == "http://127.0.0.1:9/v1/traces"
    assert "Connection refused" in line["reason"]


def test_an_outage_is_said_once_and_so_is_its_end(
    collector: Collector, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_logging("info", "json")
    sender = Sender(f"{collector.url}/v1/traces")
    answers = iter([SpanExportResult.FAILURE, SpanExportResult.FAILURE, SpanExportResult.SUCCESS] * 2)
    monkeypatch.setattr(sender._exporter, "export", lambda spans: next(answers))
    for _ in range(6):
        sender.export([object()] * 3)  # type: ignore[list-item]
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in said] == ["spans can't be sent", "spans are sent again"] * 2
    assert said[1]["lost"] == 6


def test_a_collector_that_never_answers_holds_no_stop_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "STOP_WITHIN_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stop = configure_tracing(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with span("predict"):
            pass
        stop()
        assert any(thread.name == "last spans" for thread in threading.enumerate()), "it was left behind"


def test_a_request_has_the_conventions_names(collector: Collector) -> None:
    stop = configure_tracing(collector.url)
    with request_span() as current:
        describe_request(current, "POST", "/predictions/prd_1", "http", route="/predictions/{id}", status=503)
    with request_span() as current:
        describe_request(current, "OWN", "/x", "http", route=None, status=404)
    stop()
    spans = collector.spans()
    failed = spans["POST /predictions/{id}"]
    assert attributes(failed) == {
        "http.request.method": "POST",
        "http.route": "/predictions/{id}",
        "http.response.status_code": 503,
        "url.path": "/predictions/prd_1",
        "url.scheme": "http",
        "error.type": "503",
    }
    assert (failed.kind, failed.status.code) == (2, 2)
    assert attributes(spans["HTTP"])["http.request.method"] == "_OTHER"
    assert spans["HTTP"].status.code == 0


def test_setting_up_from_settings(collector: Collector, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = setup_telemetry(Settings(otlp_endpoint=collector.url, log_format="json"))
    with span("predict"):
        get_logger("t").info("hello")
        trace_id = current_trace_id()
    telemetry.metrics.spend.labels("m").inc(1)
    telemetry.shutdown()
    assert "predict" in collector.spans()
    output = capsys.readouterr()
    assert output.out == ""
    assert json.loads(output.err.splitlines()[0])["trace_id"] == trace_id


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gcp.gemini"),
        ("https://my.openai.azure.com/", "azure.ai.openai"),
        ("http://127.0.0.1:9000/v1", "127.0.0.1"),
        ("https://notopenai.com", "notopenai.com"),
    ],
)
def test_providers_by_base_url(url: str, name: str) -> None:
    assert provider_of(url) == name

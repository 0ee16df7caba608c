"""What a trace tells of a query: which way it went, what became of it, and its text only where content is captured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from small_shop import Kept

from agents.router import Router
from agents.state import Parts
from signalbox.models.scripted import ScriptedModel
from signalbox.telemetry import tracing
from signalbox.types import Query


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(tracing._current, "tracer", provider.get_tracer("test"))
    monkeypatch.setattr(tracing._current, "sends", True)
    yield kept
    provider.shutdown()


def below(spans: tuple[ReadableSpan, ...], parent: ReadableSpan) -> list[str]:
    assert parent.context is not None
    own = [span for span in spans if span.parent is not None and span.parent.span_id == parent.context.span_id]
    return [span.name for span in sorted(own, key=lambda span: span.start_time or 0)]


async def test_the_span_of_a_query_says_what_became_of_it(parts: Parts, sent: InMemorySpanExporter) -> None:
    cloud = ScriptedModel("EUR 4.90.", name="scripted")
    router = Router(replace(parts, cloud=cloud), Kept())
    asked = Query(text="Who painted the Mona Lisa?", session_id="s1", caller="0123456789ab")
    prediction = await router.predict(asked)
    spans = sent.get_finished_spans()
    (first,) = (span for span in spans if span.name == "predict")
    said = dict(first.attributes or {})
    assert said["signalbox.prediction"] == prediction.id
    assert said["signalbox.outcome"] == prediction.outcome
    assert said["signalbox.policy"] == prediction.policy
    assert said["signalbox.caller"] == "0123456789ab"
    assert said["gen_ai.conversation.id"] == "s1"
    assert said["signalbox.attempts"] == tuple(f"{each.route} {each.outcome}" for each in prediction.attempts)
    assert [name for name in below(spans, first) if name in ("classify", "ground", "cloud")] == [
        {"classifier": "classify", "grounded": "ground"}.get(each.route, each.route) for each in prediction.attempts
    ]
    assert not any("Mona Lisa" in str(value) for span in spans for value in (span.attributes or {}).values())


async def test_texts_are_in_it_only_when_captured(
    parts: Parts, sent: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing._current, "capture_content", True)
    router = Router(parts, Kept())
    prediction = await router.predict(Query(text="I forgot my password"))
    await router.predict(Query(text="I forgot my password"))
    span, again = (span for span in sent.get_finished_spans() if span.name == "predict")
    assert (again.attributes or {})["signalbox.cached_from"] == prediction.id
    said = dict(span.attributes or {})
    assert prediction.answer is not None
    assert said["signalbox.query"] == "I forgot my password"
    assert said["signalbox.answer"] == prediction.answer.text
    assert said["signalbox.answered_by"] == "classifier"
    assert said["signalbox.confidence"] == 0.97

"""One span per call of a language model, with the names of OpenTelemetry's GenAI conventions; listeners may count it.

The names are those of the `semantic-conventions-genai` repository as of 2026 (status: development), kept here since
the Python package that carries them is private. Retries of one call are inside its span. Prompt and answer are added
only when content is captured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind

from signalbox.contracts import ChatRequest, ChatResult
from signalbox.telemetry.tracing import AttributeValue, captures_content, clean, mark_error, tracer
from signalbox.types import Usage

_PROVIDERS = {
    "openai.com": "openai",
    "azure.com": "azure.ai.openai",
    "anthropic.com": "anthropic",
    "googleapis.com": "gcp.gemini",
    "amazonaws.com": "aws.bedrock",
    "mistral.ai": "mistral_ai",
    "deepseek.com": "deepseek",
    "groq.com": "groq",
    "x.ai": "x_ai",
    "perplexity.ai": "perplexity",
    "cohere.com": "cohere",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One finished call of a model. Times are seconds; `error` is the kind of error that ended it."""

    model: str
    provider: str
    duration_s: float
    first_chunk_s: float | None
    usage: Usage | None
    error: str | None


Listener = Callable[[Call], None]

# Calls are made deep inside the code, so who counts them is the process's, like the tracer.
_listeners: list[Listener] = []


def listen_to_calls(listener: Listener) -> Callable[[], None]:
    """`listener` is told of every call from now on; returns what ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener) if listener in _listeners else None


def provider_of(base_url: str) -> str:
    """The convention's name of the provider behind `base_url`; its host name where there is none."""
    host = urlsplit(base_url).hostname or base_url
    return next((name for suffix, name in _PROVIDERS.items() if host == suffix or host.endswith("." + suffix)), host)


class ChatSpan:
    """A context manager around one call. Not the current span: a stream's consumer runs in between."""

    def __init__(
        self, request: ChatRequest, *, model: str, provider: str, base_url: str | None = None, stream: bool = False
    ) -> None:
        server = urlsplit(base_url) if base_url else None
        self._model, self._provider = model, provider
        self._first_chunk_s: float | None = None
        self._usage: Usage | None = None
        attributes: dict[str, AttributeValue | None] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.request.max_tokens": request.max_tokens,
            "gen_ai.request.temperature": request.temperature,
            "gen_ai.request.seed": request.seed,
            "gen_ai.request.stream": stream or None,
            "gen_ai.output.type": "json" if request.json_schema is not None else "text",
            "server.address": server.hostname if server else None,
            "server.port": (server.port or (443 if server.scheme == "https" else 80)) if server else None,
        }
        self._span = tracer().start_span(f"chat {model}", kind=SpanKind.CLIENT, attributes=clean(attributes))
        self._started = time.perf_counter()
        if captures_content() and self._span.is_recording():
            messages = [_message(item.role, item.content) for item in request.messages]
            self._span.set_attribute("gen_ai.input.messages", json.dumps(messages, ensure_ascii=False))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A consumer that stops reading a stream closes the generator: that is no error.
        failed = error is not None and not isinstance(error, GeneratorExit)
        if error is not None and failed:
            mark_error(self._span, error)
        self._span.end()
        call = Call(
            model=self._model,
            provider=self._provider,
            duration_s=time.perf_counter() - self._started,
            first_chunk_s=self._first_chunk_s,
            usage=self._usage,
            error=type(error).__name__ if failed else None,
        )
        for listener in tuple(_listeners):
            listener(call)

    def first_chunk(self) -> None:
        """To be called with the first chunk; later calls change nothing."""
        if self._first_chunk_s is None:
            self._first_chunk_s = time.perf_counter() - self._started
            self._span.set_attribute("gen_ai.response.time_to_first_chunk", self._first_chunk_s)

    def result(self, result: ChatResult) -> None:
        span = self._span
        self._usage = result.usage
        span.set_attribute("gen_ai.response.model", result.model)
        span.set_attribute("gen_ai.response.finish_reasons", [result.finish_reason])
        span.set_attribute("gen_ai.usage.input_tokens", result.usage.input_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", result.usage.output_tokens)
        span.set_attribute("signalbox.cost_usd", result.cost_usd)
        if captures_content() and span.is_recording():
            message = _message("assistant", result.text) | {"finish_reason": result.finish_reason}
            span.set_attribute("gen_ai.output.messages", json.dumps([message], ensure_ascii=False))


def _message(role: str, content: str) -> dict[str, object]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}

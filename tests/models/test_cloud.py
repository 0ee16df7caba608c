"""The cloud client against real servers on loopback, the well-behaved and the broken ones."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from signalbox.contracts import ChatChunk, ChatRequest, ChatResult
from signalbox.errors import (
    ConfigurationError,
    DeadlineExceeded,
    InvalidInput,
    Overloaded,
    SignalboxError,
    UpstreamError,
)
from signalbox.models.cloud import CloudModel
from signalbox.models.prices import Prices, load_prices
from signalbox.models.retry import RetryBudget, backoff_s, retry_after_s
from signalbox.models.scripted import Fault, Replies, ScriptedServer
from signalbox.settings import Settings
from signalbox.types import Message

KEY = "sk-test-1234567890abcdef"


def request(text: str = "How long does a refund take?", **fields: Any) -> ChatRequest:
    return ChatRequest((Message(role="system", content="Be brief."), Message(role="user", content=text)), **fields)


class Waits:
    """A sleep that only notes how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def client(server: ScriptedServer, model: str = "scripted", **options: Any) -> CloudModel:
    defaults: dict[str, Any] = {"sleep": Waits(), "random": lambda: 0.0, "timeout_s": 20.0}
    return CloudModel(model, base_url=server.base_url, **(defaults | options))


async def drain(model: CloudModel, asked: ChatRequest, into: list[ChatChunk]) -> None:
    async for chunk in model.stream(asked):
        into += [chunk]


async def ask(replies: Replies, asked: ChatRequest | None = None, **options: Any) -> ChatResult:
    async with ScriptedServer(replies) as server, client(server, **options) as model:
        return await model.generate(asked or request())


async def read(replies: Replies, asked: ChatRequest | None = None, **options: Any) -> tuple[list[str], ChatResult]:
    texts, result = [], None
    async with ScriptedServer(replies) as server, client(server, **options) as model:
        async for chunk in model.stream(asked or request()):
            texts.append(chunk.text)
            result = chunk.result
    assert result is not None
    return texts, result


async def test_an_answer_with_its_usage_and_cost() -> None:
    async with ScriptedServer("Fourteen days.") as server, client(server, "gpt-5-mini") as model:
        result = await model.generate(request())
    assert result.text == "Fourteen days."
    assert result.finish_reason == "stop"
    assert result.usage.input_tokens == 8
    assert result.usage.output_tokens == 2
    assert result.cost_usd == pytest.approx((8 * 0.25 + 2 * 2.0) / 1e6)
    assert result.logprobs == ()


async def test_what_is_sent() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    async with ScriptedServer("ok") as server:
        async with client(server, api_key=SecretStr(KEY), max_tokens=100) as model:
            await model.generate(request(max_tokens=300, stop=("END",), temperature=0.5, seed=7, json_schema=schema))
            await model.generate(request(max_tokens=30, logprobs=True))
        first, second = server.bodies
        assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert first == {
        "model": "scripted",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How long does a refund take?"},
        ],
        "max_tokens": 100,
        "temperature": 0.5,
        "seed": 7,
        "stop": ["END"],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": False},
        },
    }
    assert second["logprobs"] is True
    assert second["max_tokens"] == 30
    assert "seed" not in second


async def test_a_closed_schema_is_sent_as_strict() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    async with ScriptedServer("{}") as server, client(server) as model:
        await model.generate(request(json_schema=schema))
        assert server.bodies[0]["response_format"]["json_schema"]["strict"] is True


async def test_no_key_sends_none_even_when_the_environment_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-purpose")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://192.0.2.1/v1")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    async with ScriptedServer("ok") as server, client(server) as model:
        await model.generate(request())
        assert "authorization" not in server.headers[0]


async def test_logprobs_when_asked_for() -> None:
    result = await ask("one two three", request(logprobs=True))
    assert result.logprobs == (-0.1, -0.1, -0.1)
    _, streamed = await read("one two three", request(logprobs=True))
    assert streamed.logprobs == result.logprobs


async def test_a_stream_is_the_same_answer_in_pieces() -> None:
    texts, result = await read("Fourteen days after it arrives.")
    assert texts == ["Fourteen ", "days ", "after ", "it ", "arrives.", ""]
    assert result == await ask("Fourteen days after it arrives.")


async def test_a_consumer_may_stop_reading() -> None:
    async with ScriptedServer("word " * 200, token_interval_s=0.01) as server, client(server) as model:
        async with aclosing(model.stream(request())) as chunks:
            async for chunk in chunks:
                assert chunk.text == "word "
                break
        assert (await model.generate(request(max_tokens=1))).text == "word "


@pytest.mark.parametrize("streamed", [False, True])
async def test_missing_usage_is_estimated_and_logged(streamed: bool, caplog: pytest.LogCaptureFixture) -> None:
    ask_or_read = read if streamed else ask
    outcome = await ask_or_read([Fault("no_usage", text="x" * 41)])
    result = outcome[1] if isinstance(outcome, tuple) else outcome
    assert result.text == "x" * 41
    assert result.usage.output_tokens == math.ceil(41 / 4)
    assert result.usage.input_tokens == math.ceil(len("Be brief.How long does a refund take?") / 4)
    assert "usage not reported" in caplog.text


async def test_a_passing_failure_is_tried_again() -> None:
    waits = Waits()
    for fault in (Fault("rate_limited"), Fault("server_error", status=503), Fault("cut_stream")):
        assert (await ask([fault, "fine"], sleep=waits)).text == "fine"
    assert waits.seconds == [0.125, 0.125, 0.125]
    texts, _ = await read([Fault("server_error"), "fine"], sleep=waits)
    assert texts == ["fine", ""]


async def test_it_waits_as_long_as_the_server_asks() -> None:
    waits = Waits()
    assert (await ask([Fault("rate_limited", retry_after_s=7), "fine"], sleep=waits)).text == "fine"
    assert waits.seconds == [7]


async def test_it_does_not_wait_past_the_deadline() -> None:
    waits = Waits()
    with pytest.raises(Overloaded) as caught:
        await ask([Fault("rate_limited", retry_after_s=60), "fine"], sleep=waits)
    assert caught.value.retry_after_s == 60
    assert waits.seconds == []


@pytest.mark.parametrize("retries", [0, 2])
async def test_it_gives_up_after_its_retries(retries: int) -> None:
    waits = Waits()
    async with ScriptedServer(lambda _: Fault("server_error", status=502)) as server:
        async with client(server, retries=retries, sleep=waits) as model:
            with pytest.raises(UpstreamError) as caught:
                await model.generate(request())
        assert len(server.requests) == retries + 1
    assert caught.value.status == 502
    assert waits.seconds == [0.125, 0.25][:retries]


async def test_retries_never_add_up_to_a_storm() -> None:
    async with ScriptedServer(lambda _: Fault("server_error")) as server, client(server, retries=3) as model:
        for _ in range(100):
            with pytest.raises(UpstreamError):
                await model.generate(request())
        assert len(server.requests) <= 100 + 10 + 100 * 0.1


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("html"), "text/html instead of"),
        (Fault("bad_json"), "JSON"),
        (Fault("wrong_shape"), "choices"),
    ],
)
async def test_what_is_no_answer_is_an_upstream_error_and_final(fault: Fault, said: str, streamed: bool) -> None:
    async with ScriptedServer(lambda _: fault) as server, client(server) as model:
        answer = drain(model, request(), []) if streamed else model.generate(request())
        with pytest.raises(UpstreamError, match=said) as caught:
            await answer
        assert len(server.requests) == 1
    assert caught.value.detail.startswith("127.0.0.1:")


async def test_half_a_stream_is_never_a_whole_answer() -> None:
    chunks: list[ChatChunk] = []
    async with ScriptedServer([Fault("cut_stream"), "never asked"]) as server, client(server) as model:
        with pytest.raises(UpstreamError, match="broke off"):
            await drain(model, request(), chunks)
        assert len(server.requests) == 1
    assert chunks
    assert not any(chunk.result for chunk in chunks)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_server_that_hangs_meets_the_deadline(streamed: bool) -> None:
    started = time.monotonic()
    asked = request(deadline_s=started + 0.3)
    with pytest.raises(DeadlineExceeded, match="deadline"):
        await (read if streamed else ask)([Fault("hang")], asked)
    assert time.monotonic() - started < 10


async def test_a_stream_that_drips_meets_the_deadline() -> None:
    async with ScriptedServer("word " * 1000, token_interval_s=0.05) as server, client(server) as model:
        with pytest.raises(DeadlineExceeded):
            await drain(model, request(max_tokens=1000, deadline_s=time.monotonic() + 0.5), [])


async def test_a_deadline_in_the_past_costs_nothing() -> None:
    async with ScriptedServer("late") as server, client(server) as model:
        with pytest.raises(DeadlineExceeded):
            await model.generate(request(deadline_s=time.monotonic() - 1))
        assert server.requests == []


async def test_a_server_that_is_not_there() -> None:
    async with ScriptedServer() as server:
        pass
    waits = Waits()
    with pytest.raises(UpstreamError, match="can't be reached") as caught:
        await client(server, sleep=waits).generate(request())
    assert caught.value.status is None
    assert len(waits.seconds) == 1


async def test_a_refused_key_is_a_configuration_error_that_does_not_show_it() -> None:
    server = ScriptedServer(api_key="sk-right-one-0000000000")
    async with server, client(server, api_key=SecretStr(KEY)) as model:
        with pytest.raises(ConfigurationError, match="SIGNALBOX_CLOUD_API_KEY") as caught:
            await model.generate(request())
    assert KEY not in str(caught.value)
    assert caught.value.field == "cloud_api_key"


async def test_an_unknown_model_and_a_wrong_path_are_configuration_errors() -> None:
    async with ScriptedServer(models=["a", "b"]) as server:
        async with client(server, "c") as model:
            with pytest.raises(ConfigurationError, match="no model 'c'"):
                await model.generate(request())
        async with CloudModel("a", base_url=server.base_url + "/v2") as model:
            with pytest.raises(ConfigurationError, match="base URL"):
                await model.generate(request())


async def test_a_key_echoed_by_the_server_is_masked() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"error": {"message": f"you sent {KEY} <b>and</b>\nmore"}}).encode()
        head = f"HTTP/1.1 422 No\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with CloudModel("m", base_url=f"http://127.0.0.1:{port}/v1", api_key=SecretStr(KEY)) as model:
            with pytest.raises(UpstreamError) as caught:
                await model.generate(request())
    assert caught.value.status == 422
    assert caught.value.detail.endswith("you sent *** <b>and</b> more")


async def serve_raw(response: bytes) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def raw_error(response: bytes) -> SignalboxError:
    async for url in serve_raw(response):
        async with CloudModel("m", base_url=url, retries=0) as model:
            with pytest.raises(SignalboxError) as caught:
                await model.generate(request())
            return caught.value
    raise AssertionError


def reply(body: Any, status: int = 200) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def test_an_account_without_money_is_not_asked_again() -> None:
    error = await raw_error(reply({"error": {"message": "no", "code": "insufficient_quota"}}, 429))
    assert isinstance(error, Overloaded)
    assert "credit" in error.detail


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    response = b"HTTP/1.1 307 X\r\nlocation: http://192.0.2.1/v1\r\ncontent-length: 0\r\n\r\n"
    error = await raw_error(response)
    assert isinstance(error, UpstreamError)
    assert error.status == 307


async def test_garbage_instead_of_http() -> None:
    assert isinstance(await raw_error(b"SSH-2.0-OpenSSH\r\n\r\n"), UpstreamError)


async def test_a_message_without_content() -> None:
    choice: dict[str, Any] = {"message": {"role": "assistant", "content": None}, "finish_reason": "stop"}
    assert "has no text" in (await raw_error(reply({"choices": [choice]}))).detail
    assert "choices" in (await raw_error(reply({"choices": []}))).detail
    for changes, text in (({"finish_reason": "length"}, ""), ({"message": {"refusal": "I can't."}}, "I can't.")):
        async for url in serve_raw(reply({"choices": [choice | changes], "usage": {"prompt_tokens": "many"}})):
            async with CloudModel("m", base_url=url) as model:
                result = await model.generate(request())
                assert result.text == text
                assert result.usage.input_tokens > 0


async def test_cached_input_is_cheaper() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 600}}
    choice = {"message": {"content": [{"type": "text", "text": "hi"}]}, "finish_reason": "stop"}
    async for url in serve_raw(reply({"model": "gpt-5-mini-2025-08-07", "choices": [choice], "usage": usage})):
        async with CloudModel("gpt-5-mini", base_url=url) as model:
            result = await model.generate(request())
    assert result.text == "hi"
    assert result.model == "gpt-5-mini-2025-08-07"
    assert result.cost_usd == pytest.approx((400 * 0.25 + 600 * 0.025 + 10 * 2) / 1e6)


async def test_it_learns_what_a_reasoning_model_refuses() -> None:
    async with ScriptedServer("ok", refuses=["max_tokens", "temperature"]) as server, client(server) as model:
        assert (await model.generate(request(max_tokens=9))).text == "ok"
        assert (await model.generate(request(max_tokens=9))).text == "ok"
        assert len(server.bodies) == 4
        assert server.bodies[-1]["max_completion_tokens"] == 9
        assert not {"max_tokens", "temperature"} & server.bodies[-1].keys()


@pytest.mark.parametrize("parameter", ["messages", "response_format"])
async def test_one_refusal_does_not_strip_what_a_request_needs(parameter: str) -> None:
    asked = request(json_schema={"type": "object"})
    async with ScriptedServer("ok", refuses=[parameter]) as server, client(server) as model:
        for _ in range(2):
            with pytest.raises(SignalboxError):
                await model.generate(asked)
        assert all(parameter in body for body in server.bodies)


@pytest.mark.parametrize(
    ("status", "error", "parameter"),
    [
        (403, {"error": {"message": "You are not allowed to request logprobs from this model"}}, "logprobs"),
        (400, [{"error": {"code": 400, "message": "Logprobs is not enabled for models/x"}}], "logprobs"),
        (400, {"error": "gpt-5 models don't support temperature=0.7."}, "temperature"),
        (422, {"detail": "Unrecognized request argument supplied: seed"}, "seed"),
        (400, {"message": "'stop' is not supported with this model."}, "stop"),
        (400, {"error": {"message": "Use 'max_completion_tokens' instead of 'max_tokens'."}}, "max_tokens"),
    ],
)
async def test_it_understands_refusals_in_prose(status: int, error: Any, parameter: str) -> None:
    bodies: list[dict[str, Any]] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            bodies.append(json.loads(await reader.readexactly(length)))
            refused = parameter in bodies[-1]
            choice = {"message": {"content": "ok"}, "finish_reason": "stop"}
            writer.write(reply(error, status) if refused else reply({"choices": [choice]}))
            await writer.drain()
            if not refused:
                writer.close()
                return

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with CloudModel("m", base_url=f"http://127.0.0.1:{port}/v1") as model:
            asked = request(logprobs=True, temperature=0.7, seed=3, stop=("a",))
            assert (await model.generate(asked)).text == "ok"
    assert len(bodies) == 2
    assert ("max_completion_tokens" in bodies[1]) == (parameter == "max_tokens")


async def test_a_refused_parameter_that_matters_is_an_error() -> None:
    schema = {"type": "object"}
    async with ScriptedServer("ok", refuses=["response_format"]) as server, client(server) as model:
        with pytest.raises(UpstreamError, match="response_format"):
            await model.generate(request(json_schema=schema))


async def test_requests_that_no_such_server_understands() -> None:
    with pytest.raises(InvalidInput, match="grammar"):
        await ask("ok", request(grammar='root ::= "a"'))
    with pytest.raises(InvalidInput, match="stop"):
        await ask("ok", request(stop=tuple("abcde")))


async def test_many_at_once() -> None:
    server = ScriptedServer(lambda asked: asked.messages[-1].content)
    async with server, client(server) as model, asyncio.TaskGroup() as group:
        tasks = [group.create_task(model.generate(request(f"number {number}"))) for number in range(40)]
    assert [task.result().text for task in tasks] == [f"number {number}" for number in range(40)]


def test_one_client_serves_one_loop_after_the_other() -> None:
    model: CloudModel | None = None

    async def once() -> str:
        nonlocal model
        async with ScriptedServer("ok", port=port) as server:
            model = model or client(server)
            return (await model.generate(request())).text

    port = asyncio.run(_free_port())
    assert asyncio.run(once()) == "ok"
    assert asyncio.run(once()) == "ok"


async def _free_port() -> int:
    async with ScriptedServer() as server:
        return int(server.base_url.split(":")[2].split("/")[0])


async def test_built_from_settings() -> None:
    async with ScriptedServer("ok") as server:
        settings = Settings(
            cloud_base_url=server.base_url,
            cloud_model="gpt-4o-mini",
            cloud_api_key=SecretStr(KEY),
            cloud_max_tokens=5,
            local_base_url=server.base_url,
            local_model="gpt-4o-mini",
        )
        async with CloudModel.from_settings(settings) as model:
            assert model.name == "gpt-4o-mini"
            assert (await model.generate(request())).cost_usd > 0
            # 37 bytes in two messages with 16 tokens around each, and five tokens of output.
            assert model.most_usd(request()) == pytest.approx(((37 + 2 * 16) * 0.15 + 5 * 0.6) / 1e6)
        async with CloudModel.local(settings) as model:
            assert (await model.generate(request())).cost_usd == 0
        assert "authorization" not in server.headers[-1]
        assert server.bodies[0]["max_tokens"] == 5


def test_settings_without_a_cloud_say_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match="SIGNALBOX_CLOUD_API_KEY"):
        CloudModel.from_settings(Settings())
    with pytest.raises(ConfigurationError, match="SIGNALBOX_LOCAL_BASE_URL"):
        CloudModel.local(Settings())


async def test_unlisted_models_are_free_on_loopback_only() -> None:
    assert (await ask("ok")).cost_usd == 0
    elsewhere = CloudModel("scripted", base_url="https://llm.example.com/v1", prices=load_prices())
    assert elsewhere.most_usd(request()) > 0
    assert CloudModel("x", base_url="https://llm.example.com/v1", prices=Prices.free()).most_usd(request()) == 0


def test_importing_the_client_does_not_import_the_sdk() -> None:
    code = "import sys, signalbox.models.cloud as c; c.CloudModel('m'); assert 'openai' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_backoff_doubles_up_to_a_limit_with_jitter() -> None:
    assert [backoff_s(failures, lambda: 0.0) for failures in range(8)] == [0.125, 0.25, 0.5, 1, 2, 4, 4, 4]
    assert backoff_s(1, lambda: 1.0) == 0.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:10 GMT"}, 10.0),
        ({"retry-after": "Fri, 20 Nov 2026 08:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, lambda: datetime(2026, 11, 20, 9, tzinfo=UTC)) == seconds


def test_the_retry_budget_refills_slowly() -> None:
    budget = RetryBudget(reserve=1, per_call=0.25)
    assert budget.take()
    assert not budget.take()
    for _ in range(4):
        budget.pay_in()
    assert budget.take()
    assert not budget.take()

"""What every `ChatModel` does, whatever is behind it. A new model is one more entry in `MODELS`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from typing import Any, cast

import pytest

from signalbox.contracts import ChatChunk, ChatModel, ChatRequest
from signalbox.errors import DeadlineExceeded
from signalbox.models.cloud import CloudModel
from signalbox.models.protection import ProtectedCloud
from signalbox.models.scripted import ScriptedModel, ScriptedServer
from signalbox.types import Message

Opener = Callable[[], AbstractAsyncContextManager[ChatModel]]
SENTENCE = "Refunds take fourteen days. Then write to us. Or call."


@asynccontextmanager
async def scripted() -> AsyncIterator[ChatModel]:
    yield ScriptedModel(SENTENCE)


@asynccontextmanager
async def cloud() -> AsyncIterator[ChatModel]:
    async with ScriptedServer(SENTENCE) as server, CloudModel("served", base_url=server.base_url) as model:
        yield model


@asynccontextmanager
async def protected() -> AsyncIterator[ChatModel]:
    async with (
        ScriptedServer(SENTENCE) as server,
        ProtectedCloud([CloudModel("served", base_url=server.base_url, retries=0)], hedge=True) as model,
    ):
        yield model


MODELS: dict[str, Opener] = {"scripted": scripted, "cloud": cloud, "protected": protected}


@pytest.fixture(params=list(MODELS))
async def model(request: pytest.FixtureRequest) -> AsyncIterator[ChatModel]:
    async with MODELS[request.param]() as opened:
        yield opened


def ask(**fields: Any) -> ChatRequest:
    return ChatRequest((Message(role="user", content="How long does a refund take?"),), **fields)


async def collect(model: ChatModel, request: ChatRequest) -> list[ChatChunk]:
    return [chunk async for chunk in model.stream(request)]


async def test_it_has_a_name(model: ChatModel) -> None:
    assert model.name


async def test_an_answer_has_text_usage_and_a_cost(model: ChatModel) -> None:
    result = await model.generate(ask(max_tokens=16))
    assert result.text.strip()
    assert result.usage.input_tokens > 0
    assert 0 < result.usage.output_tokens <= 16
    assert result.cost_usd >= 0
    assert result.model


async def test_greedy_answers_repeat(model: ChatModel) -> None:
    assert (await model.generate(ask(max_tokens=8))).text == (await model.generate(ask(max_tokens=8))).text


async def test_no_more_tokens_than_asked_for(model: ChatModel) -> None:
    result = await model.generate(ask(max_tokens=2))
    assert result.usage.output_tokens <= 2
    assert result.finish_reason == "length"


async def test_a_stop_string_ends_the_answer_and_is_no_part_of_it(model: ChatModel) -> None:
    whole = (await model.generate(ask(max_tokens=8))).text
    stop = whole.split()[1]
    cut = await model.generate(ask(max_tokens=8, stop=(stop,)))
    assert stop not in cut.text
    assert whole.startswith(cut.text)
    assert cut.finish_reason == "stop"


async def test_one_logprob_a_token_when_asked_for_and_none_otherwise(model: ChatModel) -> None:
    scored = await model.generate(ask(max_tokens=8, logprobs=True))
    assert len(scored.logprobs) == scored.usage.output_tokens
    assert all(value <= 0 for value in scored.logprobs)
    assert (await model.generate(ask(max_tokens=8))).logprobs == ()


async def test_a_stream_adds_up_to_its_result(model: ChatModel) -> None:
    request = ask(max_tokens=12)
    chunks = await collect(model, request)
    *pieces, last = chunks
    assert len(pieces) > 1
    assert not any(piece.result for piece in pieces)
    assert last.result is not None
    assert "".join(chunk.text for chunk in chunks) == last.result.text
    assert last.result.text == (await model.generate(request)).text
    assert last.result.usage.output_tokens > 0


async def test_a_stream_can_be_left(model: ChatModel) -> None:
    stream = cast("Any", model.stream(ask(max_tokens=12)))
    async with aclosing(stream) as chunks:
        async for _ in chunks:
            break
    assert (await model.generate(ask(max_tokens=4))).text


async def test_a_deadline_that_has_passed_is_exceeded(model: ChatModel) -> None:
    late = ask(deadline_s=time.monotonic() - 1)
    with pytest.raises(DeadlineExceeded):
        await model.generate(late)
    with pytest.raises(DeadlineExceeded):
        await collect(model, late)


async def test_requests_at_once_do_not_mix(model: ChatModel) -> None:
    alone = (await model.generate(ask(max_tokens=6))).text
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(model.generate(ask(max_tokens=6))) for _ in range(4)]
    assert {task.result().text for task in tasks} == {alone}


async def test_cancelling_a_request_leaves_the_model_usable(model: ChatModel) -> None:
    task = asyncio.create_task(model.generate(ask(max_tokens=64)))
    await asyncio.sleep(0)
    task.cancel()
    # A quick model may have answered already.
    with suppress(asyncio.CancelledError):
        await task
    assert (await model.generate(ask(max_tokens=4))).text

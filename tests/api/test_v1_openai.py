"""OpenAI's own client against a running service, unchanged but for its base URL."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk
from v1_cloud import ANSWER

REFUND = [{"role": "user", "content": "Within how many days do I get a refund?"}]
TRACTOR = [{"role": "user", "content": "Which engine oil does a tractor from 1974 need?"}]


@pytest.fixture
def client(shop: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=shop, api_key="unused", max_retries=0, timeout=60) as client:
        yield client


def ask(client: OpenAI, messages: Any, model: str = "signalbox/auto", **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=messages, **more)


def chunks(client: OpenAI, messages: Any, model: str = "signalbox/auto", **more: Any) -> list[ChatCompletionChunk]:
    return list(ask(client, messages, model, stream=True, **more))


def text(received: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in received for choice in chunk.choices)


def about(answer: Any) -> dict[str, Any]:
    extra: dict[str, Any] = answer.model_extra["signalbox"]
    return extra


def test_a_question_is_answered_from_the_documents(client: OpenAI) -> None:
    # No other test asks this: it was not answered before, so it goes the whole way.
    asked: Any = [{"role": "user", "content": "After how many days will I get my refund?"}]
    raw = client.chat.completions.with_raw_response.create(model="signalbox/auto", messages=asked)
    answer = raw.parse()
    assert answer.object == "chat.completion"
    (choice,) = answer.choices
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert "14 days" in (choice.message.content or "")
    assert answer.usage is not None
    known = about(answer)
    assert (known["outcome"], known["route"]) == ("answered", "grounded")
    assert known["evidence"][0]["document_id"] == "refunds.md"
    assert [attempt["route"] for attempt in known["attempts"]][:2] == ["classifier", "grounded"]
    assert raw.headers["x-signalbox-route"] == "grounded"
    assert float(raw.headers["x-signalbox-confidence"]) == pytest.approx(known["confidence"], abs=1e-4)
    assert raw.headers["x-signalbox-prediction"] == known["prediction"]
    assert answer._request_id == raw.headers["x-request-id"]


def test_the_prediction_is_kept_under_its_id(client: OpenAI, shop: str) -> None:
    known = about(ask(client, REFUND, extra_body={"signalbox": {"session_id": "visitor-1"}}))
    kept = httpx.get(f"{shop.removesuffix('/v1')}/predictions/{known['prediction']}", trust_env=False).json()
    assert kept["session_id"] == "visitor-1"
    assert kept["answer"]["text"]


def test_a_conversation_in_parts_with_instructions_is_read(client: OpenAI) -> None:
    turns = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "I sent my shoes back."}]},
        {"role": "assistant", "content": "Thank you.", "refusal": None, "tool_calls": []},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Within how many days"},
                {"type": "text", "text": "do I get a refund?"},
            ],
        },
        {"role": "system", "content": "Answer briefly."},
    ]
    assert "14 days" in ask(client, turns).choices[0].message.content


def test_an_answer_can_be_sent_back_as_the_client_gave_it(client: OpenAI) -> None:
    first = ask(client, REFUND).choices[0].message
    again = ask(client, [*REFUND, first, {"role": "user", "content": "How much does standard delivery cost?"}])
    assert "4.90" in again.choices[0].message.content


def test_parameters_without_effect_are_taken(client: OpenAI) -> None:
    answer = ask(
        client,
        REFUND,
        temperature=0.2,
        top_p=1,
        max_tokens=50,
        max_completion_tokens=50,
        stop=["\n"],
        seed=7,
        user="someone",
        metadata={"a": "b"},
        n=1,
        response_format={"type": "text"},
        store=False,
        presence_penalty=0.5,
        frequency_penalty=0,
        logprobs=False,
        parallel_tool_calls=True,
        reasoning_effort="low",
        tools=[],
        tool_choice="none",
    )
    assert "14 days" in answer.choices[0].message.content


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"n": 2}, "n", "unsupported_value"),
        ({"logprobs": True}, "logprobs", "unsupported_value"),
        ({"response_format": {"type": "json_object"}}, "response_format", "unsupported_value"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools", "unsupported_value"),
        ({"tool_choice": "required"}, "tool_choice", "unsupported_value"),
        ({"modalities": ["audio"]}, "modalities", "unsupported_value"),
        ({"temperature": 3}, "temperature", "invalid_value"),
        ({"stop": ["a"] * 5}, "stop", "invalid_value"),
        ({"extra_body": {"top_k": 4}}, "top_k", "unknown_parameter"),
        ({"extra_body": {"signalbox": {"alpha": 2}}}, "signalbox.alpha", "invalid_value"),
        ({"extra_body": {"signalbox": {"alfa": 0.1}}}, "signalbox.alfa", "unknown_parameter"),
        ({"extra_body": {"signalbox": {"expert": "nobody"}}}, "signalbox.expert", "unknown_name"),
        (
            {"model": "expert/intents", "extra_body": {"signalbox": {"expert": "x"}}},
            "signalbox.expert",
            "invalid_value",
        ),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
        ({"messages": [{"content": "a"}]}, "messages[0].role", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages", "invalid_value"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "messages[0].role", "invalid_value"),
        (
            {"messages": [{"role": "tool", "content": "a", "tool_call_id": "1"}]},
            "messages[0].role",
            "unsupported_value",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content[0].type",
            "unsupported_value",
        ),
        ({"messages": [{"role": "user", "content": "a " * 5_000}]}, "messages", "context_length_exceeded"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_can_not_be_granted_is_a_bad_request_that_names_the_parameter(
    client: OpenAI, given: dict[str, Any], param: str, code: str
) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as caught:
            ask(client, **{"messages": REFUND, "stream": stream} | given)
        assert (caught.value.param, caught.value.code) == (param, code)
        assert caught.value.type == "invalid_request_error"
        assert caught.value.request_id


def test_ten_thousand_turns_are_too_many(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"10,000 messages; the limit is 100\.") as caught:
        ask(client, [{"role": "user", "content": "a"}] * 10_000)
    assert (caught.value.param, caught.value.code) == ("messages", "context_length_exceeded")


def test_an_unknown_model_is_not_found_and_the_known_are_listed(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"signalbox/auto.*expert/intents") as caught:
        ask(client, REFUND, "gpt-4o")
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError, match="signalbox/encoder"):
        client.embeddings.create(model="text-embedding-3-small", input="a")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("expert/nobody")
    with pytest.raises(openai.NotFoundError):
        client.files.list()


def test_a_crash_is_a_server_error_that_tells_nothing_but_its_id(client: OpenAI) -> None:
    for stream in (False, True):
        with pytest.raises(openai.InternalServerError) as caught:
            ask(client, [{"role": "user", "content": "crash"}], stream=stream)
        assert caught.value.code == "internal_error"
        assert "secret" not in str(caught.value)
        assert caught.value.request_id in str(caught.value)


def test_an_expert_is_asked_by_its_name(client: OpenAI) -> None:
    answer = ask(client, [{"role": "user", "content": "I forgot my password"}], "expert/intents")
    assert answer.choices[0].message.content == "Here is what to do about password."
    assert about(answer)["route"] == "classifier"
    assert about(answer)["labels"][0]["label"] == "password"


def test_what_nobody_is_sure_of_is_answered_politely_and_waits_for_a_person(client: OpenAI) -> None:
    constraints = {"signalbox": {"local_only": True}}
    answer = ask(client, TRACTOR, extra_body=constraints)
    (choice,) = answer.choices
    assert choice.finish_reason == "stop"
    assert "a person" in choice.message.content
    assert about(answer)["outcome"] == "in_review"
    assert about(answer)["review"]["state"] == "waiting"
    streamed = chunks(client, TRACTOR, extra_body=constraints)
    assert text(streamed) == choice.message.content
    assert about(streamed[-1])["outcome"] == "in_review"


def test_a_refusal_says_its_reason(client: OpenAI) -> None:
    answer = ask(client, TRACTOR, "signalbox/cloud", extra_body={"signalbox": {"local_only": True}})
    assert about(answer)["outcome"] == "refused"
    assert "local_only" in answer.choices[0].message.content


def test_a_stream_has_the_role_first_and_what_is_known_last(client: OpenAI) -> None:
    received = chunks(client, REFUND, stream_options={"include_usage": True})
    assert received[0].choices[0].delta.role == "assistant"
    assert "14 days" in text(received)
    assert len(received) > 6, "it comes in words"
    *_, last, used = received
    assert last.choices[0].finish_reason == "stop"
    assert about(last)["route"] == "grounded"
    assert used.choices == []
    assert used.usage is not None
    assert {chunk.id for chunk in received} == {received[0].id}
    assert all(chunk.usage is None for chunk in received[:-1])
    assert all(chunk.usage is None for chunk in chunks(client, REFUND))


def test_the_streaming_helper_of_the_client_understands_it(client: OpenAI) -> None:
    with client.chat.completions.stream(model="signalbox/auto", messages=REFUND) as stream:  # type: ignore[arg-type]
        final = stream.get_final_completion()
    assert "14 days" in (final.choices[0].message.content or "")


def test_a_query_without_the_clouds_name_is_streamed_only_when_accepted(client: OpenAI, shop: str) -> None:
    received = chunks(client, TRACTOR)
    assert about(received[-1])["route"] == "cloud"
    assert text(received) == ANSWER


def test_the_clouds_own_tokens_are_passed_on_as_they_come(client: OpenAI) -> None:
    messages = [{"role": "user", "content": "Which oil does a tractor from 1975 need?"}]
    received = chunks(client, messages, "signalbox/cloud", stream_options={"include_usage": True})
    assert text(received) == ANSWER
    assert about(received[-2])["route"] == "cloud"
    assert received[-1].usage is not None
    assert received[-1].usage.completion_tokens > 5
    cached = chunks(client, messages, "signalbox/cloud")
    assert text(cached) == ANSWER


def test_a_cloud_answer_that_is_not_accepted_says_so_at_its_end(client: OpenAI) -> None:
    received = chunks(client, [{"role": "user", "content": "Say something unknowable"}], "signalbox/cloud")
    assert text(received).startswith("I don't know")
    assert "a person will" in text(received)
    assert about(received[-1])["outcome"] == "in_review"


def test_a_stream_that_the_cloud_cuts_ends_in_an_error(client: OpenAI) -> None:
    received = []
    with pytest.raises(openai.APIError, match="broke off") as caught:
        received.extend(ask(client, [{"role": "user", "content": "Be cut short"}], "signalbox/cloud", stream=True))
    assert caught.value.type == "server_error"


def test_after_half_an_answer_there_is_no_done(shop: str) -> None:
    body = {"model": "signalbox/cloud", "stream": True, "messages": [{"role": "user", "content": "Cut, be cut short"}]}
    said = httpx.post(f"{shop}/chat/completions", json=body, trust_env=False, timeout=60).text
    assert "One " in said
    assert "[DONE]" not in said
    assert 'finish_reason":"stop' not in said
    assert said.rstrip().splitlines()[-1].startswith('data: {"error":')


def test_a_cloud_that_fails_before_its_first_token_leaves_the_query_to_a_person(client: OpenAI) -> None:
    received = chunks(client, [{"role": "user", "content": "limited"}], "signalbox/cloud")
    assert about(received[-1])["outcome"] == "in_review"
    assert "a person" in text(received)


def test_leaving_a_stream_early_is_no_trouble(client: OpenAI) -> None:
    for _ in range(3):
        with ask(client, [{"role": "user", "content": "endless"}], "signalbox/cloud", stream=True) as stream:
            next(iter(stream))
    assert "14 days" in ask(client, REFUND).choices[0].message.content


def test_embeddings_are_unit_vectors_in_either_spelling(client: OpenAI) -> None:
    texts = ["How long does a refund take?", "Ein Zug 🚂", "word " * 1_000]
    plain = client.embeddings.create(model="signalbox/encoder", input=texts, encoding_format="float")
    default = client.embeddings.create(model="signalbox/encoder", input=texts)
    assert [item.index for item in plain.data] == [0, 1, 2]
    for one, other in zip(plain.data, default.data, strict=True):
        assert len(one.embedding) == 384
        assert sum(value * value for value in one.embedding) == pytest.approx(1, abs=1e-4)
        assert other.embedding == pytest.approx(one.embedding, abs=1e-6)
    assert plain.usage.prompt_tokens == plain.usage.total_tokens > 256
    assert about(plain)["truncated"] == [2]
    alone = client.embeddings.create(model=about(plain)["encoder"], input=texts[0], dimensions=384)
    assert alone.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)


def test_base64_is_little_endian_float32(shop: str) -> None:
    body = {"model": "signalbox/encoder", "input": "a", "encoding_format": "base64"}
    spelled = httpx.post(f"{shop}/embeddings", json=body, trust_env=False).json()["data"][0]["embedding"]
    numbers = httpx.post(f"{shop}/embeddings", json=body | {"encoding_format": "float"}, trust_env=False).json()
    assert list(struct.unpack("<384f", base64.b64decode(spelled))) == pytest.approx(numbers["data"][0]["embedding"])


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2, 3]]}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input[1]"),
        ({"input": ["a"] * 3_000}, "input"),
        ({"input": ["a", "b" * 8_001]}, "input[1]"),
        ({"input": "a", "dimensions": 100}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_can_not_be_embedded_is_a_bad_request(client: OpenAI, given: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="signalbox/encoder", **given)
    assert caught.value.param == param


def test_the_models_are_listed_and_found_by_their_ids(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[:4] == ["signalbox/auto", "signalbox/grounded", "signalbox/cloud", "expert/intents"]
    assert "signalbox/encoder" in names
    for name in names:
        found = client.models.retrieve(name)
        assert (found.id, found.object, found.owned_by) == (name, "model", "signalbox")


async def test_the_asynchronous_client_works_alike(shop: str) -> None:
    async with AsyncOpenAI(base_url=shop, api_key="unused", max_retries=0, timeout=60) as client:
        answer = await client.chat.completions.create(model="signalbox/auto", messages=REFUND)  # type: ignore[arg-type]
        assert "14 days" in (answer.choices[0].message.content or "")
        stream = await client.chat.completions.create(model="signalbox/auto", messages=REFUND, stream=True)  # type: ignore[arg-type]
        assert text([chunk async for chunk in stream]) == answer.choices[0].message.content
        vectors = await client.embeddings.create(model="signalbox/encoder", input=["a", "b"])
        assert len(vectors.data) == 2
        assert len([model async for model in client.models.list()]) >= 5
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(model="signalbox/auto", messages=REFUND, n=3)  # type: ignore[arg-type]

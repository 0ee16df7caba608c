"""The help desk as OpenAI's and LangChain's clients see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import OpenAI
from processes import Service

QUESTION: Any = [{"role": "user", "content": "How long does a refund take?"}]


@pytest.fixture
def client(service: Service) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"http://127.0.0.1:{service.port}/v1", api_key="unused", max_retries=0) as client:
        yield client


def test_a_question_gets_the_answer_that_predict_gives(service: Service, client: OpenAI) -> None:
    answer = client.chat.completions.create(model="signalbox/auto", messages=QUESTION)
    known = (answer.model_extra or {})["signalbox"]
    predicted = service.ask("How long does a refund take?")
    assert known["outcome"] == predicted["outcome"] == "answered"
    assert answer.choices[0].message.content == predicted["answer"]["text"]
    assert service.get(f"/predictions/{known['prediction']}").json()["route"] == known["route"]


def test_a_stream_gives_the_same_text(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="signalbox/grounded", messages=QUESTION)
    stream = client.chat.completions.create(model="signalbox/grounded", messages=QUESTION, stream=True)
    pieces = [choice.delta.content or "" for chunk in stream for choice in chunk.choices]
    assert len(pieces) > 3
    assert "".join(pieces) == whole.choices[0].message.content


def test_the_trained_expert_is_a_model(client: OpenAI) -> None:
    assert "expert/intents" in [model.id for model in client.models.list()]
    answer = client.chat.completions.create(model="expert/intents", messages=QUESTION)
    attempts = (answer.model_extra or {})["signalbox"]["attempts"]
    assert {attempt["route"] for attempt in attempts if attempt["outcome"] != "skipped"} == {"classifier"}


def test_langchain_chats_and_embeds(service: Service) -> None:
    url = f"http://127.0.0.1:{service.port}/v1"
    answer = ChatOpenAI(base_url=url, api_key="unused", model="signalbox/auto").invoke("How long does a refund take?")  # type: ignore[arg-type]
    assert answer.content
    embeddings = OpenAIEmbeddings(
        base_url=url,
        api_key="unused",  # type: ignore[arg-type]
        model="signalbox/encoder",
        check_embedding_ctx_length=False,
    )
    near, far = embeddings.embed_documents(["When is my money returned?", "The showroom is in Ghent."])
    query = embeddings.embed_query("How long does a refund take?")
    assert sum(a * b for a, b in zip(query, near, strict=True)) > sum(a * b for a, b in zip(query, far, strict=True))

"""LangChain's OpenAI classes against a running service, unchanged but for their base URL."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

REFUND = "Within how many days do I get a refund?"


def chat(shop: str, **more: Any) -> ChatOpenAI:
    return ChatOpenAI(**{"base_url": shop, "api_key": "unused", "model": "signalbox/auto", "max_retries": 0, **more})


def test_invoking_answers(shop: str) -> None:
    answer = chat(shop, temperature=0).invoke([("system", "Be kind."), ("human", REFUND)])
    assert "14 days" in str(answer.content)
    assert answer.response_metadata["finish_reason"] == "stop"
    constrained = chat(shop, extra_body={"signalbox": {"local_only": True}}).invoke("Which oil does a tractor need?")
    assert "a person" in str(constrained.content)


def test_streaming_gives_the_same_text_in_pieces(shop: str) -> None:
    model = chat(shop)
    pieces = list(model.stream(REFUND))
    assert len(pieces) > 4
    assert "".join(str(piece.content) for piece in pieces) == model.invoke(REFUND).content


async def test_streaming_asynchronously_gives_it_too(shop: str) -> None:
    pieces = [str(piece.content) async for piece in chat(shop, model="signalbox/cloud").astream("Which tractor oil?")]
    assert "SAE 30" in "".join(pieces)


def test_errors_are_the_clients_own(shop: str) -> None:
    with pytest.raises(openai.NotFoundError):
        chat(shop, model="gpt-4o").invoke(REFUND)
    with pytest.raises(openai.BadRequestError):
        chat(shop, n=2).invoke(REFUND)


def test_embeddings_take_strings_once_told_not_to_count_tokens(shop: str) -> None:
    embeddings = OpenAIEmbeddings(
        base_url=shop, api_key="unused", model="signalbox/encoder", check_embedding_ctx_length=False
    )
    (refund, delivery), query = (
        embeddings.embed_documents([REFUND, "Delivery by two people"]),
        embeddings.embed_query(REFUND),
    )
    assert len(refund) == len(delivery) == 384
    assert sum(a * b for a, b in zip(refund, query, strict=True)) == pytest.approx(1, abs=1e-4)

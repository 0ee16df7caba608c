"""Large answers of /v1/embeddings: written beside the event loop, and the same as small ones."""

from __future__ import annotations

import base64
import threading
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from auth_people import client_of

from api.service.wiring import Service
from api.v1.embeddings import Embeddings
from signalbox.settings import Settings


class Vectors(np.ndarray[Any, Any]):
    """Notes in which threads it was made into something else."""

    threads: set[int] = set()  # noqa: RUF012 - shared on purpose

    def tolist(self) -> Any:
        self.threads.add(threading.get_ident())
        return super().tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        self.threads.add(threading.get_ident())
        return super().tobytes(order)


class SmallEncoder:
    """A vector of a text's length; the shape is what matters here."""

    name = "small"
    dimension = 4
    max_tokens = 8

    def encode(self, texts: list[str]) -> Any:
        return np.array([[len(text), 0.1, -1, 0] for text in texts], dtype=np.float32).view(Vectors)

    def count_tokens(self, texts: list[str]) -> list[int]:
        return [len(text) for text in texts]


@pytest.mark.parametrize("spelling", ["float", "base64"])
async def test_the_answer_is_written_beside_the_event_loop(settings: Settings, service: Service, spelling: str) -> None:
    encoder: Any = SmallEncoder()
    service.models = replace(service.models, encoder=encoder)
    Vectors.threads.clear()
    texts = ["a" * (1 + number % 10) for number in range(300)]
    body = {"model": "small", "input": texts, "encoding_format": spelling}
    async with client_of(settings, service) as client:
        response: httpx.Response = await client.post("/v1/embeddings", json=body)
    assert response.headers["content-type"] == "application/json"
    answer = Embeddings.model_validate_json(response.content, extra="forbid")
    assert [item.index for item in answer.data] == list(range(300))
    given = [
        np.frombuffer(base64.b64decode(item.embedding), "<f4") if isinstance(item.embedding, str) else item.embedding
        for item in answer.data
    ]
    np.testing.assert_allclose(np.array(given), encoder.encode(texts))
    assert answer.signalbox.truncated == [index for index, text in enumerate(texts) if len(text) > 8]
    assert Vectors.threads
    assert threading.get_ident() not in Vectors.threads

"""POST /v1/embeddings: the vectors of the service's own encoder, or of one that was tuned for an expert.

The encoder shares its threads with running queries, so texts go to it in small batches and few requests at once.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from api.deps import ServiceDep, SettingsDep
from api.service.wiring import Service
from api.stream.disconnect import while_connected
from api.v1.bodies import EmbeddingsBody
from api.v1.errors import Refused, responses
from api.v1.names import ENCODER, expert_of, unknown
from api.v1.route import OpenAIRoute
from signalbox.contracts import Vectors
from signalbox.errors import Overloaded

router = APIRouter(prefix="/v1", route_class=OpenAIRoute, tags=["OpenAI-compatible"])

_BATCH = 16
_AT_ONCE = 2
_MOST_WAITING = 32


class Reader(Protocol):
    """What turns texts into vectors here."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    def encode(self, texts: list[str], /) -> Vectors: ...

    def count_tokens(self, texts: list[str], /) -> list[int]: ...


class Embedding(BaseModel):
    """A unit vector, as numbers or as base64 of little-endian float32."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(BaseModel):
    """Tokens that the encoder read; what is beyond its longest text is cut off and not counted."""

    prompt_tokens: int
    total_tokens: int


class AboutEmbeddings(BaseModel):
    """`truncated` are the indices of texts of which only the first `max_tokens` tokens were read."""

    encoder: str
    dimension: int
    max_tokens: int
    truncated: list[int]


class Embeddings(BaseModel):
    """OpenAI's list of embeddings, in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage
    signalbox: AboutEmbeddings


class Desk:
    """Lets few requests use the encoder at once, and few more wait. For one event loop."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def encode(self, executor: Executor, encoder: Reader, texts: list[str]) -> tuple[list[Vectors], list[int]]:
        """A vector a text, and how many tokens each text has.

        Raises:
            Overloaded: too many requests wait already.
        """
        if self._waiting >= _MOST_WAITING:
            raise Overloaded(f"{self._waiting} requests wait for the encoder. Try again shortly.", retry_after_s=1.0)
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            return await _encode(executor, encoder, texts)
        finally:
            self._free.release()


async def _encode(executor: Executor, encoder: Reader, texts: list[str]) -> tuple[list[Vectors], list[int]]:
    loop = asyncio.get_running_loop()
    vectors: list[Vectors] = []
    counts: list[int] = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        vectors += list(await loop.run_in_executor(executor, encoder.encode, batch))
        counts += await loop.run_in_executor(executor, encoder.count_tokens, batch)
    return vectors, counts


async def _desk(request: Request) -> Desk:
    state = request.app.state
    if not hasattr(state, "embeddings_desk"):
        state.embeddings_desk = Desk()
    desk = state.embeddings_desk
    assert isinstance(desk, Desk)
    return desk


DeskDep = Annotated[Desk, Depends(_desk)]


@router.post(
    "/embeddings",
    response_model=Embeddings,
    responses=responses(400, 401, 403, 404, 408, 413, 415, 421, 429, 500, 503),
)
async def create_embeddings(
    body: EmbeddingsBody, request: Request, service: ServiceDep, settings: SettingsDep, desk: DeskDep
) -> Response:
    """Turn texts into unit vectors with the encoder that retrieval uses too, or with one that was tuned for an expert
    (`expert/NAME`), which places texts as the expert sees them.
    """
    encoder = await _reader(service, body.model)
    if body.dimensions not in (None, encoder.dimension):
        raise Refused(
            f"Unsupported value: 'dimensions' is {body.dimensions}; {encoder.name} has {encoder.dimension}.",
            param="dimensions",
            code="unsupported_value",
        )
    vectors, counts = await while_connected(
        request, desk.encode(service.models.executor, encoder, body.texts(settings))
    )
    read = sum(min(count, encoder.max_tokens) for count in counts)
    answer = Embeddings(
        data=[],
        model=body.model,
        usage=EmbeddingsUsage(prompt_tokens=read, total_tokens=read),
        signalbox=AboutEmbeddings(
            encoder=encoder.name,
            dimension=encoder.dimension,
            max_tokens=encoder.max_tokens,
            truncated=[index for index, count in enumerate(counts) if count > encoder.max_tokens],
        ),
    )
    spelled = _as_base64 if body.encoding_format == "base64" else _as_numbers
    written = await asyncio.to_thread(_written, answer, vectors, spelled)
    return Response(written, media_type="application/json")


async def _reader(service: Service, model: str) -> Reader:
    """The encoder that `model` names.

    Raises:
        Refused: there is none.
    """
    shared, experts = service.models.encoder, service.router.parts.experts
    if model in (known := (ENCODER, shared.name)):
        return shared
    reference = expert_of(model, experts)
    if reference is None:
        raise unknown(model, known)
    own = getattr(experts[reference], "own_encoder", None)
    encoder = await asyncio.to_thread(own) if own is not None else None
    if encoder is None:
        raise Refused(
            f"The expert {reference!r} has no encoder of its own; it uses {ENCODER}.",
            param="model",
            code="model_not_found",
            status=404,
        )
    found: Reader = encoder
    return found


def _written(answer: Embeddings, vectors: list[Vectors], spelled: Callable[[Vectors], list[float] | str]) -> bytes:
    """`answer` with its data, as JSON: up to 16 MB, written a vector at a time so that other threads get their turn."""
    data = [
        Embedding(index=index, embedding=spelled(vector)).model_dump_json().encode()
        for index, vector in enumerate(vectors)
    ]
    rest = answer.model_dump_json(exclude={"data"}).encode()
    return b"".join((rest[:-1], b',"data":[', b",".join(data), b"]}"))


def _as_base64(vector: Vectors) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _as_numbers(vector: Vectors) -> list[float]:
    numbers: list[float] = vector.tolist()
    return numbers

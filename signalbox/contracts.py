"""The seams: what one part may ask of another, each in one or two calls.

An implementation does not inherit from these; it only has the methods. The suites in
`tests/contracts/` run over every implementation, the scripted ones included.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from signalbox.types import Answer, Evidence, Message, Prediction, Query, Quote, Usage, Verdict

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One completion to make.

    Attributes:
        messages: the conversation, oldest first.
        max_tokens: most tokens to generate.
        temperature: 0 is greedy.
        stop: strings that end the answer and are not part of it.
        seed: makes sampling repeatable where the model supports it.
        grammar: a GBNF grammar the answer must match (local models only).
        json_schema: a JSON Schema the answer must match.
        logprobs: ask for the log-probability of every generated token.
        deadline_s: absolute `time.monotonic()` by which the answer must be complete.
        caller: the API key the query came with, for spending caps.
        max_cost_usd: most that all calls for the answer may cost together; kept by `ProtectedCloud`, which makes them.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 256
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    seed: int = 0
    grammar: str | None = None
    json_schema: Mapping[str, object] | None = None
    logprobs: bool = False
    deadline_s: float | None = None
    caller: str | None = None
    max_cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class ChatResult:
    """A completed answer.

    Attributes:
        logprobs: natural logs, one a generated token, when asked for.
        usage_estimated: the server didn't say what it counted, so `usage` and what follows from it are no bound.
        trouble: what went wrong on the way, where it took more than one call; `cost_usd` holds those too.
    """

    text: str
    usage: Usage
    model: str
    finish_reason: str = "stop"
    logprobs: tuple[float, ...] = ()
    cost_usd: float = 0.0
    usage_estimated: bool = False
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class ChatChunk:
    """A piece of an answer; the last one carries `result`, the whole of it."""

    text: str
    result: ChatResult | None = None


class ChatModel(Protocol):
    """A model that answers. Raises Overloaded, ModelCrashed, UpstreamError or DeadlineExceeded."""

    @property
    def name(self) -> str: ...

    async def generate(self, request: ChatRequest) -> ChatResult: ...

    def stream(self, request: ChatRequest) -> AsyncIterator[ChatChunk]: ...


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Continuations to score after one shared prefix, or one continuation after many prefixes.

    The log P asked for is of `continuations[i]` given `shared + prefixes[i]` (prefixes may be empty
    strings). Texts are already in the model's prompt format.
    """

    shared: str
    prefixes: tuple[str, ...]
    continuations: tuple[str, ...]
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """Log-probability (natural) of each token of one continuation."""

    token_logprobs: tuple[float, ...]

    @property
    def total(self) -> float:
        return float(sum(self.token_logprobs))

    @property
    def mean(self) -> float:
        return self.total / len(self.token_logprobs) if self.token_logprobs else 0.0


@runtime_checkable
class ScoringModel(Protocol):
    """A model that reads: it says how likely given texts are. One `Score` per (prefix, continuation) pair."""

    async def score(self, request: ScoreRequest) -> tuple[Score, ...]: ...


class Encoder(Protocol):
    """Turns texts into unit vectors, shape (len(texts), dimension), float32."""

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors: ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of a document found for a query; `start` is its offset in the document's text.

    Attributes:
        score: the fused score the list is ordered by; higher is better, comparable within one search only.
        similarity: cosine between query and chunk vectors.
        bm25: the BM25 score, 0 where no query term occurs.
    """

    chunk_id: str
    document_id: str
    title: str
    text: str
    start: int
    score: float
    similarity: float
    bm25: float
    metadata: Mapping[str, str] = field(default_factory=dict)


class Retriever(Protocol):
    """Finds the `k` passages that best match a query; `vector` saves encoding it twice."""

    def search(
        self,
        query: str,
        k: int,
        *,
        filters: Mapping[str, str] | None = None,
        vector: Vectors | None = None,
    ) -> tuple[Passage, ...]: ...


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an expert says of one query: the answer, its calibrated confidence and the signals behind it."""

    answer: Answer
    confidence: float
    features: Mapping[str, float]
    evidence: tuple[Evidence, ...] = ()


class Expert(Protocol):
    """A trained local model, `name` as `intents@3`. `vectors` saves encoding the texts twice."""

    @property
    def name(self) -> str: ...

    def predict(
        self, texts: Sequence[str], *, vectors: Vectors | None = None, explain: bool = False
    ) -> tuple[Opinion, ...]: ...


class Judge(Protocol):
    """Judges an answer against the passages it was given from."""

    async def judge(self, query: Query, answer: Answer, quotes: Sequence[Quote]) -> Verdict: ...


@runtime_checkable
class System(Protocol):
    """Anything that turns a query into a prediction: what an evaluation runs against."""

    async def predict(self, query: Query) -> Prediction: ...

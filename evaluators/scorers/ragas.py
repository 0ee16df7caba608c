"""The metrics of ragas through one adapter: the only place that knows ragas, which is imported when first asked for.

What ragas leaves open is closed here: a value that is none (NaN, nothing extracted, a verdict of 11, fewer verdicts
than statements) is unmeasured with its reason, at most `concurrency` rows ask the judge at once, every row has a metric
of its own so that no other row's number can change, and nothing is sent to anybody about its use. The model that judges
is the run's. Versions of ragas and of its prompts stand in the component.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import math
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field

from eval_sets.cases import Case
from evaluators.contract import Component, Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import NO_ANSWER, Arguments, answer_text, not_asked, read_arguments, unmeasured
from evaluators.scorers.ragas_metrics import METRICS, Kind, Missing, inputs_of
from evaluators.scorers.ragas_replies import Asked, Unusable, count_problem, parse_reply, schema_of
from evaluators.scorers.resources import Resources
from signalbox.contracts import ChatModel, ChatRequest, Encoder
from signalbox.errors import MissingDependency, UnknownName
from signalbox.settings import decline_telemetry
from signalbox.types import Message

if TYPE_CHECKING:
    from types import ModuleType

_ROUNDING = 1e-6
# What ragas' own code raises on replies that it did not expect.
_THEIR_ERRORS = (ValueError, TypeError, ArithmeticError, AssertionError, LookupError, AttributeError)


class RagasArguments(Arguments):
    """Which metric, and how its judge is asked; `judge` names one of several models, `mode` is for correctness."""

    metric: str
    judge: str | None = None
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    max_tokens: Annotated[int, Field(ge=16, le=32_000)] = 2_000
    timeout_s: Annotated[float, Field(gt=0, le=3_600)] = 120.0
    questions: Annotated[int, Field(ge=1, le=10)] = 3
    mode: Literal["f1", "precision", "recall"] = "f1"


def build(arguments: Mapping[str, object], resources: Resources) -> Scorer:
    """A scorer of one metric.

    Raises:
        InvalidInput: there is no such metric or argument.
        MissingDependency: ragas is not installed.
        ConfigurationError: the metric needs a model or an encoder, and the run has none.
    """
    given = read_arguments("ragas", RagasArguments, arguments)
    kind = _kind(given.metric)
    model = resources.model(f"ragas:metric={given.metric}", given.judge) if kind.judged else None
    encoder = resources.open_encoder(f"ragas:metric={given.metric}") if kind.embeds else None
    return RagasScorer(given, kind, model, encoder)


class RagasScorer:
    """One metric of ragas; `score` never raises for what a judge replied."""

    def __init__(self, given: RagasArguments, kind: Kind, model: ChatModel | None, encoder: Encoder | None) -> None:
        self._given, self._kind, self._model, self._encoder = given, kind, model, encoder
        self._free = asyncio.Semaphore(given.concurrency)
        self._name = f"ragas_{given.metric}"
        self.metrics = (Metric(name=self._name, kind=kind.measures),)
        self.component = Component(
            name="ragas",
            version=_version(self._metric(Asked(0)), model, encoder),
            arguments=given.model_dump(mode="json", exclude_none=True),
        )

    async def score(self, case: Case, output: Output) -> Sequence[Measure]:
        text = answer_text(output)
        if text is None:
            return [not_asked(self._name, NO_ANSWER)]
        try:
            asked_with = inputs_of(self._kind, case, output, text)
        except Missing as missing:
            return [missing.measure(self._name)]
        async with self._free:
            measures = [await self._one(inputs) for inputs in asked_with]
        # Where several answers are right, the one that is nearest counts.
        return [max(measures, key=lambda one: -1.0 if one.value is None else one.value)]

    async def _one(self, inputs: Mapping[str, Any]) -> Measure:
        record = Asked(time.monotonic() + self._given.timeout_s)
        try:
            metric = self._metric(record)
            if self._kind.judged:
                result = await metric.ascore(**inputs)
            else:  # arithmetic that would hold up everybody else
                result = await asyncio.to_thread(asyncio.run, metric.ascore(**inputs))
        except Unusable as error:
            return unmeasured(self._name, str(error))
        except _THEIR_ERRORS as error:
            return unmeasured(self._name, f"ragas failed: {type(error).__name__}: {error}"[:500])
        return self._read(result, record)

    def _read(self, result: Any, record: Asked) -> Measure:
        problem = count_problem(self._given.metric, self._given.mode, record)
        if problem:
            return unmeasured(self._name, problem)
        if self._given.metric == "quoted_spans" and "No quoted spans" in str(result.reason or ""):
            return not_asked(self._name, "nothing was quoted")
        try:
            value = float(result.value)
        except (TypeError, ValueError):
            return unmeasured(self._name, f"ragas gave {result.value!r}, which is no number")
        if math.isnan(value):
            return unmeasured(self._name, "ragas gave no number: nothing was found to judge")
        details = {"calls": len(record.replies)} if self._kind.judged else {}
        if self._kind.embeds and -1 - _ROUNDING <= value < 0:
            return Measure(metric=self._name, value=0.0, reason="they point apart", details=details | {"cosine": value})
        if not -_ROUNDING <= value <= 1 + _ROUNDING:
            return unmeasured(self._name, f"ragas gave {value:g}, outside 0 to 1")
        return Measure(metric=self._name, value=min(1.0, max(0.0, value)), details=details)

    def _metric(self, record: Asked) -> Any:
        """A metric for one row: it and its judge remember nothing of others."""
        kind, given = self._kind, self._given
        arguments: dict[str, Any] = {}
        if self._model is not None:
            arguments["llm"] = _judge_class()(self._model, given.max_tokens, record)
        if self._encoder is not None:
            arguments["embeddings"] = _embeddings_class()(self._encoder)
        if given.metric == "answer_relevancy":
            arguments["strictness"] = given.questions
        if given.metric == "factual_correctness":
            arguments["mode"] = given.mode
        return getattr(_ragas("ragas.metrics.collections"), kind.place)(**arguments)


def _kind(name: str) -> Kind:
    if name not in METRICS:
        raise UnknownName(
            f"The scorer 'ragas': there is no metric {name[:80]!r}. There are {', '.join(sorted(METRICS))}.",
            field="metric",
        )
    return METRICS[name]


def _ragas(module: str) -> ModuleType:
    """A module of ragas, imported without telling anybody.

    Raises:
        MissingDependency: it is not installed.
    """
    decline_telemetry()
    try:
        found = importlib.import_module(module)
        importlib.import_module("ragas._analytics")._analytics_batcher.shutdown()  # its thread has nothing to send
    except ImportError as error:
        raise MissingDependency(
            f"The scorer 'ragas' needs packages that are not installed ({error}): pip install 'signalbox[evaluation]'.",
            field="scorers",
        ) from error
    return found


@cache
def _judge_class() -> Any:
    base: Any = _ragas("ragas.llms.base").InstructorBaseRagasLLM

    class Judge(base):  # type: ignore[misc]
        """Our model, as ragas wants one."""

        def __init__(self, model: ChatModel, max_tokens: int, record: Asked) -> None:
            self._model, self._max_tokens, self._record = model, max_tokens, record

        def generate(self, *_: object) -> BaseModel:
            raise TypeError("the judge is asked from the event loop only")

        async def agenerate(self, prompt: str, response_model: type[BaseModel]) -> BaseModel:
            request = ChatRequest(
                messages=(Message(role="user", content=prompt),),
                max_tokens=self._max_tokens,
                json_schema=schema_of(response_model),
                deadline_s=self._record.deadline_s,
            )
            result = await self._model.generate(request)
            reply = parse_reply(result.text, result.finish_reason, response_model)
            self._record.replies.append(reply)
            return reply

    return Judge


@cache
def _embeddings_class() -> Any:
    base: Any = _ragas("ragas.embeddings.base").BaseRagasEmbedding

    class Embeddings(base):  # type: ignore[misc]
        """Our encoder, as ragas wants one."""

        def __init__(self, encoder: Encoder) -> None:
            super().__init__()
            self._encoder = encoder

        def embed_text(self, text: str, **_: Any) -> list[float]:
            return [float(number) for number in self._encoder.encode([text])[0]]

        async def aembed_text(self, text: str, **_: Any) -> list[float]:
            return await asyncio.to_thread(self.embed_text, text)

    return Embeddings


def _version(metric: Any, model: ChatModel | None, encoder: Encoder | None) -> str:
    """ragas, its prompts, and who is asked."""
    parts = [f"1/ragas-{_ragas('ragas').__version__}"]
    base = _ragas("ragas.prompt.metrics.base_prompt").BasePrompt
    prompts = [value for _, value in sorted(vars(metric).items()) if isinstance(value, base)]
    if prompts:
        digest = hashlib.sha256()
        for prompt in prompts:
            shown = [str(prompt.instruction), repr(prompt.examples), repr(prompt.output_model.model_json_schema())]
            digest.update("\n".join(shown).encode())
        parts.append(f"prompts-{digest.hexdigest()[:12]}")
    if model is not None:
        host = getattr(model, "host", None)
        parts.append(model.name if host is None else f"{model.name}@{host}")
    if encoder is not None:
        from retriever.build import encoder_identity

        parts.append(encoder_identity(encoder))
    return "/".join(parts)

"""What answers: the router's parts and the models behind them, opened as the settings and the data directory have it.

A part that is missing leaves its route unavailable, it is no error. Nothing here needs a database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from agents.defences import Defences
from agents.state import Parts
from api.service.closing import close_all
from api.service.folders import experts_folder, index_folder, make_data_dir, policies_folder
from signalbox.contracts import ScoringModel
from signalbox.settings import Settings
from signalbox.storage import Database, SpendingStore
from signalbox.telemetry import Metrics

if TYPE_CHECKING:
    from api.service.experts import ExpertPool
    from retriever import Index
    from signalbox.encoder import OnnxEncoder
    from signalbox.models.cloud import CloudModel
    from signalbox.models.local import LocalModel
    from signalbox.models.prices import Prices
    from signalbox.models.protection import CapOf, ProtectedCloud

DEFAULT_EXPERT = "intents"
_SMALL_MODEL_PARAMETERS = 1_000_000_000
_THREADS = 4
_EXPERT_THREADS = 2
_ANSWER_TOKENS = 150  # of a usual cloud answer
_CONTEXT_TOKENS = 1_200  # of the passages sent along

Progress = Callable[[str], None]


@dataclass
class Models:
    """What answers: the router's parts and the models behind them. Use as an async context manager."""

    parts: Parts
    encoder: OnnxEncoder
    index: Index
    local: LocalModel | CloudModel | None
    cloud: ProtectedCloud | None
    executor: Executor
    expert_executor: Executor | None = None
    experts: ExpertPool | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await close_all(self.local, self.cloud)
        for executor in (self.executor, self.expert_executor):
            if executor is not None:
                executor.shutdown(wait=False, cancel_futures=True)


async def open_models(
    settings: Settings,
    *,
    progress: Progress | None = None,
    database: Database | None = None,
    cap_of: CapOf | None = None,
    metrics: Metrics | None = None,
) -> Models:
    """Open what answers. Without a database it is enough to calibrate and to measure; what is spent is then forgotten.

    Args:
        cap_of: the daily cap of an API key by its id, in US dollars.
        metrics: count the calls of the cloud.
    """
    from agents.grounding import Grounder, Reader, shipped_ranker
    from agents.policy import PolicyStore
    from retriever import Index
    from signalbox.encoder import load_encoder
    from signalbox.models.prices import load_prices

    make_data_dir(settings)
    # Loading takes seconds; the event loop has health checks to answer meanwhile.
    encoder = await asyncio.to_thread(load_encoder, settings, progress=progress)
    index = await asyncio.to_thread(Index.open, index_folder(settings), encoder)
    experts = await asyncio.to_thread(_experts, settings, encoder)
    defences = await asyncio.to_thread(_defences, settings, index, experts, encoder)
    policy = PolicyStore(policies_folder(settings)).champion(settings.alpha)
    if settings.source("alpha") != "default":
        policy = policy.model_copy(update={"alpha": settings.alpha})
    prices = load_prices(settings.prices_file)
    cloud = await _cloud_model(settings, prices, database, cap_of, metrics)
    try:
        local = await _local_model(settings, progress)
    except BaseException:
        await close_all(cloud)
        raise
    parts = Parts(
        policy=policy,
        encoder=encoder,
        executor=ThreadPoolExecutor(_THREADS, thread_name_prefix="router"),
        expert_executor=ThreadPoolExecutor(_EXPERT_THREADS, thread_name_prefix="experts"),
        retriever=index if index.stats.chunks else None,
        grounder=Grounder(Reader(encoder), shipped_ranker()),
        experts=experts,
        default_expert=experts.default,
        local=local,
        scorer=local if isinstance(local, ScoringModel) else None,
        cloud=cloud,
        cloud_cost_usd=_most_cost(settings, prices),
        reference_cost_usd=_usual_cost(settings, prices),
        cloud_max_tokens=settings.cloud_max_tokens,
        max_query_chars=settings.max_query_chars,
        style=_style(settings, local),
        defences=defences,
    )
    return Models(parts, encoder, index, local, cloud, parts.executor, parts.expert_executor, experts)


def _defences(settings: Settings, index: Index, experts: ExpertPool, encoder: OnnxEncoder) -> Defences:
    from api.service.vocabulary import read_language

    return Defences(frozenset(settings.defences), read_language(index, experts, encoder))


def _experts(settings: Settings, encoder: OnnxEncoder) -> ExpertPool:
    from api.service.experts import ExpertPool
    from classifiers import load_expert

    folder = experts_folder(settings)
    pool = ExpertPool(
        folder,
        lambda name, version: load_expert(folder, f"{name}@{version}", encoder),
        default=DEFAULT_EXPERT,
        budget=settings.experts_memory_mb * 1_000_000,
    )
    pool.refresh()
    return pool


async def _local_model(settings: Settings, progress: Progress | None) -> LocalModel | CloudModel | None:
    if settings.local_base_url is not None:
        from signalbox.models.cloud import CloudModel

        return CloudModel.local(settings)
    if settings.local_model == "none":
        return None
    from signalbox.models.local import LocalModel

    model = LocalModel(settings)
    await model.start(progress)
    return model


async def _cloud_model(
    settings: Settings, prices: Prices, database: Database | None, cap_of: CapOf | None, metrics: Metrics | None
) -> ProtectedCloud | None:
    if not settings.has_cloud:
        return None
    from signalbox.models.protection import ProtectedCloud

    model = ProtectedCloud.from_settings(
        settings,
        prices,
        accounts=SpendingStore(database) if database is not None else None,
        cap_of=cap_of,
        count=metrics.count_cloud_call if metrics is not None else None,
    )
    await model.open()  # importing its SDK takes a second that no query should pay
    return model


def _style(settings: Settings, local: LocalModel | CloudModel | None) -> Literal["quote", "write"]:
    """Small models quote: what they write freely is seldom right. A model of unknown size is trusted to write."""
    if settings.grounded_style != "auto":
        return settings.grounded_style
    if local is None:
        return "quote"
    return "quote" if getattr(local, "parameters", _SMALL_MODEL_PARAMETERS) < _SMALL_MODEL_PARAMETERS else "write"


def _most_cost(settings: Settings, prices: Prices) -> Callable[[str], float]:
    def most(text: str) -> float:
        return prices.estimate(
            settings.cloud_model, _most_tokens(text), settings.cloud_max_tokens, base_url=settings.cloud_base_url
        )

    return most


def _usual_cost(settings: Settings, prices: Prices) -> Callable[[str], float]:
    def usual(text: str) -> float:
        return prices.estimate(
            settings.cloud_model, _most_tokens(text), _ANSWER_TOKENS, base_url=settings.cloud_base_url
        )

    return usual


def _most_tokens(text: str) -> int:
    """Of a text with its passages: about four letters a token in English, one in scripts a tokenizer knows less of."""
    wide = len(text) - len(text.encode("ascii", "ignore"))
    return _CONTEXT_TOKENS + wide + (len(text) - wide) // 4

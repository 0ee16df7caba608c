"""Wiring: from the settings to a running service. The only module that knows every part.

What is on disk decides what the service can do: documents give the grounded route, an expert the classifier's, a key
or base URL the cloud's. A part that is missing is a reason in `Service.readiness`, not an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, Self

from agents.state import Parts
from api.service.checks import check_packages
from evaluators.review import ReviewQueue, WebhookSender
from signalbox.contracts import ScoringModel
from signalbox.errors import ConfigurationError, SignalboxError
from signalbox.settings import Settings
from signalbox.storage import (
    Database,
    IdempotencyStore,
    KeyStore,
    PredictionStore,
    SpendingStore,
    VerdictStore,
    open_database,
)
from signalbox.telemetry import Metrics, Telemetry, get_logger, setup_telemetry

if TYPE_CHECKING:
    from agents.router import Router
    from retriever import Index
    from signalbox.contracts import Expert
    from signalbox.encoder import OnnxEncoder
    from signalbox.models.cloud import CloudModel
    from signalbox.models.local import LocalModel
    from signalbox.models.prices import Prices
    from signalbox.models.protection import CapOf, ProtectedCloud

log = get_logger(__name__)

DEFAULT_EXPERT = "intents"
_SMALL_MODEL_PARAMETERS = 1_000_000_000
_THREADS = 4
_EXPERT_THREADS = 2
_ANSWER_TOKENS = 150  # of a usual cloud answer
_CONTEXT_TOKENS = 1_200  # of the passages sent along

Progress = Callable[[str], None]


def index_folder(settings: Settings) -> Path:
    return settings.data_dir / "index"


def experts_folder(settings: Settings) -> Path:
    return settings.data_dir / "experts"


def policies_folder(settings: Settings) -> Path:
    return settings.data_dir / "policies"


def make_data_dir(settings: Settings) -> None:
    """Raises ConfigurationError where the data directory can't be made."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {settings.data_dir} can't be made ({error.strerror}). Set SIGNALBOX_DATA_DIR to a "
            "folder that may be written.",
            field="data_dir",
        ) from None


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

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await _close(self.local, self.cloud)
        for executor in (self.executor, self.expert_executor):
            if executor is not None:
                executor.shutdown(wait=False, cancel_futures=True)


@dataclass
class Service:
    """The running parts. Use as an async context manager, or call `close`."""

    settings: Settings
    telemetry: Telemetry
    database: Database
    predictions: PredictionStore
    models: Models
    router: Router
    idempotency: IdempotencyStore = field(init=False)
    batch_places: asyncio.Semaphore = field(init=False)
    keys: KeyStore = field(init=False)
    reviews: ReviewQueue = field(init=False)
    verdicts: VerdictStore = field(init=False)
    webhooks: WebhookSender = field(init=False)

    def __post_init__(self) -> None:
        self.verdicts = VerdictStore(self.database)
        self.webhooks = webhook_sender(self.settings, self.database)
        self.reviews = review_queue(self.settings, self.database, on_notice=self.webhooks.wake)
        self.keys = KeyStore(self.database)
        self.idempotency = IdempotencyStore(self.database)
        self.batch_places = asyncio.Semaphore(self.settings.max_batch_queries)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop in the order in which parts need each other; every part is closed even when one fails."""
        await _close(self.webhooks, self.reviews)
        await self.models.close()
        await _close(self.database)
        self.telemetry.shutdown()

    def start(self) -> None:
        """Begin what goes on beside answering: delivering webhooks."""
        self.webhooks.start()

    async def readiness(self) -> dict[str, str]:
        """Per part `ok`, or the reason why it can't work now. The database decides whether queries can be taken."""
        report = {"database": "ok", "documents": "ok", "expert": "ok", "local_llm": "ok", "cloud": "ok"}
        try:
            await self.database.check()
        except SignalboxError as error:
            report["database"] = error.detail
        if not self.models.index.stats.documents:
            report["documents"] = "none ingested: run `signalbox ingest PATH`"
        if self.router.parts.default_expert is None:
            report["expert"] = "none trained: run `signalbox init --example helpdesk`"
        trouble = getattr(self.models.local, "trouble", None)
        if trouble is not None:
            report["local_llm"] = trouble
        if self.models.local is None:
            report["local_llm"] = "switched off by SIGNALBOX_LOCAL_MODEL=none"
        if self.models.cloud is None:
            report["cloud"] = "not configured: set SIGNALBOX_CLOUD_BASE_URL or SIGNALBOX_CLOUD_API_KEY"
        elif self.models.cloud.trouble is not None:
            report["cloud"] = self.models.cloud.trouble
        return report

    async def follow_index(self) -> bool:
        """Use what another process has ingested meanwhile; True when there was something new."""
        index = self.models.index
        changed = await asyncio.get_running_loop().run_in_executor(self.models.executor, index.reload)
        if changed:
            self.router.replace_parts(retriever=index if index.stats.chunks else None)
        return changed


def review_queue(
    settings: Settings, database: Database, *, on_notice: Callable[[], None] = lambda: None
) -> ReviewQueue:
    """The queue as the settings have it; `on_notice` is called when a webhook is to be delivered."""
    return ReviewQueue(
        database,
        lease_s=settings.review_lease_ms / 1000,
        undo_s=settings.review_undo_ms / 1000,
        on_notice=on_notice,
    )


def webhook_sender(settings: Settings, database: Database) -> WebhookSender:
    return WebhookSender(
        database,
        secret=settings.webhook_secret.get_secret_value() if settings.webhook_secret else None,
        allow_private=settings.webhook_allow_private,
        attempts=settings.webhook_attempts,
        timeout_s=settings.webhook_timeout_ms / 1000,
    )


async def open_service(settings: Settings, *, progress: Progress | None = None) -> Service:
    """Open everything the settings name, to answer queries and keep the predictions.

    Args:
        progress: is told in words what takes long.

    Raises:
        ConfigurationError, CorruptArtefact, Unavailable: a part that is there can't be used; what was opened is closed.
    """
    from agents.router import Router

    check_packages()
    telemetry = setup_telemetry(settings)
    database: Database | None = None
    try:
        make_data_dir(settings)
        database = await open_database(settings)
        models = await open_models(
            settings,
            progress=progress,
            database=database,
            cap_of=KeyStore(database).daily_cap_usd,
            metrics=telemetry.metrics,
        )
    except BaseException:
        await _close(database)
        telemetry.shutdown()
        raise
    predictions = PredictionStore(database)
    router = Router(
        models.parts,
        predictions,
        metrics=telemetry.metrics,
        deadline_ms=settings.deadline_ms,
        max_concurrent=settings.max_concurrent_queries,
    )
    return Service(settings, telemetry, database, predictions, models, router)


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
    expert = await asyncio.to_thread(_expert, settings, encoder)
    policy = PolicyStore(policies_folder(settings)).champion(settings.alpha)
    if settings.source("alpha") != "default":
        policy = policy.model_copy(update={"alpha": settings.alpha})
    prices = load_prices(settings.prices_file)
    cloud = await _cloud_model(settings, prices, database, cap_of, metrics)
    try:
        local = await _local_model(settings, progress)
    except BaseException:
        await _close(cloud)
        raise
    parts = Parts(
        policy=policy,
        encoder=encoder,
        executor=ThreadPoolExecutor(_THREADS, thread_name_prefix="router"),
        expert_executor=ThreadPoolExecutor(_EXPERT_THREADS, thread_name_prefix="experts"),
        retriever=index if index.stats.chunks else None,
        grounder=Grounder(Reader(encoder), shipped_ranker()),
        experts={DEFAULT_EXPERT: expert} if expert else {},
        default_expert=DEFAULT_EXPERT if expert else None,
        local=local,
        scorer=local if isinstance(local, ScoringModel) else None,
        cloud=cloud,
        cloud_cost_usd=_most_cost(settings, prices),
        reference_cost_usd=_usual_cost(settings, prices),
        cloud_max_tokens=settings.cloud_max_tokens,
        max_query_chars=settings.max_query_chars,
        style=_style(settings, local),
    )
    return Models(parts, encoder, index, local, cloud, parts.executor, parts.expert_executor)


class _Closable(Protocol):
    async def close(self) -> None: ...


async def _close(*parts: _Closable | None) -> None:
    for part in parts:
        if part is not None:
            try:
                await part.close()
            except Exception as error:
                # Whatever it was, the other parts must be closed too.
                log.warning("closing failed", part=type(part).__name__, error=str(error))


def _expert(settings: Settings, encoder: OnnxEncoder) -> Expert | None:
    from classifiers import load_expert

    if not (experts_folder(settings) / DEFAULT_EXPERT / "champion").exists():
        return None
    return load_expert(experts_folder(settings), DEFAULT_EXPERT, encoder)


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

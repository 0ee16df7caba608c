"""Wiring: from the settings to a running service. The only module that knows every part.

What is on disk decides what the service can do: documents give the grounded route, an expert the classifier's, a key
or base URL the cloud's. A part that is missing is a reason in `Service.readiness`, not an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from api.service.attacking import ATTACK
from api.service.checks import check_packages
from api.service.closing import close_all
from api.service.eval_spending import Books
from api.service.evaluating import EVAL
from api.service.folders import make_data_dir
from api.service.models import Models, Progress, open_models
from api.service.training import TRAINING
from api.service.vocabulary import read_language
from evaluators.review import ReviewQueue, WebhookSender
from signalbox.errors import SignalboxError
from signalbox.jobs import Jobs
from signalbox.settings import Settings
from signalbox.storage import (
    Database,
    IdempotencyStore,
    KeyStore,
    PersonVerdict,
    PredictionStore,
    SpendingStore,
    VerdictStore,
    open_database,
)
from signalbox.telemetry import Telemetry, setup_telemetry

if TYPE_CHECKING:
    from agents.router import Router


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
    jobs: Jobs = field(init=False)
    books: Books = field(init=False)

    def __post_init__(self) -> None:
        self.verdicts = VerdictStore(self.database)
        self.webhooks = webhook_sender(self.settings, self.database)
        self.reviews = review_queue(self.settings, self.database, on_notice=self.webhooks.wake)
        self.keys = KeyStore(self.database)
        self.idempotency = IdempotencyStore(self.database)
        self.jobs = Jobs(self.settings, [TRAINING, EVAL, ATTACK])
        self.books = Books(SpendingStore(self.database), self.jobs)
        self.batch_places = asyncio.Semaphore(self.settings.max_batch_queries)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop in the order in which parts need each other; every part is closed even when one fails."""
        await close_all(self.books, self.jobs, self.webhooks, self.reviews)
        await self.models.close()
        await close_all(self.database)
        self.telemetry.shutdown()

    def start(self) -> None:
        """Begin what goes on beside answering: delivering webhooks, and jobs that were left unfinished."""
        self.webhooks.start()
        self.jobs.take_up_soon()

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
        if self.models.experts is not None and (troubles := self.models.experts.troubles):
            report["expert"] = "; ".join(troubles[name] for name in sorted(troubles))
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

    async def judge(self, prediction_id: str, verdict: str, by: str, comment: str | None = None) -> PersonVerdict:
        """Keep what `by` says of an answer; one called wrong is not given again from this process's cache.

        Raises:
            NotFound, UnknownName, InvalidInput: as `VerdictStore.add` does.
        """
        said = await self.verdicts.add(prediction_id, verdict, by, comment)
        if said.verdict == "wrong":
            prediction = await self.predictions.get(prediction_id)
            self.router.forget(prediction.cached_from or prediction.id)
        return said

    async def follow_index(self) -> bool:
        """Use what another process has ingested meanwhile; True when there was something new."""
        index = self.models.index
        changed = await asyncio.get_running_loop().run_in_executor(self.models.executor, index.reload)
        if changed:
            self.router.replace_parts(retriever=index if index.stats.chunks else None)
            await self._learn_language()
        return changed

    async def follow_experts(self) -> bool:
        """Use what was trained, promoted or rolled back meanwhile, by whichever process; True when there was any."""
        pool = self.models.experts
        if pool is None:
            return False
        changed = await asyncio.to_thread(pool.refresh)
        if self.router.parts.experts is pool and self.router.parts.default_expert != pool.default:
            self.router.replace_parts(default_expert=pool.default)
        if changed:
            await self._learn_language()
        return changed

    async def _learn_language(self) -> None:
        """What queries are read by follows the documents and the expert."""
        models = self.models
        language = await asyncio.to_thread(read_language, models.index, models.experts, models.encoder)
        self.router.replace_parts(defences=replace(self.router.parts.defences, language=language))


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
        await close_all(database)
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

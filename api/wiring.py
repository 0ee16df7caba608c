"""Wiring: from the settings to a running service. The only module that knows every part.

What is on disk decides what the service can do: documents give the grounded route, an expert the classifier's, a key
or base URL the cloud's. A part that is missing is a reason in `Service.readiness`, not an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from agents.state import Parts
from signalbox.errors import SignalboxError
from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore, open_database
from signalbox.telemetry import Telemetry, get_logger, setup_telemetry

if TYPE_CHECKING:
    from signalbox.models.local import LocalModel

    from agents.router import Router
    from retriever import Index
    from signalbox.contracts import Expert
    from signalbox.encoder import OnnxEncoder
    from signalbox.models.cloud import CloudModel

log = get_logger(__name__)

DEFAULT_EXPERT = "intents"
_SMALL_MODEL_PARAMETERS = 1_000_000_000
_THREADS = 4
_ANSWER_TOKENS = 150  # of a usual cloud answer
_CONTEXT_TOKENS = 1_200  # of the passages sent along

Progress = Callable[[str], None]


def index_folder(settings: Settings) -> Path:
    return settings.data_dir / "index"


def experts_folder(settings: Settings) -> Path:
    return settings.data_dir / "experts"


def policies_folder(settings: Settings) -> Path:
    return settings.data_dir / "policies"


@dataclass
class Service:
    """The running parts. Use as an async context manager, or call `close`."""

    settings: Settings
    telemetry: Telemetry
    database: Database
    predictions: PredictionStore
    encoder: OnnxEncoder
    index: Index
    router: Router
    local: LocalModel | CloudModel | None
    cloud: CloudModel | None
    executor: ThreadPoolExecutor

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop in the order in which parts need each other; every part is closed even when one fails."""
        for part in (self.local, self.cloud, self.database):
            if part is not None:
                try:
                    await part.close()
                except (SignalboxError, OSError) as error:
                    log.warning("closing failed", part=type(part).__name__, error=str(error))
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.telemetry.shutdown()

    async def readiness(self) -> dict[str, str]:
        """Per part `ok`, or the reason why it can't work now. The database decides whether queries can be taken."""
        report = {"database": "ok", "documents": "ok", "expert": "ok", "local_llm": "ok", "cloud": "ok"}
        try:
            await self.database.check()
        except SignalboxError as error:
            report["database"] = error.detail
        if not self.index.stats.documents:
            report["documents"] = "none ingested: run `signalbox ingest PATH`"
        if self.router.parts.default_expert is None:
            report["expert"] = "none trained: run `signalbox init --example helpdesk`"
        if self.local is None:
            report["local_llm"] = "switched off by SIGNALBOX_LOCAL_MODEL=none"
        if self.cloud is None:
            report["cloud"] = "not configured: set SIGNALBOX_CLOUD_BASE_URL or SIGNALBOX_CLOUD_API_KEY"
        return report

    async def follow_index(self) -> bool:
        """Use what another process has ingested meanwhile; True when there was something new."""
        changed = await asyncio.get_running_loop().run_in_executor(self.executor, self.index.reload)
        if changed:
            self.router.replace_parts(retriever=self.index if self.index.stats.chunks else None)
        return changed


async def open_service(settings: Settings, *, progress: Progress | None = None, write: bool = True) -> Service:
    """Open everything the settings name.

    Args:
        progress: is told in words what takes long.
        write: whether predictions will be stored; a process that only measures passes False.

    Raises:
        ConfigurationError, CorruptArtefact, Unavailable: a part that is there can't be used; what was opened is closed.
    """
    from agents.grounding import Grounder, Reader, shipped_ranker
    from agents.policy import PolicyStore
    from agents.router import Router
    from retriever import Index
    from signalbox.encoder import load_encoder

    telemetry = setup_telemetry(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = await open_database(settings, write=write)
    local: LocalModel | CloudModel | None = None
    cloud: CloudModel | None = None
    try:
        encoder = load_encoder(settings, progress=progress)
        index = Index.open(index_folder(settings), encoder)
        expert = _expert(settings, encoder)
        local = await _local_model(settings, progress)
        cloud = _cloud_model(settings)
        executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="router")
        from signalbox.models.local import LocalModel as Bundled

        parts = Parts(
            policy=PolicyStore(policies_folder(settings)).champion(settings.alpha),
            encoder=encoder,
            executor=executor,
            retriever=index if index.stats.chunks else None,
            grounder=Grounder(Reader(encoder), shipped_ranker()),
            experts={DEFAULT_EXPERT: expert} if expert else {},
            default_expert=DEFAULT_EXPERT if expert else None,
            local=local,
            scorer=local if isinstance(local, Bundled) else None,
            cloud=cloud,
            cloud_max_tokens=settings.cloud_max_tokens,
            style=_style(settings, local),
        )
        parts = _with_prices(parts, settings)
    except BaseException:
        for part in (local, cloud, database):
            if part is not None:
                await part.close()
        telemetry.shutdown()
        raise
    predictions = PredictionStore(database)
    router = Router(
        parts,
        predictions,
        metrics=telemetry.metrics,
        deadline_ms=settings.deadline_ms,
        max_query_chars=settings.max_query_chars,
        max_concurrent=settings.max_concurrent_queries,
    )
    return Service(settings, telemetry, database, predictions, encoder, index, router, local, cloud, executor)


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
    if progress:
        progress("Starting the local LLM; the first start re-encodes it for this processor.")
    await model.start()
    return model


def _cloud_model(settings: Settings) -> CloudModel | None:
    if not settings.has_cloud:
        return None
    from signalbox.models.cloud import CloudModel

    return CloudModel.from_settings(settings)


def _style(settings: Settings, local: LocalModel | CloudModel | None) -> Literal["quote", "write"]:
    """Small models quote: what they write freely is seldom right. A model of unknown size is trusted to write."""
    if settings.grounded_style != "auto":
        return settings.grounded_style
    if local is None:
        return "quote"
    return "quote" if getattr(local, "parameters", _SMALL_MODEL_PARAMETERS) < _SMALL_MODEL_PARAMETERS else "write"


def _with_prices(parts: Parts, settings: Settings) -> Parts:
    from signalbox.models.prices import load_prices

    prices = load_prices(settings.prices_file)

    def tokens(text: str) -> int:
        return _CONTEXT_TOKENS + len(text) // 4

    def most(text: str) -> float:
        return prices.estimate(
            settings.cloud_model, tokens(text), settings.cloud_max_tokens, base_url=settings.cloud_base_url
        )

    def usual(text: str) -> float:
        return prices.estimate(settings.cloud_model, tokens(text), _ANSWER_TOKENS)

    return replace(parts, cloud_cost_usd=most, reference_cost_usd=usual)

"""What takes part in an evaluation, opened from its written form: target, scorers, judges and their cache.

`opened` is also what workers on other machines call, so its arguments are JSON and hold no secrets: those come from
the environment and the files that `Settings.load` reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.service.eval_identity import documents_version, model_arguments, service_component
from api.service.eval_models import Judges, model_of
from api.service.eval_specs import MODEL, URL, no_target
from signalbox.errors import NotFound
from signalbox.settings import Settings

if TYPE_CHECKING:
    from evaluators.contract import Scorer, Target
    from evaluators.harness import Cache
    from signalbox.contracts import Encoder, Passage
    from signalbox.types import Prediction

_SECRETS = ("database_url", "cloud_api_key", "cloud_fallback_api_key", "webhook_secret", "eval_api_key")


def handed_on(settings: Settings) -> dict[str, Any]:
    """The settings for another process, as JSON without secrets: those it reads where they were read here."""
    given = settings.model_dump(mode="json", exclude_defaults=True, exclude=set(_SECRETS))
    # A job's process has another working directory.
    paths = {"data_dir": settings.data_dir, "prices_file": settings.prices_file}
    absolute = {name: str(path.absolute()) for name, path in paths.items() if path is not None}
    return {"home": str(Path.cwd()), "values": given | absolute}


def taken_over(given: Mapping[str, Any]) -> Settings:
    """What `handed_on` wrote, with the secrets of this process' environment and of the folder it was written in."""
    return Settings.load(folder=Path(given["home"]), **given["values"])


@asynccontextmanager
async def opened(arguments: Mapping[str, Any]) -> AsyncIterator[tuple[Target, Sequence[Scorer], Cache | None]]:
    """Open what takes part.

    Args:
        arguments: `settings` as `handed_on` gives them, `target`, `scorers` (specs), `cache` (whether to use one),
            `concurrency`, `deadline_ms` and `seed`.

    Raises:
        UnknownName, InvalidInput: the target or a scorer is none that there is.
        ConfigurationError: what it needs is not set up.
    """
    from evaluators.harness import Cache
    from evaluators.scorers import build_scorers

    settings = taken_over(arguments["settings"])
    size = settings.eval_cache_mb * 1_000_000
    kept = Cache(settings.data_dir / "eval-cache", max_bytes=size) if arguments["cache"] and size else None
    async with AsyncExitStack() as stack:
        judges = Judges(settings, kept)
        stack.push_async_callback(judges.close)
        scorers = build_scorers(arguments["scorers"], resources_of(settings, judges))
        target = await _target(str(arguments["target"]), settings, arguments, stack)
        yield target, scorers, kept


def resources_of(settings: Settings, judges: Judges) -> Any:
    """What scorers may use, opened with the first that does."""
    from evaluators.scorers import Resources

    @cache
    def encoder() -> Encoder:
        from signalbox.encoder import load_encoder

        return load_encoder(settings)

    @cache
    def index() -> Any:
        from api.service.folders import index_folder
        from retriever import Index

        return Index.open(index_folder(settings), encoder())

    def search(query: str, count: int) -> Sequence[Passage]:
        found: Sequence[Passage] = index().search(query, count)
        return found

    def document(document_id: str) -> str | None:
        try:
            return str(index().document(document_id).text)
        except NotFound:
            return None

    return Resources(
        encoder=encoder,
        judge_model=judges.default(),
        judge_models=judges,
        search=search,
        document=document,
        documents=partial(documents_version, settings),
        data_dir=settings.data_dir,
    )


async def _target(spec: str, settings: Settings, arguments: Mapping[str, Any], stack: AsyncExitStack) -> Target:
    from evaluators.harness import GivenTarget, ModelTarget, UrlTarget

    if spec == "given":
        return GivenTarget()
    if spec == "service":
        return await stack.enter_async_context(_service(settings, int(arguments["concurrency"])))
    if spec.startswith(URL):
        return await stack.enter_async_context(UrlTarget(spec, key=settings.eval_api_key))
    if spec.startswith(MODEL):
        model = model_of(spec.removeprefix(MODEL), settings)
        stack.push_async_callback(model.close)
        about = await asyncio.to_thread(model_arguments, model, settings)
        return ModelTarget(
            model, arguments=about, max_tokens=settings.cloud_max_tokens, seed=int(arguments.get("seed", 0))
        )
    raise no_target(spec)


@asynccontextmanager
async def _service(settings: Settings, concurrency: int) -> AsyncIterator[Target]:
    """The service in this process, which stores no predictions and sends nothing to review."""
    from agents.router import Router
    from api.service.models import open_models
    from evaluators.harness import SystemTarget

    async with await open_models(settings) as models:
        router = Router(
            models.parts,
            _Forgetting(),
            deadline_ms=settings.deadline_ms,
            max_concurrent=max(concurrency, settings.max_concurrent_queries),
        )
        search: Callable[[str, int], Sequence[Passage]] | None = None
        if models.parts.retriever is not None:
            search = models.index.search
        component = await asyncio.to_thread(service_component, models, settings)
        yield SystemTarget(router, component, search=search)


class _Forgetting:
    """Where the predictions of an evaluation go."""

    async def add(self, prediction: Prediction) -> None:
        """Its row keeps it."""

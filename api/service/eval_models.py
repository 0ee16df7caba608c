"""Models that answer or judge in an evaluation, by the names that settings, targets and scorers call them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.service.closing import close_all
from api.service.eval_specs import check_model
from signalbox.errors import ConfigurationError, SignalboxError, UnknownName
from signalbox.settings import Settings

if TYPE_CHECKING:
    from pydantic import SecretStr

    from evaluators.harness import Cache
    from signalbox.contracts import ChatModel
    from signalbox.models.cloud import CloudModel
    from signalbox.models.local import LocalModel


class Judges(Mapping[str, "ChatModel"]):
    """Models by what settings and scorers call them: `local`, `cloud`, NAME or NAME@BASE_URL. Opened when asked for."""

    def __init__(self, settings: Settings, kept: Cache | None) -> None:
        self._settings, self._cache = settings, kept
        self._opened: dict[str, tuple[CloudModel | LocalModel, ChatModel]] = {}

    def __getitem__(self, name: str) -> ChatModel:
        try:
            return self._open(name)
        except SignalboxError as error:
            raise KeyError(error.detail) from None

    def __iter__(self) -> Iterator[str]:
        if self._settings.has_cloud:
            yield "cloud"
        if self._settings.local_model != "none" or self._settings.local_base_url is not None:
            yield "local"

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def default(self) -> ChatModel | None:
        """The judge of scorers that name none; None where no model is set up.

        Raises:
            SignalboxError: the settings name one that can't be had.
        """
        name = self._settings.judge_model
        if name == "auto":
            return self.get(next(iter(self), ""))
        return self._open(name)

    def _open(self, name: str) -> ChatModel:
        if name not in self._opened:
            from evaluators.harness import CachedModel

            model = model_of(name, self._settings)
            source = getattr(model, "host", self._settings.local_model_format)
            self._opened[name] = model, CachedModel(model, self._cache, source=source)
        return self._opened[name][1]

    async def close(self) -> None:
        await close_all(*(model for model, _ in self._opened.values()))


def model_of(name: str, settings: Settings) -> CloudModel | LocalModel:
    """The model that is called `name`: `local`, `cloud`, or a name at the cloud's or another base URL.

    Raises:
        ConfigurationError: it is not set up.
        UnknownName: it is no name.
        InvalidInput: the URL is none, or holds a secret.
    """
    from signalbox.models.cloud import OPENAI_URL, CloudModel
    from signalbox.models.prices import load_prices

    if name == "local":
        if settings.local_base_url is not None:
            return CloudModel.local(settings)
        if settings.local_model == "none":
            raise ConfigurationError("The local LLM is switched off by SIGNALBOX_LOCAL_MODEL=none.", field="model")
        from signalbox.models.local import LocalModel

        return LocalModel(settings)
    if name == "cloud":
        return CloudModel.from_settings(settings)
    model, mark, rest = name.partition("@http")
    if not model.strip() or (not mark and not settings.has_cloud):
        raise UnknownName(
            f"The model {name[:80]!r} is not known: name local, cloud or NAME@BASE_URL, or set "
            "SIGNALBOX_CLOUD_BASE_URL or SIGNALBOX_CLOUD_API_KEY to ask for a NAME there.",
            field="model",
        )
    check_model(name, "model")
    url = f"http{rest}" if mark else settings.cloud_base_url or OPENAI_URL
    return CloudModel(
        model.strip(),
        base_url=url,
        api_key=_key_for(url, settings),
        prices=load_prices(settings.prices_file),
        retries=settings.cloud_retries,
        timeout_s=settings.deadline_ms / 1000,
    )


def _key_for(url: str, settings: Settings) -> SecretStr | None:
    """A key goes only to the server that the settings name for it, whatever a target or a scorer names."""
    from signalbox.models.cloud import OPENAI_URL

    def server(base_url: str) -> tuple[str, str]:
        parts = urlsplit(base_url)
        return parts.scheme, parts.netloc.lower()

    if server(url) == server(settings.cloud_base_url or OPENAI_URL):
        return settings.cloud_api_key
    _, mark, judge = settings.judge_model.partition("@http")
    named = [base_url for _, base_url in settings.fallbacks if base_url] + ([f"http{judge}"] if mark else [])
    return settings.cloud_fallback_api_key if server(url) in map(server, named) else None

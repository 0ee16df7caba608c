"""What the answers of an evaluated service or model depend on, written down so that remembered ones are told apart.

Everything is in it that changes an answer or its price: settings, policy, documents, experts, files of models, prices,
and the code itself, since a change of code is what most runs are to compare.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signalbox.settings import Settings

if TYPE_CHECKING:
    from evaluators.contract import Component

ANSWERING = ("agents", "classifiers", "retriever", "signalbox", "api.service")
_SHAPING = (
    "alpha",
    "cloud_base_url",
    "cloud_fallbacks",
    "cloud_max_tokens",
    "cloud_model",
    "deadline_ms",
    "defences",
    "encoder",
    "encoder_precision",
    "grounded_style",
    "local_base_url",
    "local_context_tokens",
    "local_model",
    "local_model_format",
    "max_query_chars",
)
_SHOWN = 16


def service_component(models: Any, settings: Settings) -> Component:
    """The service with `models`, an opened `api.service.models.Models`; blocks while a local model's file is read."""
    from api.service.folders import experts_folder
    from evaluators.contract import Component
    from signalbox import __version__
    from signalbox.telemetry.masking import mask_text

    values = settings.model_dump(mode="json", include=set(_SHAPING))
    parts = models.parts
    return Component(
        name="service",
        version=__version__,
        arguments={
            "code": code_digest(),
            "policy": parts.policy.id,
            "policy_hash": hashlib.sha256(parts.policy.model_dump_json(exclude={"created_at"}).encode()).hexdigest()[
                :_SHOWN
            ],
            "index": documents_version(settings, models.index.version),
            "experts": sorted(models.experts.version_of(name) for name in models.experts),
            "experts_hash": _digest(experts_folder(settings).glob("*/*/manifest.json")),
            "local": None if models.local is None else models.local.name,
            "local_file": local_file_digest(settings),
            "prices": prices_digest(settings),
            "style": parts.style,
            "settings": {name: mask_text(v) if isinstance(v, str) else v for name, v in sorted(values.items())},
        },
    )


def model_arguments(model: object, settings: Settings) -> dict[str, Any]:
    """What tells a model from others of its name, for a target that asks it alone."""
    host = getattr(model, "host", None)
    local = {} if host is not None else {"file": local_file_digest(settings), "format": settings.local_model_format}
    return {"at": host, **local, "prices": prices_digest(settings), "code": code_digest()}


def code_digest() -> str:
    """Of the packages that answer."""
    from evaluators.harness.sources import digest_of

    return digest_of(*ANSWERING)


def documents_version(settings: Settings, version: str | None = None) -> str:
    """Of what is ingested, by default now; `none` where nothing is.

    Names of versions come again where an index was removed, so what the version's files are is a part of it.
    """
    from api.service.folders import index_folder
    from retriever.versions import current_version

    folder = index_folder(settings)
    version = version or current_version(folder)
    return "none" if version is None else f"{version}-{_digest([folder / version / 'manifest.json'])}"


def local_file_digest(settings: Settings) -> str | None:
    """Of the local model's file; None where none runs here."""
    if settings.local_base_url is not None or settings.local_model == "none":
        return None
    from signalbox.models.local import resolve_model

    with resolve_model(settings).path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_SHOWN]


def prices_digest(settings: Settings) -> str | None:
    """Of the operator's own prices; the shipped ones are part of the code."""
    return None if settings.prices_file is None else _digest([settings.prices_file])


def _digest(paths: Iterable[Path]) -> str:
    """Of the files' places and contents; one that is not there counts as such."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes() if path.is_file() else b"none"
        digest.update(hashlib.sha256(f"{'/'.join(path.parts[-3:])}\0".encode() + content).digest())
    return digest.hexdigest()[:_SHOWN]

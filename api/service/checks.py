"""What `signalbox doctor` looks at: packages, disk, models, database, port. Each check is one function."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from signalbox.errors import ConfigurationError, SignalboxError
from signalbox.settings import Settings
from signalbox.telemetry import mask_text
from signalbox.types import utc_now

OUR_PACKAGES = ("agents", "api", "classifiers", "eval_sets", "evaluators", "retriever", "signalbox")


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str


def run_checks(settings: Settings) -> list[Check]:
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("packages", lambda _: check_packages()),
        ("disk", _disk),
        ("encoder", _encoder),
        ("local LLM", _local_llm),
        ("cloud LLM", _cloud),
        ("database", _database),
        ("API keys", _keys),
        ("port", _port),
    )
    return [_run(name, work, settings) for name, work in checks]


def check_packages() -> str:
    """All our top-level packages must come from one folder: another distribution also ships an `agents`.

    Raises:
        ConfigurationError: naming the package that comes from elsewhere.
    """
    home = Path(__file__).resolve().parents[2]
    for name in OUR_PACKAGES:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or origin.parents[1] != home:
            raise ConfigurationError(
                f"The package {name!r} comes from {origin or 'nowhere'}, the others from {home}: uninstall the "
                f"distribution that brought it, or start from {home}."
            )
    return f"all from {home}"


def _run(name: str, work: Callable[[Settings], str], settings: Settings) -> Check:
    try:
        return Check(name, True, work(settings))
    except SignalboxError as error:
        return Check(name, False, error.detail)
    except OSError as error:  # the data directory is no folder, or may not be written
        return Check(name, False, f"{error.filename or settings.data_dir}: {error.strerror}")


def _disk(settings: Settings) -> str:
    folder = settings.data_dir.resolve()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigurationError(f"{there} may not be written. Let this user write to it, or set SIGNALBOX_DATA_DIR.")
    free = shutil.disk_usage(there).free
    if free < 500_000_000:
        raise ConfigurationError(f"{free / 1e6:.0f} MB are free at {folder}; 500 MB are needed. Make room.")
    return f"{free / 1e9:.0f} GB free at {folder}"


def _encoder(settings: Settings) -> str:
    from signalbox.encoder import load_encoder

    return load_encoder(settings).name


def _local_llm(settings: Settings) -> str:
    if settings.local_base_url:
        return f"served at {mask_text(settings.local_base_url)}"
    if settings.local_model == "none":
        return "switched off"
    from signalbox.models.local import resolve_model

    file = resolve_model(settings)
    return f"{file.name} ({file.path})"


def _cloud(settings: Settings) -> str:
    if not settings.has_cloud:
        return "not configured; its route is skipped"
    from signalbox.models.cloud import OPENAI_URL

    return f"{settings.cloud_model} at {mask_text(settings.cloud_base_url or OPENAI_URL)}"


def _database(settings: Settings) -> str:
    from signalbox.storage import open_database
    from signalbox.storage.sqlite import DATABASE_FILE

    if settings.database_url is None and not (settings.data_dir / DATABASE_FILE).exists():
        return f"SQLite in {settings.data_dir}, made at the first start"

    async def check() -> str:
        async with await open_database(settings, write=False) as database:
            await database.check()
        return "PostgreSQL" if settings.database_url else f"SQLite in {settings.data_dir}"

    return asyncio.run(check())


def _keys(settings: Settings) -> str:
    from signalbox.storage import KeyStore, open_database
    from signalbox.storage.sqlite import DATABASE_FILE

    async def look() -> tuple[int, bool, bool]:
        if settings.database_url is None and not (settings.data_dir / DATABASE_FILE).exists():
            return 0, False, False
        async with await open_database(settings, write=False) as database:
            store = KeyStore(database)
            working = [key for key in await store.list() if key.works(utc_now())]
            return len(working), await store.in_use(), await store.can_serve()

    working, in_use, can_serve = asyncio.run(look())
    local = settings.exposed is None
    if not can_serve and (in_use or not local):
        why = "keys are in use" if in_use else f"{settings.exposed} asks for one"
        raise ConfigurationError(
            f"no key works that may ask or administer, and {why}: run `signalbox keys create NAME --role admin`"
        )
    if not in_use:
        return f"none: whoever reaches {settings.host} from this machine may do everything"
    return f"required; {working} working"


def _port(settings: Settings) -> str:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"{settings.host}:{settings.port} is in use, by the running service or another program"
            raise ConfigurationError(
                f"{settings.host}:{settings.port} can't be had ({error.strerror}): set SIGNALBOX_HOST or "
                "SIGNALBOX_PORT."
            ) from None
    return f"{settings.host}:{settings.port} is free"

"""A program that serves scripted answers through `api.server.serve`: what the server's tests start and signal.

Arguments: the data directory, the port, the grace period in ms, and how the service opens: `ok`, `fails` or `hangs`.
A query that is a number is answered after so many seconds.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from api_service import EchoSystem, make_service

from api.server import serve
from api.service.wiring import Service
from signalbox.errors import ConfigurationError, SignalboxError
from signalbox.settings import Settings
from signalbox.types import Query


async def _think(query: Query) -> None:
    sys.stderr.write("thinking\n")
    sys.stderr.flush()
    await asyncio.sleep(float(query.text))


async def _ok(settings: Settings, progress: Any) -> Service:
    return await make_service(settings, EchoSystem(during=_think))


async def _fails(settings: Settings, progress: Any) -> Service:
    raise ConfigurationError("No model at x.gguf.")


async def _hangs(settings: Settings, progress: Any) -> Service:
    progress("Opening takes long.")
    await asyncio.Event().wait()
    raise AssertionError


def main() -> int:
    folder, port, grace_ms, opening = sys.argv[1:]
    settings = Settings(
        data_dir=Path(folder), port=int(port), shutdown_grace_ms=float(grace_ms), log_level="error", log_format="json"
    )
    opener = {"ok": _ok, "fails": _fails, "hangs": _hangs}[opening]
    try:
        return serve(settings, opener=opener)
    except SignalboxError as error:
        sys.stderr.write(f"error: {error.detail}\n")
        return 3


if __name__ == "__main__":
    sys.exit(main())

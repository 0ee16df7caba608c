"""Closing several parts, each of them even when one fails."""

from __future__ import annotations

from typing import Protocol

from signalbox.telemetry import get_logger

log = get_logger(__name__)


class Closable(Protocol):
    async def close(self) -> None: ...


async def close_all(*parts: Closable | None) -> None:
    """Closes those that are there, in this order; a failure is logged."""
    for part in parts:
        if part is not None:
            try:
                await part.close()
            except Exception as error:
                # Whatever it was, the other parts must be closed too.
                log.warning("closing failed", part=type(part).__name__, error=str(error))

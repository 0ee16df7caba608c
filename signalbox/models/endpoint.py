"""Where a model is served and how patiently to ask it: what a connection needs to know, and what it learns there."""

from __future__ import annotations

import asyncio
import random as randomness
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from signalbox.models.request import Dialect
from signalbox.models.retry import RetryBudget
from signalbox.settings import is_loopback


@dataclass(slots=True)
class Endpoint:
    """One model at one base URL. `clock`, `sleep` and `random` are monotonic seconds, waiting, and jitter in [0, 1).

    More than `most_bytes` are not read of an answer.
    """

    model: str
    base_url: str
    api_key: SecretStr | None = None
    retries: int = 1
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = randomness.random
    budget: RetryBudget = field(default_factory=RetryBudget)
    dialect: Dialect = field(default_factory=Dialect)
    most_bytes: int = 16_000_000

    @property
    def host(self) -> str:
        """Host and port, for messages: nothing of a user name or a path."""
        parts = urlsplit(self.base_url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @property
    def is_local(self) -> bool:
        return is_loopback(urlsplit(self.base_url).hostname or "")

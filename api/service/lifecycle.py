"""Where the service is between being opened and closed, and the tasks that go with it.

Opening may take minutes, so it happens beside serving: until it is done, requests are told to come back. What
opening means is `wiring`'s business.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal

from api.service.models import Progress
from api.service.wiring import Service, open_service
from signalbox.errors import SignalboxError, Unavailable
from signalbox.settings import Settings
from signalbox.telemetry import get_logger

log = get_logger(__name__)

Opener = Callable[[Settings, Progress], Awaitable[Service]]
State = Literal["starting", "ready", "failed", "stopping"]

_FOLLOW_EVERY_S = 3.0


async def open_from_settings(settings: Settings, progress: Progress) -> Service:
    """The opener used unless another is given."""
    return await open_service(settings, progress=progress)


class Lifecycle:
    """Opens the service in the background and closes it again; one that is given stays the giver's to close.

    Attributes:
        state: `ready` is the only one in which queries are taken.
        failure: why opening failed.

    Args:
        on_ready, on_failure: called once each, at most one of them.
        on_progress: is told in words what takes long.
    """

    def __init__(
        self,
        settings: Settings,
        service: Service | None = None,
        *,
        opener: Opener = open_from_settings,
        on_ready: Callable[[], None] = lambda: None,
        on_failure: Callable[[], None] = lambda: None,
        on_progress: Progress = lambda _: None,
        follow_every_s: float = _FOLLOW_EVERY_S,
    ) -> None:
        self.state: State = "starting" if service is None else "ready"
        self.failure: BaseException | None = None
        self._settings = settings
        self._service = service
        self._ours = service is None
        self._opener = opener
        self._on_ready = on_ready
        self._on_failure = on_failure
        self._on_progress = on_progress
        self._follow_every_s = follow_every_s
        self._doing = "opening"

    @property
    def service(self) -> Service:
        """The open service.

        Raises:
            Unavailable: it is not open, and why.
        """
        if self._service is None or self.state != "ready":
            raise Unavailable(f"The service is not ready: {self.reason}", retry_after_s=5.0)
        return self._service

    def let_go(self) -> None:
        """The service is about to stop: who waits for a person gets the prediction as it is."""
        if self._service is not None:
            self._service.reviews.end_waiting()

    @property
    def reason(self) -> str:
        """Why the service is in its state, as a sentence."""
        if self.state == "failed":
            return f"it could not be opened: {_sentence(self.failure)}"
        return {"starting": f"it is starting ({self._doing}).", "ready": "ok", "stopping": "it is stopping."}[
            self.state
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs the background work; on leaving, ends it and closes the service."""
        task = asyncio.create_task(self._work(), name="lifecycle")
        try:
            yield
        finally:
            self.state = "stopping"
            task.cancel()
            try:
                with suppress(asyncio.CancelledError):
                    await task
            finally:
                if self._ours and self._service is not None:
                    await self._service.close()

    async def _work(self) -> None:
        if self._service is None:
            try:
                self._service = await self._opener(self._settings, self._progress)
                await self._service.keys.in_use()  # so that it can be said when it is ready
            except Exception as error:  # whatever it is, it must be reported rather than die with this task
                self._fail(error)
                return
            _spare_what_stays()
        self.state = "ready"
        self._service.start()
        self._on_ready()
        await self._follow(self._service)

    def _progress(self, doing: str) -> None:
        self._doing = doing.rstrip(".")
        self._on_progress(doing)

    def _fail(self, error: Exception) -> None:
        self.state, self.failure = "failed", error
        expected = isinstance(error, SignalboxError)
        log.error("opening failed", reason=_sentence(error), exc_info=None if expected else error)
        self._on_failure()

    async def _follow(self, service: Service) -> None:
        """Pick up what other processes ingest, train and promote. A failure is logged once; what was in use stays."""
        follows = {"documents": service.follow_index, "experts": service.follow_experts}
        reported: dict[str, str] = {}
        while True:
            await asyncio.sleep(self._follow_every_s)
            for what, follow in follows.items():
                try:
                    if await follow():
                        log.info(f"{what} changed")
                    reported.pop(what, None)
                except Exception as error:  # following must outlive whatever it finds
                    if str(error) != reported.get(what):
                        reported[what] = str(error)
                        expected = isinstance(error, (SignalboxError, OSError))
                        log.warning(f"the changed {what} can't be used", reason=str(error), exc_info=not expected)


def _spare_what_stays() -> None:
    """What opening made stays until the end: walking all of it again for garbage holds up the loop for 0.1 s."""
    gc.collect()
    gc.freeze()


def _sentence(error: BaseException | None) -> str:
    """What may be shown: our own errors are written for it, others may quote anything."""
    return error.detail if isinstance(error, SignalboxError) else f"{type(error).__name__}; the log tells more."

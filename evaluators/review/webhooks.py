"""Calling the webhooks of askers whose prediction a person has decided: at least once each, signed, with patience.

The outbox says what is due and remembers how it went, so a process that dies at any moment loses no call, and several
share the work. Signatures follow Standard Webhooks 1.0 (standardwebhooks.com): `webhook-id` stays the same over all
attempts, so a receiver can tell a repetition. A target that hangs, or whose name does, holds up the calls of its host
and its caller only: each has a few places, and keeps them until the look-up of its name is over.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx

from evaluators.review.targets import LookUp, look_up, port_of, resolve
from signalbox.errors import SignalboxError, UpstreamError
from signalbox.storage import Database
from signalbox.storage.outbox import Delivery, Outbox
from signalbox.telemetry import get_logger
from signalbox.types import utc_now

log = get_logger(__name__)

AT_ONCE = 16
PER_HOST = 2
PER_CALLER = 4
_FIRST_RETRY_S = 5.0
_FACTOR = 4.0
_LONGEST_WAIT_S = 6 * 3_600.0
_GONE = 410
SECRET_PREFIX = "whsec_"  # noqa: S105 - the convention's mark, not a secret


def signature(secret: str, webhook_id: str, timestamp: int, payload: str) -> str:
    """The `webhook-signature` header: version 1, HMAC-SHA256 over `id.timestamp.payload`, one for each secret."""
    signed = f"{webhook_id}.{timestamp}.{payload}".encode()
    keys = (base64.b64decode(part.removeprefix(SECRET_PREFIX)) for part in secret.split())
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


class WebhookSender:
    """Delivers what the outbox of `database` holds, from `start` to `close`.

    Args:
        secret: `whsec_` and a base64 key, or several with spaces between, while one takes the place of another;
            without one nothing is sent, and what is due stays due.
        allow_private: call addresses that are not on the public internet too.
        attempts: tries in all before it is given up. The waits between them grow from 5 s by 4 to at most 6 hours.
        timeout_s: for one attempt, the name's look-up included. Each place has a thread to look up names, so that no
            attempt waits for another's.
        poll_s: how often calls left by other processes are looked for.
        first_retry_s, clock: for tests.
    """

    def __init__(
        self,
        database: Database,
        *,
        secret: str | None,
        allow_private: bool = False,
        attempts: int = 8,
        timeout_s: float = 10.0,
        poll_s: float = 2.0,
        first_retry_s: float = _FIRST_RETRY_S,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._secret = secret
        self._allow_private = allow_private
        self._attempts = attempts
        self._timeout_s = timeout_s
        self._poll_s = poll_s
        self._first_retry_s = first_retry_s
        self._clock = clock
        self._wake = asyncio.Event()
        self._under_way: dict[asyncio.Task[None], Delivery] = {}
        self._task: asyncio.Task[None] | None = None
        self._chance = random.Random()

    def start(self) -> None:
        """Begin; does nothing without a secret or on a database opened for reading."""
        if self._task is None and self._secret is not None and self._database.writable:
            self._task = asyncio.create_task(self._run(), name="webhooks")

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def close(self) -> None:
        """Stop. What is under way is broken off, and taken up again at the next start."""
        tasks = [task for task in (self._task, *self._under_way) if task is not None]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._task = None

    async def _run(self) -> None:
        reported = None
        # A look-up can hang for as long as the system likes, and nothing can end it.
        threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook-dns")
        try:
            # No proxy from the environment: it would make the connection, past the check of the address.
            async with httpx.AsyncClient(
                trust_env=False,
                follow_redirects=False,
                limits=httpx.Limits(max_keepalive_connections=0),
                timeout=self._timeout_s,
            ) as client:
                while True:
                    self._wake.clear()
                    try:
                        self._send(client, threads, await self._take())
                        reported = None
                    except SignalboxError as error:  # the database is away: what is due stays so
                        if error.detail != reported:
                            log.warning("webhooks can't be looked for", reason=error.detail)
                        reported = error.detail
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._poll_s):
                            await self._wake.wait()
        finally:
            threads.shutdown(wait=False)

    async def _take(self) -> list[Delivery]:
        room = AT_ONCE - len(self._under_way)
        if room <= 0:
            return []
        now = self._clock()
        # A look is cheap and blocks nobody; a write waits for the disk, so there is one only when something is due.
        due = await self._database.read(lambda connection: Outbox(connection).next_due())
        if due is None or due > now:
            return []
        under_way = self._under_way.values()
        busy = {delivery.host for delivery in under_way}
        calling = Counter(delivery.caller for delivery in under_way if delivery.caller is not None)
        keep = timedelta(seconds=2 * self._timeout_s + 5)
        return await self._database.write(
            lambda connection: Outbox(connection).take(
                now, room, per_host=PER_HOST, busy=busy, per_caller=PER_CALLER, calling=calling, keep=keep
            )
        )

    def _send(self, client: httpx.AsyncClient, threads: Executor, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            looking = look_up(delivery.url, threads)
            task = asyncio.create_task(self._work_on(client, delivery, looking), name=f"webhook {delivery.id}")
            self._under_way[task] = delivery
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self.wake()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a webhook's outcome was not written down; it will be sent again", reason=str(error))

    async def _work_on(self, client: httpx.AsyncClient, delivery: Delivery, looking: LookUp) -> None:
        """Deliver it; its place is free again once no thread looks up its name any more."""
        await self._deliver(client, delivery, looking)
        await asyncio.wait([looking])
        looking.exception()  # was told, or came too late to matter

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery, looking: LookUp) -> None:
        over = False
        details: dict[str, object] = {"host": delivery.host}
        try:
            async with asyncio.timeout(self._timeout_s):
                details["status"] = status = await self._post(client, delivery, looking)
            failure = None if 200 <= status < 300 else f"it answered {status}"
            over = status == _GONE
        except TimeoutError:
            failure = f"no answer within {self._timeout_s:g} s"
        except UpstreamError as error:
            failure = error.detail
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            failure = f"it can't be called ({type(error).__name__})"
        except Exception as error:  # whatever it is, it must count as an attempt, or there is no end to them
            log.exception("a webhook could not be called", webhook=delivery.id, host=delivery.host)
            failure = f"it can't be called ({type(error).__name__})"
        now = self._clock()
        if failure is None:
            await self._settle(delivery, now, "webhook_delivered", details, None)
            return
        details["error"] = failure
        if over or delivery.attempt >= self._attempts:
            log.warning("a webhook is given up", webhook=delivery.id, host=delivery.host, reason=failure)
            await self._settle(delivery, now, "webhook_given_up", details, None)
            return
        again_at = now + timedelta(seconds=self._wait_s(delivery.attempt))
        details["again_at"] = again_at.isoformat()
        await self._settle(delivery, now, "webhook_failed", details, again_at)

    async def _post(self, client: httpx.AsyncClient, delivery: Delivery, looking: LookUp) -> int:
        """The status of the answer, whose body nobody reads."""
        assert self._secret is not None
        parts = urlsplit(delivery.url)
        host = parts.hostname or ""
        address = await resolve(delivery.url, looking, allow_private=self._allow_private)
        timestamp = int(self._clock().timestamp())
        url = httpx.URL(delivery.url).copy_with(host=address, port=port_of(parts))
        headers = {
            "host": parts.netloc,
            "content-type": "application/json",
            "user-agent": "signalbox-webhooks",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._secret, delivery.id, timestamp, delivery.payload),
        }
        request = client.build_request(
            "POST", url, content=delivery.payload.encode(), headers=headers, extensions={"sni_hostname": host}
        )
        response = await client.send(request, stream=True)
        await response.aclose()
        return response.status_code

    async def _settle(
        self, delivery: Delivery, now: datetime, kind: str, details: dict[str, object], again_at: datetime | None
    ) -> None:
        await self._database.write(
            lambda connection: Outbox(connection).settle(delivery, now, kind, details, again_at=again_at)
        )

    def _wait_s(self, attempt: int) -> float:
        longest = min(_LONGEST_WAIT_S, self._first_retry_s * _FACTOR ** (attempt - 1))
        # Those that failed together need not come back together.
        return longest * self._chance.uniform(0.8, 1.2)

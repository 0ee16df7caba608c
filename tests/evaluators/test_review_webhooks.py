"""Webhooks over real HTTP: signed, repeated until they arrive, given up in the end, and none lost by a kill."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from review_samples import Clock, add, decision
from webhook_receiver import SECRET, receiver

from evaluators.review import ReviewEvent, ReviewQueue, WebhookSender
from evaluators.review.targets import check_url, host_of, is_public, look_up, resolve
from signalbox.errors import InvalidInput, UpstreamError
from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore, open_database
from signalbox.storage.outbox import Outbox
from signalbox.types import utc_now

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def sending(database: Database, **changes: Any) -> AsyncIterator[ReviewQueue]:
    """A queue whose webhooks are delivered, with little patience."""
    values: dict[str, Any] = {"secret": SECRET, "allow_private": True, "poll_s": 0.05, "first_retry_s": 0.01}
    sender = WebhookSender(database, **(values | changes))
    queue = ReviewQueue(database, on_notice=sender.wake)
    sender.start()
    try:
        yield queue
    finally:
        await sender.close()


async def decide(queue: ReviewQueue, verdict: str = "right") -> str:
    (item,) = await queue.claim("ann")
    return (await queue.decide(item.id, "ann", decision(item, verdict))).id


async def until(queue: ReviewQueue, name: str, done: Callable[[list[str]], bool]) -> list[ReviewEvent]:
    """The history once it is as `done` wants its kinds to be."""
    for _ in range(1_000):
        events = await queue.history(name)
        if done([event.kind for event in events]):
            return events
        await asyncio.sleep(0.02)
    raise AssertionError([event.kind for event in events])


async def test_the_asker_is_called_with_the_persons_answer(database: Database, store: PredictionStore) -> None:
    async with receiver(200) as target, sending(database) as queue:
        (made,) = await add(store, webhook_url=target.url)
        name = await decide(queue, "wrong")
        (call,) = await target.wait_for(1)
        assert call.signed
        assert call.path == "/hook?for=me"
        assert call.headers["host"] == f"127.0.0.1:{target.port}"
        assert call.payload["type"] == "prediction.reviewed"
        assert call.payload["data"]["prediction"] == (await store.get(made.id)).model_dump(mode="json")
        assert call.payload["data"]["review"] == {"id": name, "version": 3, "verdict": "wrong"}
        events = await until(queue, name, lambda kinds: kinds[-1] == "webhook_delivered")
        assert events[-1].details["status"] == 200
        assert "hook" not in str(events[-1].details["host"])


async def test_while_the_secret_changes_both_sign(database: Database, store: PredictionStore) -> None:
    """So a receiver may take up the new one at any time."""
    new = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    async with receiver(200) as target, sending(database, secret=f"{new} {SECRET}") as queue:
        await add(store, webhook_url=target.url)
        await decide(queue)
        (call,) = await target.wait_for(1)
        assert call.signed_by(bytes(range(32)))
        assert call.signed
        assert not call.signed_by(bytes(32))


async def test_nobody_is_called_who_did_not_ask(database: Database, store: PredictionStore) -> None:
    async with sending(database) as queue:
        await add(store)
        name = await decide(queue)
        assert await database.read(lambda connection: list(Outbox(connection).states(name))) == []


async def test_what_fails_is_tried_again_under_the_same_id(database: Database, store: PredictionStore) -> None:
    async with receiver(500, 302, 200) as target, sending(database) as queue:
        await add(store, webhook_url=target.url)
        name = await decide(queue)
        calls = await target.wait_for(3)
        assert len({call.id for call in calls}) == 1
        assert len({call.body for call in calls}) == 1
        assert all(call.signed for call in calls)
        events = await until(queue, name, lambda kinds: kinds[-1] == "webhook_delivered")
        assert [event.kind for event in events[-3:]] == ["webhook_failed", "webhook_failed", "webhook_delivered"]
        assert events[-3].details["error"] == "it answered 500"
        assert len(target.received) == 3, "a redirect is a failure, not followed"


async def test_it_is_given_up_in_the_end(database: Database, store: PredictionStore) -> None:
    async with receiver(500) as target, sending(database, attempts=3) as queue:
        await add(store, webhook_url=target.url)
        name = await decide(queue)
        events = await until(queue, name, lambda kinds: kinds[-1] == "webhook_given_up")
        assert events[-1].details["attempt"] == 3
        assert len(target.received) == 3


async def test_gone_is_gone(database: Database, store: PredictionStore) -> None:
    async with receiver(410) as target, sending(database) as queue:
        await add(store, webhook_url=target.url)
        name = await decide(queue)
        await until(queue, name, lambda kinds: kinds[-1] == "webhook_given_up")
        assert len(target.received) == 1


async def test_a_target_that_hangs_holds_up_nobody_else(database: Database, store: PredictionStore) -> None:
    async with (
        receiver(None) as hanging,
        receiver(200, host="127.0.0.2") as quick,
        sending(database, timeout_s=2.0) as queue,
    ):
        await add(store, 30, webhook_url=hanging.url, confidence=0.0)
        await add(store, webhook_url=quick.url, confidence=1.0)
        for _ in range(31):
            await decide(queue)
        await quick.wait_for(1)
        assert len(hanging.received) <= 4
        events = await queue.history((await queue.list(state="decided", limit=31))[0][-1].id)
        assert events[0].kind == "queued"


async def test_an_undone_decision_is_told_only_to_who_heard_of_it(database: Database, store: PredictionStore) -> None:
    async with receiver(200) as target:
        await add(store, webhook_url=target.url)
        quiet = ReviewQueue(database)
        name = await decide(quiet)
        await quiet.undo(name, "ann")
        states = await database.read(lambda connection: [row[1] for row in Outbox(connection).states(name)])
        assert states == ["withdrawn"], "nobody was told, so there is nothing to take back"
        async with sending(database) as queue:
            item = await queue.get(name)
            await queue.decide(name, "ann", decision(item, "unsafe"))
            await until(queue, name, lambda kinds: kinds[-1] == "webhook_delivered")
            await queue.undo(name, "ann")
            calls = await target.wait_for(2)
        assert [call.payload["type"] for call in calls] == ["prediction.reviewed", "prediction.review_undone"]
        assert calls[0].payload["data"]["prediction"]["outcome"] == "refused"
        assert calls[1].payload["data"]["prediction"]["outcome"] == "in_review"
        versions = [call.payload["data"]["review"]["version"] for call in calls]
        assert versions == sorted(versions)


async def test_inner_addresses_are_refused_when_called_too(database: Database, store: PredictionStore) -> None:
    async with receiver(200) as target, sending(database, allow_private=False, attempts=1) as queue:
        await add(store, webhook_url=f"http://localhost:{target.port}/")
        name = await decide(queue)
        events = await until(queue, name, lambda kinds: kinds[-1] == "webhook_given_up")
        assert "may not be called" in events[-1].details["error"]
        assert target.received == []
    with ThreadPoolExecutor(1) as threads, pytest.raises(UpstreamError):
        await resolve("http://localhost/", look_up("http://localhost/", threads), allow_private=False)


@pytest.mark.parametrize("host", ["a..b.com", "x" * 64 + ".com", "a.com..", ".com", "x." * 128])
async def test_names_that_no_dns_knows_are_refused_and_come_to_an_end(
    database: Database, store: PredictionStore, host: str
) -> None:
    with pytest.raises(InvalidInput, match="host name"):
        check_url(f"http://{host}/", allow_private=True)
    # One that was stored before the check is given up like any other.
    async with sending(database, attempts=2) as queue:
        await add(store, webhook_url=f"http://{host}/")
        name = await decide(queue)
        events = await until(queue, name, lambda kinds: kinds[-1] == "webhook_given_up")
    assert "can't be" in events[-1].details["error"]


@pytest.mark.parametrize("url", ["https://a_b.example.com./x", "http://[2606:4700::1111]/", "http://8.8.8.8:81/"])
def test_names_that_dns_knows_are_taken(url: str) -> None:
    assert check_url(url, allow_private=False) == url


async def test_whatever_goes_wrong_counts_as_an_attempt(
    database: Database, store: PredictionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr("evaluators.review.targets.socket.getaddrinfo", broken)
    async with sending(database, attempts=2) as queue:
        await add(store, webhook_url="http://example.com/")
        name = await decide(queue)
        events = await until(queue, name, lambda kinds: kinds[-1] == "webhook_given_up")
    assert events[-1].details["error"] == "it can't be called (RuntimeError)"


def test_ports_of_one_host_are_counted_together() -> None:
    assert host_of("http://Example.com:81/") == host_of("https://example.com./x") == "example.com"


async def test_names_that_hang_hold_up_no_other_callers(
    database: Database, store: PredictionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty hosts of one caller whose look-ups never end, and one webhook of another caller behind them."""
    ended, found = threading.Event(), socket.getaddrinfo

    def slow(host: str, *args: Any, **more: Any) -> Any:
        if host.endswith(".test"):
            ended.wait(30)
            raise OSError("no such name")
        return found(host, *args, **more)

    monkeypatch.setattr("evaluators.review.targets.socket.getaddrinfo", slow)
    quiet = ReviewQueue(database)
    async with receiver(200) as target:
        for number in range(20):
            await add(store, webhook_url=f"http://slow{number}.test/", caller="key_1")
            await decide(quiet)
        await add(store, webhook_url=target.url, caller="key_2")
        name = await decide(quiet)
        try:
            async with sending(database, timeout_s=0.5) as queue:
                await target.wait_for(1)
                kinds = [event.kind for event in await until(queue, name, lambda kinds: "webhook_delivered" in kinds)]
                assert "webhook_failed" not in kinds
        finally:
            ended.set()


async def test_one_caller_takes_some_of_the_places_only(database: Database, store: PredictionStore) -> None:
    quiet, now = ReviewQueue(database), utc_now() + timedelta(hours=1)
    for number in range(12):
        caller = "key_1" if number < 8 else "key_2" if number < 10 else None
        await add(store, webhook_url=f"http://h{number}.test/", caller=caller)
        await decide(quiet)

    async def take(most: int, **calling: int) -> list[str | None]:
        options: dict[str, Any] = {"per_host": 2, "busy": (), "per_caller": 4, "calling": calling}
        found = await database.write(
            lambda connection: Outbox(connection).take(now, most, keep=timedelta(hours=9), **options)
        )
        return [delivery.caller for delivery in found]

    assert await take(2, key_1=3) == ["key_1", "key_2"]
    assert await take(16) == ["key_1"] * 4 + ["key_2", None, None]
    assert await take(16) == ["key_1"] * 3


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("fe80::1", False),
        ("fd12::1", False),
        ("ff02::1", False),
        ("::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    import ipaddress

    assert is_public(ipaddress.ip_address(address)) == public


async def test_retries_wait_longer_and_longer(database: Database, store: PredictionStore) -> None:
    clock = Clock()
    async with receiver(500) as target, sending(database, clock=clock, first_retry_s=5.0, poll_s=0.01) as queue:
        await add(store, webhook_url=target.url)
        name = await decide(queue)
        clock.forward(86_400 * 3_650)  # decisions are dated by the real clock
        for attempt in range(1, 5):
            await target.wait_for(attempt)
            await until(queue, name, lambda kinds, n=attempt: kinds.count("webhook_failed") == n)  # type: ignore[misc]
            clock.forward(5.0 * 4 ** (attempt - 1) * 0.5)
            await asyncio.sleep(0.05)
            assert len(target.received) == attempt, "too early"
            clock.forward(5.0 * 4 ** (attempt - 1))


# Decides on what waits, then is killed: before any delivery, since it starts no sender.
KILLED = """
import asyncio, os, signal, sys
from review_samples import decision
from evaluators.review import ReviewQueue
from signalbox.settings import Settings
from signalbox.storage import open_database

async def main():
    database = await open_database(Settings(data_dir=sys.argv[1], database_url=sys.argv[2] or None))
    queue = ReviewQueue(database)
    for item in await queue.claim("ann", limit=10):
        await queue.decide(item.id, "ann", decision(item))
        print(item.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_kill_between_decision_and_delivery_loses_no_call(settings: Settings) -> None:
    async with receiver(200) as target:
        async with await open_database(settings) as database:
            await add(PredictionStore(database), 3, webhook_url=target.url)
        url = "" if settings.database_url is None else settings.database_url.get_secret_value()
        folders = [str(ROOT), str(Path(__file__).parent), str(ROOT / "tests" / "storage")]
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", KILLED, str(settings.data_dir), url],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert target.received == []
        async with await open_database(settings) as database, sending(database):
            calls = await target.wait_for(3)
    assert sorted(call.payload["data"]["review"]["id"] for call in calls) == sorted(done.stdout.split())


async def test_a_call_that_died_under_way_is_made_again(settings: Settings) -> None:
    """Its sender took it and never came back: at least once, under the same id."""
    clock = Clock()
    async with receiver(None, 200) as target, await open_database(settings) as database:
        await add(PredictionStore(database), webhook_url=target.url)
        clock.forward(60)
        async with sending(database, clock=clock, timeout_s=10.0) as queue:
            name = await decide(queue)
            clock.forward(86_400 * 3_650)  # decisions are dated by the real clock
            await target.wait_for(1)
        clock.forward(26)
        async with sending(database, clock=clock) as queue:
            first, second = await target.wait_for(2)
            await until(queue, name, lambda kinds: kinds[-1] == "webhook_delivered")
        assert first.id == second.id
        assert first.body == second.body

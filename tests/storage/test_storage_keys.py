"""API keys in both databases: made once, never readable again, ended within seconds, remembered meanwhile."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from signalbox.errors import Conflict, InvalidInput, NotFound, UnknownName
from signalbox.storage import Database, KeyStore, schema
from signalbox.storage.keys import FRESH_S
from signalbox.storage.tokens import Key, id_of, is_token_of


class Clock:
    """Both clocks of a store, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(database: Database, clock: Clock) -> KeyStore:
    return KeyStore(database, clock=clock.now, monotonic=clock.monotonic)


def other(database: Database, clock: Clock) -> KeyStore:
    """As another process has it."""
    return KeyStore(database, clock=clock.now, monotonic=clock.monotonic)


async def test_a_key_is_given_back_as_it_was_made(keys: KeyStore, clock: Clock) -> None:
    ends = clock.now() + timedelta(days=1)
    made = await keys.create("Zoë's app", "service", expires_at=ends, daily_cap_usd=2.5, rate_per_minute=60)
    assert re.fullmatch(r"sb_[0-9a-f]{12}_[0-9a-f]{64}", made.token)
    assert id_of(made.token) == made.key.id
    assert made.key == Key(
        id=made.key.id,
        name="Zoë's app",
        role="service",
        created_at=clock.now(),
        expires_at=ends,
        daily_cap_usd=2.5,
        rate_per_minute=60,
    )
    assert await keys.get(made.key.id) == made.key
    assert await keys.list() == [made.key]
    found = await keys.find(made.key.id)
    assert found is not None
    assert is_token_of(made.token, found)
    assert not is_token_of(made.token[:-1] + ("0" if made.token[-1] != "0" else "1"), found)


async def test_the_secret_is_not_in_the_database(keys: KeyStore, database: Database) -> None:
    made = await keys.create("app", "service")
    secret = made.token.rpartition("_")[2]
    rows = await database.read(lambda c: [str(row) for row in c.execute(select(schema.api_keys))])
    assert len(rows) == 1
    assert secret not in rows[0]
    assert secret not in repr(await keys.find(made.key.id))


async def test_a_revoked_key_ends_here_at_once_and_elsewhere_within_seconds(
    keys: KeyStore, database: Database, clock: Clock
) -> None:
    key = (await keys.create("app", "admin")).key
    elsewhere = other(database, clock)
    assert (await elsewhere.find(key.id)) is not None
    revoked = await keys.revoke(key.id)
    assert revoked.revoked_at == clock.now()
    here = await keys.find(key.id)
    assert here is not None
    assert not here.key.works(clock.now())
    clock.seconds = FRESH_S
    there = await elsewhere.find(key.id)
    assert there is not None
    assert not there.key.works(clock.now())
    clock.seconds = 100
    assert (await keys.revoke(key.id)).revoked_at == revoked.revoked_at


async def test_keys_stay_required_when_all_are_revoked(keys: KeyStore, database: Database, clock: Clock) -> None:
    assert not await keys.in_use()
    elsewhere = other(database, clock)
    assert not await elsewhere.in_use()
    key = (await keys.create("app", "admin")).key
    assert await keys.in_use()
    clock.seconds = FRESH_S
    assert await elsewhere.in_use()
    await keys.revoke(key.id)
    assert await other(database, clock).in_use()


async def test_a_service_can_serve_once_a_key_may_ask_or_administer(keys: KeyStore, clock: Clock) -> None:
    assert not await keys.can_serve()
    for role in ("viewer", "reviewer"):
        await keys.create(role, role)
    assert not await keys.can_serve()
    ends = clock.now() + timedelta(seconds=10)
    await keys.create("app", "service", expires_at=ends)
    assert await keys.can_serve()
    clock.seconds = 10
    assert not await keys.can_serve()
    admin = (await keys.create("boss", "admin")).key
    assert await keys.can_serve()
    await keys.revoke(admin.id)
    assert not await keys.can_serve()


async def test_a_rotated_key_keeps_its_id_and_loses_its_old_token(keys: KeyStore) -> None:
    made = await keys.create("app", "service", daily_cap_usd=1.0)
    again = await keys.rotate(made.key.id)
    assert again.key == made.key
    found = await keys.find(made.key.id)
    assert found is not None
    assert is_token_of(again.token, found)
    assert not is_token_of(made.token, found)
    await keys.revoke(made.key.id)
    with pytest.raises(Conflict, match="revoked or expired"):
        await keys.rotate(made.key.id)


@pytest.mark.parametrize("given", ["", "000000000000", "x" * 500, "' OR 1=1 --", "\x00", "ÀÀÀÀÀÀÀÀÀÀÀÀ", "%"])
async def test_an_id_that_is_none_is_not_found(keys: KeyStore, given: str) -> None:
    await keys.create("app", "admin")
    assert await keys.find(given) is None
    assert await keys.daily_cap_usd(given) is None
    for work in (keys.get, keys.revoke, keys.rotate):
        with pytest.raises(NotFound, match="no key"):
            await work(given)
    assert [key.revoked_at for key in await keys.list()] == [None]


@pytest.mark.parametrize(
    ("values", "error", "field"),
    [
        ({"name": ""}, InvalidInput, "name"),
        ({"name": "  "}, InvalidInput, "name"),
        ({"name": "a\nb"}, InvalidInput, "name"),
        ({"name": "a" * 101}, InvalidInput, "name"),
        ({"name": "local"}, InvalidInput, "name"),
        ({"name": " Operator"}, InvalidInput, "name"),
        ({"role": "king"}, UnknownName, "role"),
        ({"daily_cap_usd": -1.0}, InvalidInput, "daily_cap_usd"),
        ({"daily_cap_usd": float("nan")}, InvalidInput, "daily_cap_usd"),
        ({"rate_per_minute": 0}, InvalidInput, "rate_per_minute"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, InvalidInput, "expires_at"),
        ({"expires_at": datetime(2030, 1, 1)}, InvalidInput, "expires_at"),  # noqa: DTZ001
    ],
)
async def test_a_bad_value_is_refused(keys: KeyStore, values: dict[str, Any], error: type, field: str) -> None:
    with pytest.raises(error) as caught:
        await keys.create(**{"name": "app", "role": "service"} | values)
    assert caught.value.field == field
    assert not await keys.in_use()


async def test_a_key_is_read_once_for_many_that_ask_at_once(
    keys: KeyStore, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (await keys.create("app", "service", daily_cap_usd=3.0)).key
    reads = 0
    read = database.read

    async def counted(work: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(work)

    monkeypatch.setattr(database, "read", counted)
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(keys.find(key.id))
    assert reads == 1
    assert await keys.daily_cap_usd(key.id) == 3.0
    assert reads == 1
    clock.seconds = FRESH_S
    await keys.find(key.id)
    assert reads == 2


async def test_the_last_use_is_kept_now_and_then(
    keys: KeyStore, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (await keys.create("app", "service")).key
    writes = 0
    write = database.write

    async def counted(work: Any) -> Any:
        nonlocal writes
        writes += 1
        return await write(work)

    monkeypatch.setattr(database, "write", counted)

    async def use() -> None:
        found = await keys.find(key.id)
        assert found is not None
        keys.note_use(found)
        await keys.settle()

    for clock.seconds in (0.0, 1.0, 60.0, 299.0):
        await use()
    assert writes == 1
    first = clock.now() - timedelta(seconds=299)
    assert (await keys.get(key.id)).last_used_at == first
    clock.seconds = 301.0
    await use()
    assert writes == 2
    assert (await keys.get(key.id)).last_used_at == clock.now()


async def test_a_use_that_can_not_be_kept_disturbs_nobody(keys: KeyStore, database: Database) -> None:
    key = (await keys.create("app", "service")).key
    found = await keys.find(key.id)
    assert found is not None
    await database.close()
    keys.note_use(found)
    await keys.settle()


@pytest.mark.parametrize("name", ["Ann", "ann", " ANN  "])
async def test_no_two_working_keys_have_one_name(keys: KeyStore, clock: Clock, name: str) -> None:
    first = (await keys.create("Ann", "reviewer", expires_at=clock.now() + timedelta(hours=1))).key
    with pytest.raises(Conflict, match=f"{first.id} has the name 'Ann' already.*revoke that key first") as caught:
        await keys.create(name, "reviewer")
    assert caught.value.field == "name"
    clock.seconds += 3_600
    second = (await keys.create(name, "reviewer")).key
    await keys.revoke(second.id)
    await keys.create("Ann", "admin")


async def test_of_two_keys_of_one_name_made_at_once_one_is_made(keys: KeyStore) -> None:
    made = await asyncio.gather(*(keys.create("Ann", "reviewer") for _ in range(5)), return_exceptions=True)  # noqa: TID251
    assert sum(isinstance(one, Conflict) for one in made) == 4

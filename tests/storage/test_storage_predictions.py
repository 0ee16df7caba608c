"""The store of predictions, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import base64
import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Row, Table, func, select, update
from storage_samples import NOON, full, in_review, plain

from signalbox.errors import Conflict, CorruptArtefact, InvalidInput, NotFound, UnknownName
from signalbox.storage import Database, PredictionStore
from signalbox.storage.schema import ledger, predictions, reviews
from signalbox.types import Prediction, ReviewRef


async def rows(database: Database, table: Table) -> list[Row[Any]]:
    return await database.read(lambda connection: list(connection.execute(select(table)).all()))


async def test_everything_comes_back_as_it_was(store: PredictionStore) -> None:
    for prediction in (
        full(),
        plain(),
        in_review(),
        plain(outcome="refused", reason="too long", route=None, query=None),
    ):
        await store.add(prediction)
        assert await store.get(prediction.id) == prediction


async def test_a_feature_that_is_not_a_number_does_not_make_the_record_unreadable(store: PredictionStore) -> None:
    attempt = plain().attempts[0].model_copy(update={"features": {"margin": math.nan}})
    prediction = plain(attempts=(attempt,))
    await store.add(prediction)
    found = await store.get(prediction.id)
    assert math.isnan(found.attempts[0].features["margin"])


async def test_adding_twice_stores_once_and_keeps_the_first(store: PredictionStore, database: Database) -> None:
    prediction = in_review()
    await store.add(prediction)
    await store.add(prediction)
    await store.add(prediction.model_copy(update={"policy": "other"}))
    assert (await store.get(prediction.id)).policy == prediction.policy
    for table in (predictions, ledger, reviews):
        assert len(await rows(database, table)) == 1


async def test_the_same_prediction_from_many_callers_at_once_is_stored_once(
    store: PredictionStore, database: Database
) -> None:
    prediction = in_review()
    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(store.add(prediction))
    for table in (predictions, ledger, reviews):
        assert len(await rows(database, table)) == 1


async def test_500_concurrent_adds_are_all_there(store: PredictionStore, database: Database) -> None:
    added = [in_review() if number % 5 == 0 else plain(cost_usd=0.25) for number in range(500)]
    async with asyncio.TaskGroup() as group:
        for prediction in added:
            group.create_task(store.add(prediction))
    assert {row.id for row in await rows(database, predictions)} == {prediction.id for prediction in added}
    assert {row.prediction_id for row in await rows(database, ledger)} == {prediction.id for prediction in added}
    assert len(await rows(database, reviews)) == 100
    assert await store.spent_usd(NOON.date()) == pytest.approx(100.0)


async def test_the_ledger_says_what_was_spent_on_which_day_and_model(
    store: PredictionStore, database: Database
) -> None:
    await store.add(full())
    (line,) = await rows(database, ledger)
    assert (line.day, line.route, line.model) == (date(2026, 11, 20), "cloud", "gpt")
    assert (line.cost_usd, line.saved_usd) == (0.001, -0.0005)
    assert (line.input_tokens, line.output_tokens) == (500, 10)
    assert line.created_at == NOON


async def test_an_answer_nobody_accepted_is_booked_on_the_model_that_cost_most(
    store: PredictionStore, database: Database
) -> None:
    attempts = tuple(a.model_copy(update={"outcome": "escalated"}) for a in full().attempts)
    await store.add(in_review(attempts=attempts, cost_usd=0.001))
    (line,) = await rows(database, ledger)
    assert (line.route, line.model) == (None, "gpt")


async def test_days_are_utc_days(store: PredictionStore) -> None:
    tokyo = timezone(timedelta(hours=9))
    await store.add(plain(created_at=datetime(2026, 11, 21, 3, 0, tzinfo=tokyo), cost_usd=1.5))
    assert await store.spent_usd(date(2026, 11, 20)) == 1.5
    assert await store.spent_usd(date(2026, 11, 21)) == 0.0


async def test_a_prediction_in_review_gets_its_review_row(store: PredictionStore, database: Database) -> None:
    prediction = in_review()
    await store.add(prediction)
    (row,) = await rows(database, reviews)
    assert prediction.review is not None
    assert (row.id, row.prediction_id) == (prediction.review.id, prediction.id)
    assert (row.state, row.version, row.reason) == ("waiting", 1, prediction.reason)
    assert row.created_at == prediction.created_at


async def test_a_review_id_of_another_prediction_is_refused_whole(store: PredictionStore, database: Database) -> None:
    first = in_review()
    second = in_review(review=first.review)
    await store.add(first)
    with pytest.raises(Conflict):
        await store.add(second)
    with pytest.raises(NotFound):
        await store.get(second.id)
    assert len(await rows(database, ledger)) == 1


async def test_an_unknown_id_is_not_found(store: PredictionStore) -> None:
    for unknown in ("prd_nowhere", "", "a\x00b", "\ud800", "x" * 10_000, "'; DROP TABLE predictions; --"):
        with pytest.raises(NotFound):
            await store.get(unknown)


async def test_a_record_changed_by_hand_is_reported_not_guessed(store: PredictionStore, database: Database) -> None:
    prediction = plain()
    await store.add(prediction)
    body = json.dumps(prediction.model_dump(mode="json") | {"confidence": 7})
    await database.write(lambda connection: connection.execute(update(predictions).values(body=body)) and None)
    with pytest.raises(CorruptArtefact, match=f"{prediction.id}.*confidence"):
        await store.get(prediction.id)


async def test_fields_of_a_newer_version_are_passed_over(store: PredictionStore, database: Database) -> None:
    prediction = plain()
    await store.add(prediction)
    body = prediction.model_dump(mode="json") | {"mood": "good"}
    body["attempts"][0]["mood"] = "bad"
    text = json.dumps(body)
    await database.write(lambda connection: connection.execute(update(predictions).values(body=text)) and None)
    assert await store.get(prediction.id) == prediction


UNSTORABLE: list[tuple[dict[str, object], str | None]] = [
    ({"id": ""}, "id"),
    ({"id": "x" * 201}, "id"),
    ({"id": "a\x00b"}, "id"),
    ({"session_id": "a\x00b"}, "session_id"),
    ({"session_id": "\ud800"}, None),
    ({"query": "half a pair \ud800"}, None),
    ({"policy": "\x00"}, "policy"),
    ({"created_at": datetime(2026, 11, 20)}, "created_at"),  # noqa: DTZ001 - that is what is refused
    ({"saved_usd": math.nan}, "saved_usd"),
    ({"saved_usd": math.inf}, "saved_usd"),
    ({"outcome": "in_review"}, "review"),
    ({"outcome": "in_review", "review": ReviewRef(id="", state="waiting", url="")}, "review.id"),
]


async def test_what_no_table_can_hold_is_refused_by_name(store: PredictionStore, database: Database) -> None:
    for changes, field in UNSTORABLE:
        with pytest.raises(InvalidInput) as caught:
            await store.add(plain(**changes))
        assert caught.value.field == field
    assert await rows(database, predictions) == []


async def pages(store: PredictionStore, limit: int, **filters: Any) -> list[list[Prediction]]:
    found: list[list[Prediction]] = []
    cursor: str | None = None
    while True:
        items, cursor = await store.list(limit=limit, cursor=cursor, **filters)
        found.append(items)
        if cursor is None:
            return found


async def test_paging_shows_each_once_newest_first_even_with_equal_times(store: PredictionStore) -> None:
    times = [NOON + timedelta(microseconds=number // 7) for number in range(40)]
    added = [plain(created_at=time) for time in times]
    for prediction in added:
        await store.add(prediction)
    expected = sorted(added, key=lambda item: (item.created_at, item.id), reverse=True)
    for limit in (1, 3, 7, 20, 39, 40, 41, 1000):
        found = await pages(store, limit)
        assert [item for page in found for item in page] == expected
        assert all(len(page) == limit for page in found[:-1])
        assert found[-1]


async def test_what_is_added_while_paging_disturbs_no_later_page(store: PredictionStore) -> None:
    old = [plain() for _ in range(6)]
    for prediction in old:
        await store.add(prediction)
    first, cursor = await store.list(limit=3)
    await store.add(plain(created_at=NOON + timedelta(seconds=1)))
    rest, end = await store.list(limit=10, cursor=cursor)
    assert sorted(item.id for item in first + rest) == sorted(item.id for item in old)
    assert end is None


async def test_filters(store: PredictionStore) -> None:
    early = plain(created_at=NOON - timedelta(hours=1))
    cloud = full()
    waiting = in_review()
    for prediction in (early, cloud, waiting):
        await store.add(prediction)

    async def ids(**filters: Any) -> set[str]:
        return {item.id for page in await pages(store, 1, **filters) for item in page}

    assert await ids() == {early.id, cloud.id, waiting.id}
    assert await ids(outcome="in_review") == {waiting.id}
    assert await ids(outcome="answered", since=NOON) == {cloud.id}
    assert await ids(route="classifier") == {early.id}
    assert await ids(route="review") == set()
    assert await ids(since=NOON.astimezone(timezone(timedelta(hours=-5)))) == {cloud.id, waiting.id}
    assert await store.list(limit=5, outcome="refused") == ([], None)


WRONG_ARGUMENTS: list[tuple[dict[str, Any], type[InvalidInput], str]] = [
    ({"limit": 0}, InvalidInput, "limit"),
    ({"limit": -1}, InvalidInput, "limit"),
    ({"limit": 1001}, InvalidInput, "limit"),
    ({"limit": 5, "outcome": "lost"}, UnknownName, "outcome"),
    ({"limit": 5, "route": "auto"}, UnknownName, "route"),
    ({"limit": 5, "since": datetime(2026, 1, 1)}, InvalidInput, "since"),  # noqa: DTZ001
]
WRONG_CURSORS = ["", "garbage", "é", "%", "\ud800"] + [
    base64.urlsafe_b64encode(text.encode()).decode()
    for text in (
        "[]",
        "1",
        "{}",
        '["x","y"]',
        '["2026-01-01T00:00:00","x"]',
        '["2026-01-01T00:00:00Z",7]',
        "[null,null]",
        '["0001-01-01T00:00:00+14:00","x"]',
    )
]


async def test_wrong_list_arguments_are_refused_by_name(store: PredictionStore) -> None:
    cases = WRONG_ARGUMENTS.copy()
    cases += [({"limit": 5, "cursor": cursor}, InvalidInput, "cursor") for cursor in WRONG_CURSORS]
    for arguments, kind, field in cases:
        with pytest.raises(kind) as caught:
            await store.list(**arguments)
        assert caught.value.field == field


async def test_spending_of_a_moment_is_refused(store: PredictionStore) -> None:
    with pytest.raises(InvalidInput):
        await store.spent_usd(datetime.now(UTC))


async def test_listing_uses_the_index(store: PredictionStore, database: Database) -> None:
    if database.kind != "sqlite":
        pytest.skip("PostgreSQL scans tables this small")
    plan = await database.read(
        lambda connection: connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT body FROM predictions "
            "WHERE created_at <= 'x' AND (created_at < 'x' OR id < 'y') ORDER BY created_at DESC, id DESC LIMIT 3"
        ).all()
    )
    assert "ix_predictions_created_at_id" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


async def test_the_count_of_rows_is_the_count_of_adds(store: PredictionStore, database: Database) -> None:
    for _ in range(3):
        await store.add(plain())
    assert await database.read(lambda c: c.execute(select(func.count()).select_from(predictions)).scalar_one()) == 3

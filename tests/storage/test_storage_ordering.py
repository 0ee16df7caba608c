"""Predictions in another order than by time, and those that have a text: page by page, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from storage_samples import NOON, in_review, plain

from signalbox.errors import InvalidInput, UnknownName
from signalbox.storage import Database, PredictionStore
from signalbox.storage.ordering import Sort
from signalbox.types import Answer, Prediction


@pytest.fixture
async def store(database: Database) -> PredictionStore:
    return PredictionStore(database)


async def _all(store: PredictionStore, **asked: object) -> list[Prediction]:
    found: list[Prediction] = []
    cursor: str | None = None
    for _ in range(50):
        page, cursor = await store.list(limit=2, cursor=cursor, **asked)  # type: ignore[arg-type]
        found += page
        if cursor is None:
            return found
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize("sort", ["confidence", "cost_usd", "duration_ms", "created_at"])
@pytest.mark.parametrize("descending", [True, False])
async def test_each_order_shows_each_once_whatever_is_equal(
    store: PredictionStore, sort: Sort, descending: bool
) -> None:
    for number in range(7):
        value = (number * 3) % 4 / 4
        await store.add(
            plain(
                confidence=None if number == 3 else value,
                cost_usd=value,
                duration_ms=value * 1000,
                created_at=NOON + timedelta(seconds=value),
            )
        )
    found = await _all(store, sort=sort, descending=descending)
    assert len({item.id for item in found}) == len(found) == 7
    values = [getattr(item, sort) for item in found]
    assert values == sorted(values, key=lambda each: -1 if each is None else each, reverse=descending)


async def test_a_cursor_of_another_order_is_refused(store: PredictionStore) -> None:
    for _ in range(3):
        await store.add(plain())
    _, cursor = await store.list(limit=1, sort="cost_usd")
    for other in ({}, {"sort": "confidence"}, {"sort": "cost_usd", "descending": False}):
        with pytest.raises(InvalidInput, match="next_cursor of the page before"):
            await store.list(limit=1, cursor=cursor, **other)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="no sort 'price'"):
        await store.list(limit=1, sort="price")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("REFUND", ["A refund"]),
        ("100%", ["100% sure?"]),
        ('"quoted"', ['It is "quoted"\n']),
        ("back\\slash", ["a back\\slash"]),
        ("grüß", ["Grüße"]),
        ("fourteen", ["A refund"]),  # of the answer
        ("champion", []),  # of a field that nobody reads as text
        ("created_at", []),
        ("\x00", []),
    ],
)
async def test_a_text_is_found_in_queries_and_answers_only(
    store: PredictionStore, text: str, queries: list[str]
) -> None:
    for query in ("A refund", "100% sure?", "100 percent", 'It is "quoted"\n', "a back\\slash", "Grüße"):
        answer = Answer(text="Fourteen days" if query == "A refund" else "Maybe")
        await store.add(plain(query=query, answer=answer))
    await store.add(in_review(query="Waits"))
    assert [item.query for item in await _all(store, text=text)] == queries


async def test_an_id_is_found_as_a_text(store: PredictionStore) -> None:
    wanted = plain()
    await store.add(wanted)
    await store.add(plain())
    assert [item.id for item in await _all(store, text=wanted.id)] == [wanted.id]

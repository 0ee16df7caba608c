"""The durability benchmark would notice what it is there to notice, and a short run of it finds nothing."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from benchmarks import durability
from benchmarks._killed import Books, a_prediction
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database
from signalbox.storage.sqlite import DATABASE_FILE

NAMES = ("prd_a", "prd_b", "prd_c")
BY_ID = "predictions.id"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Three predictions that were acknowledged, in the database at `tmp_path`."""

    async def add() -> None:
        async with await open_database(Settings(data_dir=tmp_path)) as database:
            for name in NAMES:
                await PredictionStore(database).add(a_prediction(name))

    asyncio.run(add())
    return Books(asked=set(NAMES), acknowledged=set(NAMES))


def change(folder: Path, *statements: str) -> None:
    with sqlite3.connect(folder / DATABASE_FILE) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_all_is_well(tmp_path: Path, books: Books) -> None:
    assert durability.look(tmp_path, books, BY_ID) == durability.Found(lost=0, doubled=0, never_asked=0)


def test_a_lost_prediction_counts(tmp_path: Path, books: Books) -> None:
    books.asked.add("prd_d")
    books.acknowledged.add("prd_d")
    assert durability.look(tmp_path, books, BY_ID).lost == 1


def test_what_was_never_acknowledged_may_be_there_or_not(tmp_path: Path, books: Books) -> None:
    books.asked.add("prd_d")
    books.acknowledged.remove("prd_a")
    assert durability.look(tmp_path, books, BY_ID) == durability.Found(lost=0, doubled=0, never_asked=0)


def test_a_lost_ledger_line_counts(tmp_path: Path, books: Books) -> None:
    change(tmp_path, "DELETE FROM ledger WHERE prediction_id = 'prd_b'")
    assert durability.look(tmp_path, books, BY_ID).lost == 1


def test_one_request_stored_under_two_ids_counts(tmp_path: Path, books: Books) -> None:
    change(
        tmp_path,
        "UPDATE predictions SET body = json_set(body, '$.query', 'Where is my order key-000001?') "
        "WHERE id IN ('prd_a', 'prd_b')",
    )
    assert durability.look(tmp_path, books, durability._NAME_IN_QUERY).doubled == 1


def test_a_stranger_counts(tmp_path: Path, books: Books) -> None:
    books.asked.remove("prd_c")
    books.acknowledged.remove("prd_c")
    assert durability.look(tmp_path, books, BY_ID).never_asked == 1


def test_some_kills_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    durability.main(["--kills", "4", "--http-kills", "0", "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    result = json.loads(line)
    assert (result["lost"], result["doubled"], result["never_asked"]) == (0, 0, 0)
    assert result["kills"] >= 4
    assert result["acknowledged"] >= 200

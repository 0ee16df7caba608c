"""GET /predictions: pages, filters and the table for a spreadsheet, on both databases."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from postgres_server import postgres_server, postgres_url, run_sql  # noqa: F401
from test_api_predict import problem

from api.service.wiring import Service
from signalbox.settings import Settings
from signalbox.types import Answer, LabelAnswer, Prediction, ReviewRef

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    if request.param == "sqlite":
        return settings
    url = request.getfixturevalue("postgres_url").render_as_string(hide_password=False)
    return settings.model_copy(update={"database_url": Settings(database_url=url).database_url})


def made(number: int, **changes: Any) -> Prediction:
    fields: dict[str, Any] = {
        "id": f"prd_{number:04}",
        "created_at": NOON + timedelta(minutes=number),
        "query": f"Question {number}",
        "outcome": "answered",
        "answer": Answer(text=f"Answer {number}"),
        "route": "grounded",
        "confidence": min(1.0, 0.5 + number / 100),
        "evidence": (),
        "attempts": (),
        "policy": "pol_0@champion",
        "cost_usd": 0.0,
        "saved_usd": -0.001,
        "duration_ms": 1.0,
        "overhead_ms": 1.0,
    }
    return Prediction(**fields | changes)


@pytest.fixture
async def stored(service: Service) -> None:
    for number in range(7):
        await service.predictions.add(made(number, session_id=f"visitor {number % 2}"))
    await service.predictions.add(made(7, route="cloud", confidence=0.99))
    await service.predictions.add(made(8, outcome="refused", answer=None, route=None, confidence=None))
    review = ReviewRef(id="rev_1", state="waiting", url="/predictions/prd_0009")
    await service.predictions.add(made(9, outcome="in_review", route=None, review=review))


async def ids(client: httpx.AsyncClient, **asked: Any) -> list[int]:
    response = await client.get("/predictions", params=asked)
    assert response.status_code == 200, response.text
    return [int(item["id"].removeprefix("prd_")) for item in response.json()["items"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"limit": 3}, [9, 8, 7]),
        ({"outcome": "refused"}, [8]),
        ({"outcome": "in_review"}, [9]),
        ({"route": "cloud"}, [7]),
        ({"route": "review"}, []),
        ({"since": "2026-11-20T12:08:00Z"}, [9, 8]),
        ({"session_id": "visitor 1"}, [5, 3, 1]),
        ({"min_confidence": 0.56}, [9, 7, 6]),
        ({"min_confidence": 0.51, "max_confidence": 0.53}, [3, 2, 1]),
        ({"q": "QUESTION 4"}, [4]),
        ({"q": "answer 5", "route": "grounded"}, [5]),
        ({"q": "%"}, []),
        ({"session_id": "visitor 1' OR 1=1 --"}, []),
    ],
)
async def test_conditions_choose(
    client: httpx.AsyncClient, stored: None, asked: dict[str, Any], found: list[int]
) -> None:
    assert await ids(client, **asked) == found


async def test_cursors_show_each_once(client: httpx.AsyncClient, stored: None, service: Service) -> None:
    seen, cursor = [], None
    while True:
        asked = {"limit": 3, "route": "grounded"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/predictions", params=asked)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await service.predictions.add(made(1000 + len(seen)))
    assert seen == [f"prd_{number:04}" for number in range(6, -1, -1)]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"outcome": "lost"}, "outcome"),
        ({"route": "auto"}, "route"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-20T12:00:00"}, "since"),
        ({"min_confidence": 2}, "min_confidence"),
        ({"max_confidence": "nan"}, "max_confidence"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"q": ""}, "q"),
        ({"session": "a"}, "session"),
    ],
)
async def test_conditions_have_rules(client: httpx.AsyncClient, asked: dict[str, Any], field: str) -> None:
    assert problem(await client.get("/predictions", params=asked), 422)["field"] == field


async def table(client: httpx.AsyncClient, **asked: Any) -> list[dict[str, str]]:
    response = await client.get("/predictions/export", params=asked, headers={"Accept": "text/csv"})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/csv")
    assert "attachment" in response.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


async def test_a_table_has_all_that_were_chosen(client: httpx.AsyncClient, stored: None) -> None:
    rows = await table(client, min_confidence=0.56)
    assert [row["id"] for row in rows] == ["prd_0009", "prd_0007", "prd_0006"]
    assert rows[0]["review"] == "rev_1"
    assert float(rows[1]["confidence"]) == 0.99
    assert float(rows[1]["saved_usd"]) == -0.001
    assert rows[2]["query"] == "Question 6"
    assert len(await table(client)) == 10
    assert len(await table(client, limit=4)) == 4
    assert await table(client, route="review") == []


async def test_no_text_becomes_a_formula(client: httpx.AsyncClient, service: Service) -> None:
    harmful = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", '=HYPERLINK("http://x","y")']
    for number, text in enumerate(harmful):
        labels = (LabelAnswer(task=text, label="a", probability=1.0),)
        await service.predictions.add(
            made(number, query=text, answer=Answer(text=text, short=text, labels=labels), session_id=text, reason=text)
        )
    harmless = 'He said "no",\nthen left; 1-1=0'
    await service.predictions.add(made(100, query=harmless))
    first, *rows = await table(client)
    assert first["query"] == harmless
    for row, text in zip(reversed(rows), harmful, strict=True):
        for column in ("query", "answer", "short", "labels", "session_id", "reason"):
            assert row[column].startswith("'"), (column, text)
        assert row["query"].replace("'", "") == text


@pytest.mark.parametrize("separator", [";", "\t"])
async def test_no_text_becomes_a_formula_where_other_characters_separate_cells(
    client: httpx.AsyncClient, service: Service, separator: str
) -> None:
    harmful = ["x;=1+1", "x; @SUM(A1)", 'x;"=1+1', "x, y;+1", "x\t-1", "x\ty;＝1", "x\n=1+1", "x\r\n =1"]
    for number, text in enumerate(harmful):
        await service.predictions.add(made(number, query=text, answer=Answer(text=text), session_id=text))
    written = (await client.get("/predictions/export", headers={"Accept": "text/csv"})).text
    for line in re.split("[\r\n]+", written):
        for cell in line.split(separator):
            assert not cell.lstrip(' "\u00a0').startswith(tuple("=+-@＝")), cell


async def test_a_table_is_csv_only(client: httpx.AsyncClient) -> None:
    response = await client.get("/predictions/export", headers={"Accept": "application/json"})
    assert problem(response, 406)
    assert problem(await client.get("/predictions/export", params={"since": "2026-01-01T00:00:00"}), 422)


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_a_time_that_utc_has_no_year_for_is_refused(client: httpx.AsyncClient, since: str) -> None:
    for path in ("/predictions", "/predictions/export"):
        assert problem(await client.get(path, params={"since": since}), 422)["field"] == "since"

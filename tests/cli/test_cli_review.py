"""`signalbox review` as a process and in this one: results, refusals, and the same beside a running service."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from api.app import create_app
from api.service.wiring import Service
from evaluators.review import ReviewItem
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database
from signalbox.types import Answer, Prediction, ReviewRef, new_id, utc_now


def in_review(query: str) -> Prediction:
    return Prediction(
        id=new_id("prd"),
        created_at=utc_now(),
        query=query,
        outcome="in_review",
        reason="no route was sure enough",
        answer=Answer(text="maybe", provisional=True),
        route=None,
        confidence=0.4,
        evidence=(),
        attempts=(),
        policy="pol_1@champion",
        cost_usd=0.0,
        saved_usd=0.0,
        duration_ms=1.0,
        overhead_ms=1.0,
        review=ReviewRef(id=new_id("rev"), state="waiting", url="/reviews"),
    )


@pytest.fixture
def waiting(tmp_path: Path) -> list[str]:
    """The ids of two reviews in the data directory that the commands use."""
    made = [in_review("[red]How long?[/red] 🚂"), in_review("Where?")]

    async def add() -> None:
        async with await open_database(Settings(data_dir=tmp_path / "data")) as database:
            for prediction in made:
                await PredictionStore(database).add(prediction)

    asyncio.run(add())
    return [prediction.review.id for prediction in made if prediction.review]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs the command in this process and gives what it printed; it must end with `code`."""
    import sys

    from api.cli import main

    def run(*arguments: str, code: int = 0, **environment: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["signalbox", "review", *arguments])
        monkeypatch.setenv("SIGNALBOX_DATA_DIR", str(tmp_path / "data"))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        assert stopped.value.code == code, said
        return said.err if code else said.out

    return run


def test_from_the_list_to_the_export(run: Callable[..., str], waiting: list[str]) -> None:
    listed = run("list")
    assert "[red]How long?[/red]" in listed
    assert all(name in listed for name in waiting)
    (item,) = json.loads(run("claim", "--reviewer", "ann", "--json"))["items"]
    assert (item["id"], item["claimed_by"]) == (waiting[0], "ann")
    decided = ReviewItem.model_validate_json(
        run("decide", waiting[0], "wrong", "--correction", "14 days", "--reviewer", "ann", "--json")
    )
    assert decided.decision is not None
    run("decide", waiting[1], "wrong", "--label", "intent=track_order", "--reviewer", "bob")
    cases = [json.loads(line) for line in run("export").splitlines()]
    assert [(case["correction"], case["labels"]) for case in cases] == [
        (None, {"intent": "track_order"}),
        ("14 days", None),
    ]
    rows = list(csv.DictReader(io.StringIO(run("export", "--format", "csv"))))
    assert [(row["verdict"], row["correction"], row["correct_labels"]) for row in rows] == [
        ("wrong", "", "intent: track_order"),
        ("wrong", "14 days", ""),
    ]
    assert json.loads(run("stats", "--json"))["decided"] == 2
    assert "decided" in run("stats")
    assert "open again" in run("undo", waiting[0], "--reviewer", "ann")
    assert "waits again" in run("release", waiting[0], "--reviewer", "ann")
    numbered = json.loads(run("decide", waiting[0], "wrong", "--value", "price=3120.5", "--json"))
    assert numbered["decision"]["values"] == {"price": 3120.5}
    assert "nothing to review" in run("list", "--query", "no such words")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("decide", "{0}", "wrong"), "give correction or labels"),
        (("decide", "{0}", "maybe"), "verdict"),
        (("decide", "{0}", "right", "--correction", "x"), "belong to wrong"),
        (("decide", "{0}", "wrong", "--label", "intent"), "TASK=LABEL"),
        (("decide", "{0}", "wrong", "--value", "price"), "TASK=VALUE"),
        (("decide", "{0}", "wrong", "--value", "price=much"), "TASK=NUMBER"),
        (("decide", "{0}", "right", "--item-version", "9"), "version 1 now"),
        (("decide", "{0}", "right", "--item-version", "0"), "greater than or equal to 1"),
        (("release", "{0}"), "not claimed by local"),
        (("decide", "rev_none", "right"), "no review"),
        (("undo", "{0}"), "no decision"),
        (("claim", "--limit", "0"), "limit is 0"),
        (("list", "--state", "done"), "no state"),
        (("list", "--cursor", "x"), "cursor"),
        (("export", "--format", "xml"), "jsonl, csv"),
    ],
)
def test_refusals_say_what_to_do(
    run: Callable[..., str], waiting: list[str], arguments: tuple[str, ...], words: str
) -> None:
    said = run(*(argument.format(*waiting) for argument in arguments), code=2)
    assert words in said
    assert len(said.splitlines()) == 1


@pytest.fixture
def serving(tmp_path: Path, waiting: list[str]) -> Iterator[int]:
    """The port of a service that holds the data directory, as `signalbox serve` would."""
    import sys

    sys.path.append(str(Path(__file__).parents[1] / "api"))
    from api_service import EchoSystem, make_service

    settings = Settings(data_dir=tmp_path / "data", local_model="none")
    ready, port = threading.Event(), []

    async def serve() -> None:
        service: Service
        async with await make_service(settings, EchoSystem()) as service:
            config = uvicorn.Config(create_app(settings, service=service), port=0, log_config=None)
            server = uvicorn.Server(config)
            task = asyncio.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
                await asyncio.sleep(0.01)
            port.append(server.servers[0].sockets[0].getsockname()[1])
            ready.set()
            await asyncio.to_thread(done.wait)
            server.should_exit = True
            await task

    done = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    try:
        yield port[0]
    finally:
        done.set()
        thread.join()


def test_the_running_service_is_asked_when_it_holds_the_database(
    run: Callable[..., str], serving: int, waiting: list[str]
) -> None:
    port = {"SIGNALBOX_PORT": str(serving)}
    assert len(json.loads(run("list", "--json", **port))["items"]) == 2
    (item,) = json.loads(run("claim", "--reviewer", "ann", "--json", **port))["items"]
    assert item["claimed_by"] == "ann"
    assert "claimed by ann until" in run("decide", waiting[0], "right", "--reviewer", "bob", code=2, **port)
    run("decide", waiting[0], "right", "--reviewer", "ann", "--comment", "yes", **port)
    (case,) = [json.loads(line) for line in run("export", **port).splitlines()]
    assert (case["by"], case["comment"]) == ("ann", "yes")
    assert json.loads(run("stats", "--json", **port))["decided"] == 1
    assert "open again" in run("undo", waiting[0], "--reviewer", "ann", **port)
    assert "no review" in run("decide", "rev_none", "right", code=2, **port)

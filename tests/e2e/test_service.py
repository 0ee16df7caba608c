"""The help desk as its users meet it: real documents, real models, real HTTP, real processes that are killed."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from processes import Service, signalbox, wait_for

from retriever import Index
from signalbox.encoder import load_encoder
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database
from signalbox.types import Prediction

REFUND = "How long does a refund take?"


def test_the_service_is_ready_with_all_its_parts(service: Service) -> None:
    report = service.get("/readyz").json()
    assert report["status"] == "ready"
    assert {part for part, state in report["parts"].items() if state != "ok"} == {"cloud"}


def test_a_question_is_answered_rightly_and_can_be_read_back(service: Service) -> None:
    prediction = service.ask(REFUND)
    assert prediction["outcome"] == "answered"
    assert prediction["route"] in ("classifier", "grounded")
    assert "14 days" in prediction["answer"]["text"]
    assert prediction["cost_usd"] == 0
    read = service.get(f"/predictions/{prediction['id']}")
    assert read.status_code == 200
    assert read.json() == prediction


def test_quotes_are_verbatim(service: Service, workspace: Path) -> None:
    settings = Settings(data_dir=workspace)
    index = Index.open(workspace / "index", load_encoder(settings))
    quoted = 0
    for query in ("How long does a refund take?", "Can I pay with Klarna?", "How do I wash a down jacket?"):
        for quote in service.ask(query, route="grounded")["evidence"]:
            assert quote["kind"] == "quote"
            assert index.document(quote["document_id"]).text[quote["start"] : quote["end"]] == quote["text"]
            quoted += 1
    assert quoted >= 3


@pytest.mark.parametrize("query", ["Who won the chess world championship in 1972?", "zxcv qwer asdf uiop"])
def test_what_nothing_can_answer_waits_for_a_person(service: Service, query: str) -> None:
    prediction = service.ask(query)
    assert prediction["outcome"] == "in_review"
    assert prediction["review"]["id"].startswith("rev_")
    assert prediction["review"]["state"] == "waiting"
    assert prediction["answer"] is None or prediction["answer"]["provisional"]


def test_the_command_asks_the_service_that_holds_the_data_directory(service: Service, workspace: Path) -> None:
    done = signalbox(
        "predict", "Can I pay with Klarna?", "--json", data_dir=workspace, SIGNALBOX_PORT=str(service.port)
    )
    assert done.returncode == 0, done.stderr
    prediction = Prediction.model_validate_json(done.stdout)
    assert len(done.stdout.splitlines()) == 1
    assert service.get(f"/predictions/{prediction.id}").json()["query"] == "Can I pay with Klarna?"


def test_the_command_says_when_nobody_answers_for_the_data_directory(service: Service, workspace: Path) -> None:
    done = signalbox("predict", "Hello?", data_dir=workspace, SIGNALBOX_PORT="9")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_second_service_on_the_same_data_directory_is_refused(service: Service, workspace: Path) -> None:
    done = signalbox("serve", "--port", "0", data_dir=workspace)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_a_document_ingested_while_serving_is_quoted(service: Service, workspace: Path, tmp_path: Path) -> None:
    query = "Which colour is the parrot Ferdinand in the Oslo showroom?"
    before = service.ask(query, route="grounded")
    assert "turquoise" not in json.dumps(before)
    parrot = tmp_path / "parrot.md"
    parrot.write_text(
        "# The parrot\n\nThe parrot Ferdinand in the Oslo showroom is turquoise. He eats sunflower seeds.\n"
    )
    done = signalbox("ingest", str(parrot), data_dir=workspace)
    assert done.returncode == 0, done.stderr

    def look() -> bool:
        # Asked anew each time: an answer of before is kept in the cache until the index changes.
        return "is turquoise" in json.dumps(service.ask(query, route="grounded"))

    wait_for("the new document's being quoted", look, patience_s=60)


def test_killing_the_local_model_costs_no_answer(service: Service) -> None:
    """Queries that don't need it are answered as before, at once."""
    for worker in service.workers():
        worker.send_signal(signal.SIGKILL)
    for number in range(5):
        prediction = service.ask(f"{REFUND} {'Thanks!' * number}", deadline_ms=60_000)
        assert "14 days" in prediction["answer"]["text"]
    assert service.get("/readyz").json()["status"] == "ready"


def test_the_local_model_comes_back_after_being_killed_at_work(copied: Path, tmp_path: Path) -> None:
    """Where it writes the answers, so that each query needs it: those under way fail over, later ones get a new one."""
    running = Service(copied, tmp_path / "service.log", SIGNALBOX_GROUNDED_STYLE="write")

    def written(query: str) -> str:
        """Why the grounded route was kept or left."""
        prediction = running.ask(query, route="grounded", deadline_ms=100_000)
        assert prediction["outcome"] in ("answered", "in_review")
        return next(str(tried["reason"]) for tried in prediction["attempts"] if tried["route"] == "grounded")

    try:
        running.ready()
        first = wait_for("the local LLM's process", running.workers)
        with ThreadPoolExecutor(3) as pool:
            asked = [pool.submit(written, f"What does delivery to town {number} cost?") for number in range(3)]
            time.sleep(1)
            for worker in first:
                worker.send_signal(signal.SIGKILL)
            assert all(future.result() for future in asked), "a quote stands in for what could not be written"
        assert running.get("/readyz").json()["status"] == "ready"
        reasons = []
        for number in range(5):
            reasons.append(written(f"What does delivery to city {number} cost?"))
            if "LLM" not in reasons[-1]:
                break
        assert "LLM" not in reasons[-1], reasons
        assert {worker.pid for worker in running.workers()} - {worker.pid for worker in first}
    finally:
        code = running.stop()
    assert code == 0, running.said


async def stored(data_dir: Path, ids: list[str]) -> list[Prediction]:
    async with await open_database(Settings(data_dir=data_dir), write=False) as database:
        store = PredictionStore(database)
        return [await store.get(name) for name in ids]


async def test_a_stop_ends_with_0_and_keeps_every_prediction(copied: Path, tmp_path: Path) -> None:
    running = Service(copied, tmp_path / "service.log")
    try:
        ids = [running.ready().ask(query)["id"] for query in (REFUND, "Can I pay with Klarna?")]
    finally:
        code = running.stop()
    assert code == 0, running.said
    assert [prediction.id for prediction in await stored(copied, ids)] == ids


async def test_killing_the_service_loses_no_acknowledged_prediction(copied: Path, tmp_path: Path) -> None:
    running = Service(copied, tmp_path / "service.log", SIGNALBOX_LOCAL_MODEL="none")
    acknowledged: list[str] = []

    def ask_until_killed(number: int) -> None:
        try:
            while True:
                acknowledged.append(running.ask(f"{REFUND} ({number}.{len(acknowledged)})")["id"])
        except httpx.HTTPError:
            return

    try:
        running.ready()
        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask_until_killed, number) for number in range(4)]
            wait_for("thirty answers", lambda: len(acknowledged) >= 30)
            running.process.kill()
            for thread in asking:
                thread.result()
    finally:
        running.stop(signal.SIGKILL)
    assert [prediction.id for prediction in await stored(copied, acknowledged)] == acknowledged
    again = Service(copied, tmp_path / "again.log", SIGNALBOX_LOCAL_MODEL="none")
    try:
        assert again.ready().get(f"/predictions/{acknowledged[-1]}").status_code == 200
    finally:
        assert again.stop() == 0

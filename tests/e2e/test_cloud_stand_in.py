"""The cloud route over real HTTP: llama-cpp-python's own OpenAI-compatible server stands in for the cloud."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from processes import wait_for

from api.service.wiring import open_service
from signalbox.models.local import resolve_model
from signalbox.settings import Settings
from signalbox.types import Constraints, Query, utc_now

MODEL = "stand-in-1"
INPUT, OUTPUT = 2.0, 8.0  # US dollars per million tokens


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    model = str(resolve_model(Settings()).path)
    log = tmp_path_factory.mktemp("cloud") / "log"
    arguments = [
        "--model",
        model,
        "--model_alias",
        MODEL,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--n_ctx",
        "2048",
    ]
    with (
        log.open("w") as said,
        subprocess.Popen([sys.executable, "-m", "llama_cpp.server", *arguments], stdout=said, stderr=said) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}/v1"

            def look() -> bool:
                assert process.poll() is None, log.read_text()
                return httpx.get(f"{url}/models", trust_env=False).is_success

            wait_for("the stand-in's being ready", look)
            yield url
        finally:
            process.kill()


@pytest.fixture
def priced(tmp_path: Path) -> Path:
    price = {"input": INPUT, "output": OUTPUT, "as_of": "2026-11-01", "source": "this test"}
    (tmp_path / "prices.json").write_text(json.dumps({"models": {MODEL: price}}))
    return tmp_path / "prices.json"


def settings(data_dir: Path, url: str, priced: Path, **more: Any) -> Settings:
    return Settings.load(
        environ={},
        folder=data_dir,
        data_dir=data_dir,
        local_model="none",
        cloud_base_url=url,
        cloud_model=MODEL,
        cloud_api_key="x",
        cloud_max_tokens=24,
        deadline_ms=120_000,
        prices_file=priced,
        **more,
    )


async def test_a_query_goes_to_the_cloud_and_its_cost_is_booked(cloud: str, empty: Path, priced: Path) -> None:
    async with await open_service(settings(empty, cloud, priced)) as service:
        answered = await service.router.predict(Query(text="What is the capital of France?"))
        stored = await service.predictions.get(answered.id)
        spent = await service.predictions.spent_usd(answered.created_at.date())
    attempt = next(attempt for attempt in stored.attempts if attempt.route == "cloud")
    assert attempt.outcome in ("accepted", "escalated"), attempt.reason
    assert attempt.usage is not None
    assert attempt.usage.input_tokens > 0
    assert attempt.usage.output_tokens > 0
    cost = (attempt.usage.input_tokens * INPUT + attempt.usage.output_tokens * OUTPUT) / 1_000_000
    assert attempt.cost_usd == pytest.approx(cost)
    assert stored.cost_usd == pytest.approx(cost)
    assert spent == pytest.approx(cost)
    assert stored.decision is not None
    assert stored.decision.estimates["cloud"].cost_usd >= cost


@pytest.mark.parametrize(
    ("constraints", "reason"),
    [(Constraints(local_only=True), "local_only"), (Constraints(max_cost_usd=0), "the query allows $0.000000")],
)
async def test_a_query_may_keep_the_cloud_away(
    cloud: str, empty: Path, priced: Path, constraints: Constraints, reason: str
) -> None:
    async with await open_service(settings(empty, cloud, priced)) as service:
        kept = await service.router.predict(Query(text="What is the capital of France?", constraints=constraints))
        spent = await service.predictions.spent_usd(utc_now().date())
    attempt = next(attempt for attempt in kept.attempts if attempt.route == "cloud")
    assert (kept.outcome, attempt.outcome, attempt.usage) == ("in_review", "skipped", None)
    assert reason in attempt.reason
    assert (kept.cost_usd, spent) == (0, 0)


class _Page(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Welcome</title>")

    def log_message(self, *_: object) -> None:
        pass


async def test_a_base_url_that_serves_pages_is_said_in_the_attempt(empty: Path, priced: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        async with await open_service(settings(empty, url, priced)) as service:
            failed = await service.router.predict(Query(text="What is the capital of France?"))
        server.shutdown()
    attempt = next(attempt for attempt in failed.attempts if attempt.route == "cloud")
    assert (failed.outcome, attempt.outcome) == ("in_review", "failed")
    assert attempt.cost_usd == failed.cost_usd > 0, "what it cost can't be known, so it counts as the most"
    assert url in attempt.reason or "HTML" in attempt.reason or "base URL" in attempt.reason, attempt.reason
    assert failed.review is not None

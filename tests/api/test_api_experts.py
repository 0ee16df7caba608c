"""/experts over HTTP: training as a job, versions and cards, promoting and rolling back while queries are answered."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest

from api.app import create_app
from api.service.experts import ExpertPool
from api.service.wiring import Service, open_service
from classifiers import TextExpert, load_expert
from classifiers.registry import Registry
from signalbox.settings import Settings

WORDS = {
    "refund": ["refund", "money back", "reimburse", "return the money", "pay me back"],
    "delivery": ["parcel", "delivery", "shipping", "courier", "arrive"],
    "account": ["password", "log in", "account", "sign in", "username"],
}
FRAMES = [
    "Where is my {}?",
    "I have a question about the {} please",
    "Can you help me with the {}",
    "{} problem again, third time this week",
    "Tell me how the {} works",
    "I am unhappy with {} today",
    "please look at {} for order {n}",
    "why does {} take {n} days",
]


def rows(seed: int = 0, count: int = 60) -> list[dict[str, Any]]:
    """Texts of three labels, with a number that depends on the label."""
    chance = random.Random(seed)
    out = []
    for _ in range(count):
        label = chance.choice(list(WORDS))
        text = chance.choice(FRAMES).format(chance.choice(WORDS[label]), n=chance.randint(2, 99))
        out.append({"text": f"{text} ({chance.randint(0, 9999)})", "topic": label, "words": float(len(text.split()))})
    return out


def as_csv(values: list[dict[str, Any]]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(values[0]))
    writer.writeheader()
    writer.writerows(values)
    return file.getvalue().encode()


@pytest.fixture(scope="module")
def trained(encoder_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with two versions of the expert `topics`, trained over HTTP. Copy it to change it."""
    data_dir = Path(shutil.copytree(encoder_data, tmp_path_factory.mktemp("trained") / "data"))
    asyncio.run(_train(data_dir))
    copied(data_dir)
    return data_dir


async def _train(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir, local_model="none")
    async with await open_service(settings) as service, connected(settings, service) as client:
        given = {"name": "topics", "text": ["text"], "target": ["topic", "words"], "kinds": {"words": "regression"}}
        given |= {"learner": "tfidf", "curve": False}
        sent = await client.post(
            "/experts",
            files={"file": ("../My topics.csv", as_csv(rows()))},
            data={"options": json.dumps(given)},
        )
        assert sent.status_code == 202, sent.text
        job = sent.json()
        assert sent.headers["location"] == f"/jobs/{job['id']}"
        assert (job["kind"], job["arguments"]["file"]) == ("train", "My topics.csv")
        first = await end_of(client, job["id"])
        assert first["state"] == "done", first
        assert first["result"] == {
            "expert": "topics@1",
            "name": "topics",
            "version": 1,
            "aliases": ["champion"],
            "url": "/experts/topics/versions/1",
            "text": ["text"],
            "target": ["topic", "words"],
        }


def copied(data_dir: Path) -> None:
    """A second version, the same as the first."""
    registry = Registry(data_dir / "experts")
    first = registry.resolve("topics@1")

    def fill(folder: Path, number: int) -> dict[str, Any]:
        shutil.copytree(first.path, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("manifest.json"))
        own = {"name", "version", "created_at", "code", "kind", "format", "files", "fields_sha256"}
        return {key: value for key, value in first.manifest.items() if key not in own}

    registry.add("topics", kind=first.kind, format=first.format, fill=fill, promote=False)


async def end_of(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job as the last of its events has it."""
    async with client.stream("GET", f"/jobs/{job_id}", headers={"Accept": "text/event-stream"}) as events:
        text = (await events.aread()).decode()
    assert "event: progress" in text
    name, data = text.strip().rsplit("\n\n", 1)[-1].split("\n", 1)
    assert name == "event: job"
    job: dict[str, Any] = json.loads(data.removeprefix("data: "))
    return job


_orders = itertools.count(100)


async def asked(client: httpx.AsyncClient, expert: str = "topics") -> dict[str, Any]:
    """What an expert says of a question that nobody has asked yet."""
    body = {"query": f"please look at parcel for order {next(_orders)}", "expert": expert}
    prediction: dict[str, Any] = (await client.post("/predict", json=body)).json()
    return prediction


async def who(client: httpx.AsyncClient, expert: str = "topics") -> str:
    """The version that answers; no other route may have been tried."""
    attempts = (await asked(client, expert))["attempts"]
    (attempt,) = [attempt for attempt in attempts if attempt["outcome"] != "skipped"]
    assert attempt["route"] == "classifier"
    return str(attempt["expert"])


def connected(settings: Settings, service: Service) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(settings, service=service))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", timeout=60)


@pytest.fixture
def settings(trained: Path, tmp_path: Path) -> Settings:
    return Settings(data_dir=shutil.copytree(trained, tmp_path / "data"), local_model="none")


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    async with await open_service(settings) as service:
        yield service


@pytest.fixture
async def client(settings: Settings, service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with connected(settings, service) as client:
        yield client


async def test_experts_and_their_versions_are_listed(client: httpx.AsyncClient) -> None:
    (expert,) = (await client.get("/experts")).json()["items"]
    assert (expert["name"], expert["versions"]) == ("topics", 2)
    assert (expert["champion"]["reference"], expert["challenger"]["reference"]) == ("topics@1", "topics@2")
    shown = (await client.get("/experts/topics")).json()
    assert [change["champion"] for change in shown["history"]] == [1]
    listed = (await client.get("/experts/topics/versions", params={"limit": 1})).json()
    assert [version["version"] for version in listed["items"]] == [2]
    rest = (await client.get("/experts/topics/versions", params={"cursor": listed["next_cursor"]})).json()
    assert ([version["version"] for version in rest["items"]], rest["next_cursor"]) == ([1], None)
    assert rest["items"][0]["metrics"]
    for path in ("/experts/none", "/experts/none/versions", "/experts/topics/versions/9"):
        assert (await client.get(path)).status_code == 404
    assert (await client.get("/experts/..%2F..")).status_code in (404, 422)


async def test_a_version_shows_its_card_and_its_report(client: httpx.AsyncClient, service: Service) -> None:
    card = (await client.get("/experts/topics/versions/1")).json()
    assert card["manifest"]["trained_on"] == "My topics.csv"
    assert card["trouble"] is None
    plain = await client.get("/experts/topics/versions/1", headers={"Accept": "text/markdown"})
    assert plain.headers["content-type"].startswith("text/markdown")
    assert plain.text == card["card"]
    report = await client.get("/experts/topics/versions/1/report")
    if "report.html" in card["files"]:
        assert report.headers["content-type"].startswith("text/html")
        assert report.headers["x-content-type-options"] == "nosniff"
        policy = report.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script" not in policy
        (service.settings.data_dir / "experts" / "topics" / "1" / "report.html").write_text("<script>")
        assert (await client.get("/experts/topics/versions/1/report")).status_code == 500
    else:
        assert report.status_code == 404


async def test_a_promotion_answers_the_next_query(client: httpx.AsyncClient) -> None:
    models = (await client.get("/v1/models")).json()["data"]
    assert "expert/topics" in {model["id"] for model in models}
    assert (await client.get("/v1/models/expert/topics@2")).status_code == 200
    assert (await client.get("/v1/models/expert/topics@9")).status_code == 404
    answer = (await asked(client))["answer"]
    assert [(label["task"], label["label"]) for label in answer["labels"]] == [("topic", "delivery")]
    assert answer["value"]["task"] == "words"
    assert answer["value"]["low"] <= answer["value"]["estimate"] <= answer["value"]["high"]
    assert answer["values"] is None

    same = {"query": "please look at parcel for order 1", "expert": "topics"}
    assert (await client.post("/predict", json=same)).json()["cached_from"] is None
    assert (await client.post("/predict", json=same)).json()["cached_from"] is not None
    assert await who(client) == "topics@1"
    promoted = await client.post("/experts/topics/promote", json={"version": 2, "reason": "newer"})
    assert (promoted.status_code, promoted.json()["aliases"]) == (200, ["champion"])
    assert (await client.post("/predict", json=same)).json()["cached_from"] is None
    assert await who(client) == "topics@2"
    assert await who(client, "topics@1") == "topics@1"

    back = await client.post("/experts/topics/rollback", json={})
    assert back.json()["version"] == 1
    assert await who(client) == "topics@1"
    assert (await client.post("/experts/topics/rollback", json={})).status_code == 409
    assert (await client.post("/experts/topics/promote", json={"version": 7})).status_code == 404
    history = (await client.get("/experts/topics")).json()["history"]
    assert [(change["action"], change["by"]) for change in history[:2]] == [
        ("rolled back", "local"),
        ("promoted", "local"),
    ]


async def test_a_promotion_by_another_process_is_followed(client: httpx.AsyncClient, service: Service) -> None:
    assert await who(client) == "topics@1"
    Registry(service.settings.data_dir / "experts").promote("topics", 2)
    assert await service.follow_experts()
    assert await who(client) == "topics@2"


async def test_a_broken_version_is_named_and_the_champion_before_answers(
    client: httpx.AsyncClient, service: Service
) -> None:
    folder = service.settings.data_dir / "experts" / "topics"
    assert await who(client) == "topics@1"
    (folder / "2" / "expert.json").write_text("{}")
    assert (await client.post("/experts/topics/promote", json={"version": 2})).status_code == 500
    refused = await client.post("/predict", json={"query": "Where is my parcel?", "expert": "topics@2"})
    assert refused.status_code == 500
    assert refused.json()["type"] == "/problems/corrupt-artefact"
    aliases = json.loads((folder / "aliases.json").read_text())
    (folder / "aliases.json").write_text(json.dumps({**aliases, "champion": 2, "earlier": [1]}))
    await service.follow_experts()
    assert await who(client) == "topics@1"
    assert "topics@1 goes on answering" in (await client.get("/readyz")).json()["parts"]["expert"]


async def test_embeddings_come_from_the_encoder_that_was_tuned_for_an_expert(
    client: httpx.AsyncClient, service: Service
) -> None:
    texts = ["Where is my parcel?", "<b>Hello</b>"]
    refused = await client.post("/v1/embeddings", json={"model": "expert/topics", "input": texts})
    assert refused.status_code == 404
    assert "no encoder of its own" in refused.json()["error"]["message"]
    folder, encoder = service.settings.data_dir / "experts", service.models.encoder
    plain = load_expert(folder, "topics@1", encoder)
    model: Any = plain.trained.model
    tuned: Any = SimpleNamespace(learner="few-shot", nbytes=1_000, encoder=encoder, outputs=model.outputs)
    expert = TextExpert(plain.name, replace(plain.trained, model=tuned), encoder)
    pool = ExpertPool(folder, lambda name, number: expert, default="topics", budget=10**9)
    pool.refresh()
    service.router.replace_parts(experts=pool)
    given = await client.post("/v1/embeddings", json={"model": "expert/topics@1", "input": texts})
    assert given.status_code == 200, given.text
    assert given.json()["signalbox"]["encoder"] == "expert/topics@1"
    vectors = [item["embedding"] for item in given.json()["data"]]
    np.testing.assert_allclose(vectors, encoder.encode(["Where is my parcel?", "Hello"]), atol=1e-6)


async def test_an_explicit_expert_answers_or_passes_on_to_a_person(client: httpx.AsyncClient) -> None:
    strange = {"query": "Quantum chromodynamics of the gluon field", "expert": "topics", "route": "classifier"}
    unsure = (await client.post("/predict", json={**strange, "alpha": 0.01})).json()
    assert unsure["outcome"] == "in_review"
    assert unsure["answer"]["provisional"] is True
    assert unsure["review"]["state"] == "waiting"
    familiar = {**strange, "query": "Where is my parcel?", "alpha": 0.9}
    sure = (await client.post("/predict", json=familiar)).json()
    assert (sure["outcome"], sure["route"]) == ("answered", "classifier"), sure


async def test_trainings_that_can_not_be(client: httpx.AsyncClient, service: Service) -> None:
    async def send(file: bytes | None, options: Any) -> httpx.Response:
        files = {} if file is None else {"file": ("data.csv", file)}
        return await client.post("/experts", files=files, data={"options": options})

    good = {"name": "topics", "text": ["text"], "target": ["topic"]}
    for options, field in (
        ("", "body"),
        ({**good, "name": "../x"}, "name"),
        ({**good, "learner": "magic"}, "learner"),
        ({**good, "tune": 10_000}, "tune"),
        ({**good, "colour": "red"}, "colour"),
        ({**good, "seed": "1"}, "seed"),
        ({**good, "learner": "few-shot", "learner_options": {"base": "/etc"}}, "learner_options.base"),
        ({**good, "learner": "few-shot", "learner_options": {"base": "someone/model"}}, "learner_options.base"),
        ({**good, "learner": "few-shot", "learner_options": {"base": None}}, "learner_options.base"),
    ):
        refused = await send(b"text,topic\na,b\n", options if isinstance(options, str) else json.dumps(options))
        assert refused.status_code in (400, 422), refused.text
        assert refused.json()["field"] == field
    assert (await client.post("/experts", json={**good, "rows": [{"text": "a"}]})).status_code == 422
    assert (await client.post("/experts", content=b"x", headers={"Content-Type": "text/csv"})).status_code == 415
    two = [("file", ("a.csv", b"x")), ("file", ("b.csv", b"x"))]
    assert (await client.post("/experts", files=two, data={"options": json.dumps(good)})).json()["field"] == "file"
    assert (await client.get("/jobs", params={"state": "queued"})).json()["items"] == []
    sent = await client.post("/experts", json={**good, "rows": rows()})
    assert sent.status_code == 202, sent.text
    assert (await client.post(f"/jobs/{sent.json()['id']}/cancel")).json()["state"] == "cancelled"
    sent = await send(b"text,topic\nhello,greeting\nbye,parting\n", json.dumps({**good, "target": ["colour"]}))
    failed = await end_of(client, sent.json()["id"])
    assert failed["state"] == "failed"
    assert "colour" in failed["error"]["detail"]
    assert str(service.settings.data_dir) not in json.dumps(failed)

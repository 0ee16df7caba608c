"""/jobs over HTTP: lists, one job, its events, cancelling and resuming."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.http import errors
from api.service.wiring import Service
from signalbox.errors import Overloaded

_PATH = Path(__file__).parents[1] / "jobs"
if str(_PATH) not in sys.path:
    sys.path.append(str(_PATH))
job_kinds: Any = importlib.import_module("job_kinds")


@pytest.fixture
def service(service: Service) -> Service:
    for kind in job_kinds.ALL:
        service.jobs.register(kind)
    return service


async def test_there_are_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/jobs")).json() == {"items": [], "next_cursor": None}
    for method, path in (
        ("GET", "/jobs/job_01JD3V5ZK8Q0T9W4X7Y2B6C1DE"),
        ("POST", "/jobs/job_01JD3V5ZK8Q0T9W4X7Y2B6C1DE/cancel"),
        ("POST", "/jobs/x/resume"),
    ):
        assert (await client.request(method, path)).json()["type"] == "/problems/not-found"
    assert (await client.get("/jobs", params={"state": "asleep"})).status_code == 422
    assert (await client.get("/jobs", params={"cursor": "x"})).status_code == 422


async def test_a_job_is_followed_cancelled_and_resumed(
    client: httpx.AsyncClient, service: Service, tmp_path: Path
) -> None:
    diary, gate = tmp_path / "diary", tmp_path / "gate"
    job = await service.jobs.start("three", {"diary": str(diary), "gate": str(gate)}, by="Ada")
    seen: list[dict[str, Any]] = []

    async def follow() -> None:
        events = await client.get(f"/jobs/{job.id}", headers={"Accept": "text/event-stream"})
        assert events.headers["content-type"].startswith("text/event-stream")
        for event in events.text.strip().split("\n\n"):
            name, data = event.split("\n", 1)
            seen.append({"event": name.removeprefix("event: "), **json.loads(data.removeprefix("data: "))})

    following = asyncio.create_task(follow())
    while (await client.get(f"/jobs/{job.id}")).json()["progress"] < 0.5:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    (listed,) = (await client.get("/jobs", params={"kind": "three", "state": "running"})).json()["items"]
    assert (listed["id"], listed["by"], listed["stage"]) == (job.id, "Ada", "waiting at the gate")
    assert (await client.post(f"/jobs/{job.id}/resume")).status_code == 409
    cancelled = await client.post(f"/jobs/{job.id}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    await following
    assert [event["event"] for event in seen][-1] == "job"
    assert {event["event"] for event in seen[:-1]} == {"progress"}
    assert seen[-1]["state"] == "cancelled"
    gate.touch()
    assert (await client.post(f"/jobs/{job.id}/resume")).status_code == 200
    seen.clear()
    await follow()
    assert (seen[-1]["state"], seen[-1]["result"]) == ("done", {"kept": "kept", "large": "much"})
    assert (await client.post(f"/jobs/{job.id}/cancel")).json()["type"] == "/problems/conflict"
    assert (await client.get("/jobs", params={"kind": "other"})).json()["items"] == []


def test_too_many_jobs_are_the_callers_doing_and_come_back_later() -> None:
    refused = errors.of_error({"path": "/experts"}, Overloaded("20 jobs wait already.", retry_after_s=60, field="jobs"))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert json.loads(bytes(refused.body))["type"] == "/problems/too-many-jobs"

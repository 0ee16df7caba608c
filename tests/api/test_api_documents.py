"""/documents: files and texts in, seen by the next query, and out again; whatever the files are called and hold."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_service import EchoSystem, make_service
from test_api_predict import Wire, problem
from test_api_stream import events

from api.app import create_app
from api.body import multipart as uploads
from api.service import ingesting
from api.service.folders import index_folder
from api.service.wiring import Service, open_service
from retriever import Index
from signalbox.artefacts import writer_lock
from signalbox.settings import Settings

REFUNDS = b"# Refunds\n\nRefunds arrive within 14 days. Send worn shoes back unwashed.\n"
NO_FILE = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'


def hashing_encoder() -> Any:
    path = Path(__file__).parents[1] / "retriever" / "hashing_encoder.py"
    spec = importlib.util.spec_from_file_location("hashing_encoder_of_the_retriever", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.HashingEncoder()


@pytest.fixture
async def service(settings: Settings, system: EchoSystem) -> AsyncIterator[Service]:
    """With a real index, and an encoder that needs no model."""
    settings = settings.model_copy(update={"max_document_bytes": 20_000, "max_upload_bytes": 50_000})
    async with await make_service(settings, system) as service:
        encoder = hashing_encoder()
        service.models.encoder = encoder
        service.models.index = Index.open(index_folder(settings), encoder)
        yield service


async def upload(client: httpx.AsyncClient, *files: tuple[str, bytes], **headers: str) -> httpx.Response:
    return await client.post("/documents", files=[("file", file) for file in files], headers=headers)


async def listed(client: httpx.AsyncClient) -> list[str]:
    return [item["id"] for item in (await client.get("/documents")).json()["items"]]


async def test_an_uploaded_file_is_found_at_once(client: httpx.AsyncClient) -> None:
    response = await upload(client, ("refunds.md", REFUNDS), ("hours.txt", b"Open from 10 to 18."))
    assert response.status_code == 201, response.text
    result = response.json()
    assert (result["added"], result["documents"]) == (2, 2)
    assert [item["state"] for item in result["items"]] == ["ingested", "ingested"]
    assert await listed(client) == ["hours.txt", "refunds.md"]

    found = (await client.get("/documents/search", params={"q": "worn shoes", "k": 5})).json()["items"]
    assert found[0]["document_id"] == "refunds.md"
    assert found[0]["bm25"] > 0
    assert found[0]["score"] >= found[-1]["score"]
    only = await client.get("/documents/search", params={"q": "worn shoes", "document_id": "hours.txt"})
    assert {item["document_id"] for item in only.json()["items"]} == {"hours.txt"}

    whole = (await client.get("/documents/refunds.md")).json()
    assert whole["title"] == "Refunds"
    sentences = [whole["text"][piece["start"] : piece["end"]] for piece in whole["sentences"]]
    assert "Refunds arrive within 14 days." in sentences
    assert all(piece["start"] < piece["end"] <= len(whole["text"]) for piece in whole["chunks"])


async def test_the_same_file_again_changes_nothing_and_a_new_one_replaces_it(client: httpx.AsyncClient) -> None:
    await upload(client, ("a.txt", b"One."))
    assert (await upload(client, ("a.txt", b"One."))).json()["unchanged"] == 1
    assert (await upload(client, ("a.txt", b"Two."))).json()["updated"] == 1
    assert (await client.get("/documents/a.txt")).json()["text"] == "Two."


async def test_a_document_may_be_sent_as_text(client: httpx.AsyncClient) -> None:
    given = {"id": "guides/tents", "text": "Tents must dry.", "title": "Tents", "metadata": {"language": "en"}}
    response = await client.post("/documents", json=given)
    assert response.status_code == 201, response.text
    whole = (await client.get("/documents/guides/tents")).json()
    assert (whole["title"], whole["text"]) == ("Tents", "Tents must dry.")
    assert whole["metadata"]["language"] == "en"


async def test_a_deleted_document_is_gone(client: httpx.AsyncClient) -> None:
    await upload(client, ("a.txt", b"One."), ("b.txt", b"Two."))
    assert (await client.delete("/documents/a.txt")).status_code == 204
    assert await listed(client) == ["b.txt"]
    assert problem(await client.get("/documents/a.txt"), 404)
    assert problem(await client.delete("/documents/a.txt"), 404)
    found = (await client.get("/documents/search", params={"q": "One"})).json()["items"]
    assert {item["document_id"] for item in found} <= {"b.txt"}


async def test_an_empty_index_has_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/documents")).json() == {"items": [], "next_cursor": None}
    assert (await client.get("/documents/search", params={"q": "anything"})).json() == {"items": []}
    assert problem(await client.get("/documents/a.txt"), 404)


async def test_documents_are_listed_in_pages(client: httpx.AsyncClient) -> None:
    await upload(client, *((f"é {number}.txt", b"Text %d." % number) for number in range(5)))
    seen, cursor = [], None
    while True:
        page = (await client.get("/documents", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"é {number}.txt" for number in range(5)]
    assert problem(await client.get("/documents", params={"cursor": "!"}), 422)["field"] == "cursor"
    assert problem(await client.get("/documents", params={"limit": 0}), 422)["field"] == "limit"


@pytest.mark.parametrize(
    ("name", "document_id"),
    [
        ("../../etc/cron.d/evil.md", "evil.md"),
        ("/etc/evil.txt", "evil.txt"),
        ("..\\..\\windows\\evil.md", "evil.md"),
        ("<script>alert(1)</script>.md", "script>.md"),
        ("a\tb.md", "a%09b.md"),  # the client's own escaping
        ("'; DROP TABLE documents; --.md", "'; DROP TABLE documents; --.md"),
    ],
)
async def test_names_are_data(client: httpx.AsyncClient, settings: Settings, name: str, document_id: str) -> None:
    response = await upload(client, (name, b"Text."))
    assert response.status_code == 201, response.text
    assert await listed(client) == [document_id]
    assert not list(settings.data_dir.parent.rglob("*evil*"))


@pytest.mark.parametrize(
    ("name", "content", "status", "says"),
    [
        ("../../etc/passwd", b"root:x:0:0", 415, "passwd"),
        ("malware.exe", b"MZ", 415, "malware.exe"),
        ("empty.md", b"", 422, "empty.md"),
        ("blank.txt", b" \n ", 422, "blank.txt"),
        ("scan.pdf", b"%PDF-1.7 nonsense", 422, "scan.pdf"),
        ("text.docx", b"no zip", 415, "text.docx"),
        ("large.txt", b"a" * 20_001, 413, "large.txt"),
        ("...", b"Text.", 422, "file name"),
        ("a" * 300 + ".zip", b"PK", 415, ".zip"),
    ],
)
async def test_a_file_that_can_not_be_read_says_why(
    client: httpx.AsyncClient, name: str, content: bytes, status: int, says: str
) -> None:
    response = await upload(client, (name, content))
    assert response.status_code in (status, 422), response.text
    assert says in problem(response, response.status_code)["detail"]
    assert await listed(client) == []


async def test_one_bad_file_of_several_costs_only_itself(client: httpx.AsyncClient) -> None:
    response = await upload(client, ("good.md", b"Text."), ("bad.exe", b"MZ"), ("good.md", b"Again."))
    assert response.status_code == 201
    good, bad, twice = response.json()["items"]
    assert (good["state"], bad["state"], twice["state"]) == ("ingested", "failed", "failed")
    assert bad["error"]["status"] == 415
    assert "bad.exe" in bad["error"]["detail"]
    assert "twice" in twice["error"]["detail"]
    assert await listed(client) == ["good.md"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"id": "a"}, 422, "text"),
        ({"id": "", "text": "b"}, 422, "id"),
        ({"id": "a", "text": "b", "extra": 1}, 422, "extra"),
        ({"id": "a", "text": "b", "metadata": {"n": 1}}, 422, "metadata"),
        ({"id": "a", "text": "b", "metadata": {str(n): "" for n in range(51)}}, 422, "metadata"),
        ({"id": "a\nb", "text": "b"}, 422, "id"),
        ({"id": "a", "text": "  "}, 422, "text"),
        ({"id": "a", "text": "b" * 4_000}, 413, "body"),
        ([], 422, "body"),
    ],
)
async def test_a_text_has_rules(client: httpx.AsyncClient, body: Any, status: int, field: str) -> None:
    assert problem(await client.post("/documents", json=body), status)["field"] == field


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("", b"x", 415),
        ("text/plain", b"x", 415),
        ("application/json", b"{", 400),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=x", b"nonsense", 400),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 422),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
            422,
        ),
    ],
)
async def test_other_bodies_are_refused(
    client: httpx.AsyncClient, content_type: str, content: bytes, status: int
) -> None:
    response = await client.post("/documents", content=content, headers={"Content-Type": content_type})
    assert problem(response, status)


async def test_an_upload_over_the_limit_is_cut_off(client: httpx.AsyncClient) -> None:
    files = [(f"{number}.txt", b"a" * 19_000) for number in range(3)]
    found = problem(await upload(client, *files), 413)
    assert "SIGNALBOX_MAX_UPLOAD_BYTES" in found["detail"]
    many = [(f"{number}.txt", b"a") for number in range(101)]
    assert "100" in problem(await upload(client, *many), 400)["detail"]
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        while True:
            read += 1
            yield b"a" * 10_000

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = await client.post("/documents", content=endless(), headers=headers)
    assert problem(response, 413)
    assert response.headers["connection"] == "close"
    assert read < 10


class UploadWire(Wire):
    path = "/documents"

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=x")]


async def test_an_upload_that_stalls_is_not_waited_for(
    service: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_PIECE_TIMEOUT_S", 0.05)
    wire = UploadWire(create_app(settings, service=service))
    wire.coming.put_nowait({"type": "http.request", "body": b"--x\r\nContent-", "more_body": True})
    await asyncio.wait_for(wire.request, 10)
    assert wire.sent[0]["status"] == 408


async def test_progress_can_be_followed(client: httpx.AsyncClient) -> None:
    response = await upload(client, ("a.md", REFUNDS), ("b.exe", b"MZ"), Accept="text/event-stream")
    *steps, (last, result) = events(response.text)
    assert {name for name, _ in steps} == {"progress"}
    assert [step["progress"] for _, step in steps] == sorted(step["progress"] for _, step in steps)
    assert all(step["stage"] for _, step in steps)
    assert last == "document"
    assert [item["state"] for item in result["items"]] == ["ingested", "failed"]
    await client.delete("/documents/a.md")
    refused = await upload(client, ("b.exe", b"MZ"), Accept="text/event-stream")
    name, found = events(refused.text)[-1] if refused.status_code == 200 else ("error", refused.json())
    assert (name, found["status"]) == ("error", 415)


async def test_another_ingest_is_not_waited_for_long(
    client: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "LOCK_TIMEOUT_S", 0.05)
    await upload(client, ("a.txt", b"One."))
    with writer_lock(index_folder(settings), timeout_s=10):
        for response in (await upload(client, ("b.txt", b"Two.")), await client.delete("/documents/a.txt")):
            assert problem(response, 503)
            assert response.headers["retry-after"] == "10"
    assert await listed(client) == ["a.txt"]


async def test_answers_from_a_deleted_document_are_given_no_more(shop_data: Path, tmp_path: Path) -> None:
    """The whole service with its own encoder and index, no LLM."""
    data_dir = shutil.copytree(shop_data, tmp_path / "shop")
    settings = Settings(data_dir=data_dir, local_model="none")
    asked = {"query": "How long does a refund take?", "route": "grounded", "alpha": 0.9}
    async with await open_service(settings) as service:
        transport = httpx.ASGITransport(create_app(settings, service=service))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            first = (await client.post("/predict", json=asked)).json()
            assert "14 days" in json.dumps(first["answer"]), first
            assert (await client.delete("/documents/refunds.md")).status_code == 204
            second = (await client.post("/predict", json=asked)).json()
            assert "14 days" not in json.dumps([second["answer"], second["evidence"]])
            assert second.get("cached_from") is None
            text = "A refund takes 30 days from now on."
            await client.post("/documents", json={"id": "new.md", "text": text})
            third = (await client.post("/predict", json=asked)).json()
            assert "30 days" in json.dumps([third["answer"], third["evidence"]])

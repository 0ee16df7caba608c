"""The scripted model and its server: what others' tests, examples and drills rely on."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from typing import Any

import httpx
import pytest

from signalbox.contracts import ChatRequest, ChatResult, ScoreRequest
from signalbox.errors import ConfigurationError, DeadlineExceeded, InvalidInput, Overloaded, UpstreamError
from signalbox.models.scripted import Fault, FaultKind, ScriptedModel, ScriptedServer
from signalbox.models.scripted.__main__ import main
from signalbox.types import Message, Usage

RESULT = ChatResult("as it is", Usage(input_tokens=1, output_tokens=2), "other", cost_usd=0.5)


def request(text: str = "question", **fields: Any) -> ChatRequest:
    return ChatRequest((Message(role="user", content=text),), **fields)


async def test_a_fixed_string_for_ever() -> None:
    model = ScriptedModel("yes")
    assert [(await model.generate(request())).text for _ in range(3)] == ["yes"] * 3
    assert len(model.requests) == 3
    assert model.name == "scripted"


async def test_a_queue_of_strings_results_errors_and_faults() -> None:
    model = ScriptedModel(["one", RESULT, ValueError("boom"), Fault("rate_limited", retry_after_s=4)])
    assert (await model.generate(request())).text == "one"
    assert await model.generate(request()) is RESULT
    with pytest.raises(ValueError, match="boom"):
        await model.generate(request())
    with pytest.raises(Overloaded) as caught:
        await model.generate(request())
    assert caught.value.retry_after_s == 4
    with pytest.raises(ConfigurationError, match="no reply for request 5"):
        await model.generate(request())


async def test_an_endless_queue() -> None:
    model = ScriptedModel(itertools.cycle(["a", "b"]))
    assert [(await model.generate(request())).text for _ in range(3)] == ["a", "b", "a"]


async def test_a_function_of_the_request() -> None:
    async def shout(asked: ChatRequest) -> str:
        await asyncio.sleep(0)
        return asked.messages[-1].content.upper()

    assert (await ScriptedModel(shout).generate(request("hi"))).text == "HI"
    assert (await ScriptedModel(lambda asked: asked.messages[0].content).generate(request("hi"))).text == "hi"


@pytest.mark.parametrize("kind", ["server_error", "cut_stream", "html", "bad_json", "wrong_shape"])
async def test_faults_in_process_are_the_errors_a_client_would_raise(kind: FaultKind) -> None:
    with pytest.raises(UpstreamError, match=kind) as caught:
        await ScriptedModel([Fault(kind, status=503)]).generate(request())
    assert caught.value.status == (503 if kind == "server_error" else None)


async def test_a_hanging_model_meets_the_deadline() -> None:
    for model in (ScriptedModel([Fault("hang")]), ScriptedModel("slow", latency_s=60)):
        with pytest.raises(DeadlineExceeded):
            await model.generate(request(deadline_s=time.monotonic() + 0.05))


async def test_a_stream_that_breaks_off_has_pieces_but_no_result() -> None:
    chunks = ScriptedModel([Fault("cut_stream", text="never to be finished")]).stream(request())
    assert [(await anext(chunks)).text for _ in range(2)] == ["never ", "to "]
    with pytest.raises(UpstreamError):
        await anext(chunks)


async def test_scores_favour_what_was_said_before() -> None:
    model = ScriptedModel()
    scores = await model.score(
        ScoreRequest("Text: ", ("refunds take 14 days", "we open at nine"), ("how long do refunds take",))
    )
    assert len(scores) == 2
    assert scores[0].mean > scores[1].mean
    assert len(scores[0].token_logprobs) == 5
    assert len(model.score_requests) == 1
    both = await model.score(ScoreRequest("", ("a", "b"), ("a", "a")))
    assert both[0].total > both[1].total


async def test_scores_as_told() -> None:
    model = ScriptedModel(scorer=lambda before, text: [-float(len(before))] * len(text))
    (score,) = await model.score(ScoreRequest("ab", ("c",), ("xy",)))
    assert score.token_logprobs == (-3.0, -3.0)


async def test_scores_that_do_not_fit() -> None:
    with pytest.raises(InvalidInput, match="2 prefixes"):
        await ScriptedModel().score(ScoreRequest("", ("a", "b"), ("a", "b", "c")))
    with pytest.raises(DeadlineExceeded):
        await ScriptedModel().score(ScoreRequest("", ("a",), ("b",), deadline_s=time.monotonic() - 1))


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "question"}]} | fields


async def test_the_server_speaks_openai() -> None:
    async with ScriptedServer("Fourteen days.") as server, httpx.AsyncClient(base_url=server.base_url) as http:
        listed = (await http.get("/models")).json()
        answer = (await http.post("/chat/completions", json=body())).json()
        assert server.requests == [request()]
    assert [item["id"] for item in listed["data"]] == ["scripted"]
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Fourteen days."}
    assert answer["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert answer["model"] == "m"


async def test_the_server_streams_events() -> None:
    asked = body(stream=True, stream_options={"include_usage": True})
    async with ScriptedServer("Fourteen days.") as server, httpx.AsyncClient(base_url=server.base_url) as http:
        response = await http.post("/chat/completions", json=asked)
    assert response.headers["content-type"] == "text/event-stream"
    events = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    pieces = [json.loads(event) for event in events]
    assert pieces[-1]["choices"] == []
    assert pieces[-1]["usage"]["completion_tokens"] == 2
    assert pieces[-2]["choices"][0]["finish_reason"] == "stop"
    assert [piece["choices"][0]["delta"].get("content") for piece in pieces[1:-2]] == ["Fourteen ", "days."]


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"messages": []}', 400), (b'{"messages": ["x"]}', 400), (b'{"messages": 3}', 400)],
)
async def test_the_server_answers_bad_requests_in_openais_form(sent: bytes, status: int) -> None:
    async with ScriptedServer() as server, httpx.AsyncClient(base_url=server.base_url) as http:
        response = await http.post("/chat/completions", content=sent)
        assert (await http.get("/nothing")).status_code == 404
    assert response.status_code == status
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_the_servers_faults_on_the_wire() -> None:
    faults: list[Fault | Exception] = [
        Fault("rate_limited", retry_after_s=2),
        Fault("server_error", status=503),
        Fault("html"),
        Fault("bad_json"),
        Fault("wrong_shape"),
        Overloaded("full", retry_after_s=9),
        UpstreamError("broken", status=502),
        Fault("cut_stream"),
        Fault("cut_stream"),
    ]
    async with ScriptedServer(faults) as server, httpx.AsyncClient(base_url=server.base_url) as http:
        answers = [await http.post("/chat/completions", json=body()) for _ in faults[:-2]]
        for stream in (False, True):
            with pytest.raises(httpx.RemoteProtocolError):
                await http.post("/chat/completions", json=body(stream=stream))
    assert [answer.status_code for answer in answers] == [429, 503, 200, 200, 200, 429, 502]
    assert [answers[place].headers["retry-after"] for place in (0, 5)] == ["2", "9"]
    assert answers[2].headers["content-type"] == "text/html"
    with pytest.raises(ValueError):
        answers[3].json()
    assert answers[4].json()["choices"] == "none"


async def test_the_server_stops_while_clients_hang() -> None:
    started = time.monotonic()
    async with ScriptedServer([Fault("hang")]) as server, httpx.AsyncClient(base_url=server.base_url) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post("/chat/completions", json=body(), timeout=0.1)
        hanging = asyncio.create_task(http.post("/chat/completions", json=body(), timeout=30))
        await asyncio.sleep(0.05)
        hanging.cancel()
    assert time.monotonic() - started < 15


async def test_two_servers_do_not_share_a_port() -> None:
    async with ScriptedServer() as server:
        port = int(server.base_url.split(":")[2].split("/")[0])
        with pytest.raises(ConfigurationError, match=f"Port {port}"):
            async with ScriptedServer(port=port):
                pass


async def test_the_command_serves_until_it_is_stopped() -> None:
    arguments = ["-m", "signalbox.models.scripted", "--port", "0", "--reply", "one", "--reply", "two", "--model", "x"]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with httpx.AsyncClient(base_url=url) as http:
        answers = [(await http.post("/chat/completions", json=body())).json() for _ in range(3)]
        assert (await http.get("/models")).json()["data"][0]["id"] == "x"
    process.terminate()
    await process.wait()
    assert [answer["choices"][0]["message"]["content"] for answer in answers] == ["one", "two", "one"]


async def test_the_command_fails_as_often_as_told() -> None:
    arguments = ["-m", "signalbox.models.scripted", "--port", "0", "--fault", "server_error", "--fault-rate", "0.3"]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with httpx.AsyncClient(base_url=url) as http:
        codes = [(await http.post("/chat/completions", json=body())).status_code for _ in range(100)]
    process.terminate()
    await process.wait()
    assert 15 <= codes.count(500) <= 45
    assert codes.count(200) + codes.count(500) == 100


def test_the_command_names_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "can't be used" in capsys.readouterr().err

"""What ends up in the log: one line per event, tied to its request, without secrets, content or forged lines."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from signalbox.telemetry import configure_logging, get_logger, mask, mask_text, request_context


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def start(style: str, **options: object) -> io.StringIO:
    stream = io.StringIO()
    configure_logging("info", style, stream=stream, **options)  # type: ignore[arg-type]
    return stream


def test_json_has_one_object_per_line_with_the_requests_id() -> None:
    stream = start("json")
    with request_context("req_1", route="cloud"):
        get_logger("signalbox.test").info("answered", duration_ms=3.5, model="m")
    (event,) = map(json.loads, stream.getvalue().splitlines())
    assert event | {"timestamp": ""} == {
        "event": "answered",
        "level": "info",
        "logger": "signalbox.test",
        "request_id": "req_1",
        "route": "cloud",
        "duration_ms": 3.5,
        "model": "m",
        "timestamp": "",
    }


def test_a_request_without_an_id_is_given_one() -> None:
    with request_context() as first, request_context() as second:
        assert first.startswith("req_")
        assert first != second


async def test_concurrent_requests_keep_their_own_id() -> None:
    stream = start("json")
    log = get_logger("t")

    async def handle(name: str) -> None:
        with request_context(name):
            await asyncio.sleep(0.01)
            log.info(name)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(handle(f"req_{number}"))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(events) == 5
    assert all(event["event"] == event["request_id"] for event in events)


def test_text_is_one_readable_line() -> None:
    stream = start("text")
    get_logger("t").warning("price unknown", model="gpt-9", used=3, why="no entry")
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert 'warning price unknown model=gpt-9 used=3 why="no entry"' in line


def test_auto_is_json_when_standard_error_is_no_terminal() -> None:
    stream = start("auto")
    get_logger("t").info("hello")
    assert json.loads(stream.getvalue())["event"] == "hello"


def test_other_libraries_and_plain_structlog_go_the_same_way() -> None:
    stream = start("json")
    logging.getLogger("uvicorn.error").info("started with key sk-abcdefgh12345678")
    structlog.get_logger("x").info("direct", api_key="abc")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["event"] == "started with key ***"
    assert second["api_key"] == "***"


def test_what_uvicorn_says_for_terminals_is_left_out() -> None:
    stream = start("json")
    logging.getLogger("uvicorn.error").info("Finished", extra={"color_message": "\x1b[36mFinished\x1b[0m"})
    (line,) = (json.loads(line) for line in stream.getvalue().splitlines())
    assert line["event"] == "Finished"
    assert "color_message" not in line


def test_a_request_is_one_line_and_not_uvicorns_too() -> None:
    for _ in range(2):  # a service configures more than once
        start("json")
        assert not logging.getLogger("uvicorn.access").hasHandlers(), "it would name what a URL asks for"


def test_debug_is_left_out_and_the_prompts_that_clients_log_too() -> None:
    stream = start("json")
    get_logger("t").debug("detail")
    logging.getLogger("openai._base_client").info("Request options: the whole prompt")
    assert stream.getvalue() == ""


def test_configuring_again_replaces_the_first() -> None:
    first, second = start("json"), start("json")
    get_logger("t").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


@pytest.mark.parametrize("style", ["json", "text"])
def test_secrets_are_masked_wherever_they_are(style: str) -> None:
    stream = start(style)
    secret = "hunter2-hunter2"
    try:
        raise ValueError("Incorrect API key provided: sk-proj-abcdefgh12345678")
    except ValueError:
        get_logger("t").exception(
            "failed with sk-live-abcdefgh12345678",
            api_key=secret,
            Authorization=f"Bearer {secret}",
            db_password=secret,
            headers={"X-Api-Key": secret, "cookie": [secret]},
            url=f"postgresql://user:{secret}@host/db?token={secret}",
            note=f"Authorization: Bearer {secret}",
            session_token=secret,
        )
    text = stream.getvalue()
    assert secret not in text
    assert "abcdefgh12345678" not in text
    assert text.count("***") >= 8


def test_counts_of_tokens_are_no_secrets() -> None:
    stream = start("json")
    get_logger("t").info("used", input_tokens=12, output_tokens=3, tokens={"input": 12})
    event = json.loads(stream.getvalue())
    assert event["input_tokens"] == 12
    assert event["tokens"] == {"input": 12}


def test_content_is_left_out_unless_captured() -> None:
    stream = start("json")
    get_logger("t").info("asked", query="my diagnosis", messages=[{"content": "my diagnosis"}])
    assert "diagnosis" not in stream.getvalue()
    assert json.loads(stream.getvalue())["query"] == "<12 characters>"
    stream = start("json", capture_content=True)
    get_logger("t").info("asked", query="my diagnosis")
    assert json.loads(stream.getvalue())["query"] == "my diagnosis"


FORGED = "x\n2026-01-01T00:00:00Z error   forged\r\u2028\x1b[31m user=admin"


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_caller_cannot_forge_lines_or_fields(style: str) -> None:
    stream = start(style)
    get_logger("t").info("login failed", name=FORGED, **{FORGED: 1})
    get_logger("t").info(FORGED)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "\x1b" not in stream.getvalue()
    if style == "text":
        assert " user=admin" not in lines[0].split('"')[0]


def test_lines_of_a_traceback_are_marked() -> None:
    stream = start("text")
    try:
        raise ValueError(FORGED)
    except ValueError:
        get_logger("t").exception("failed")
    first, *rest = stream.getvalue().splitlines()
    assert "failed" in first
    assert rest
    assert all(line.startswith("  | ") for line in rest)


@given(st.text(max_size=40), st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.floats() | st.none()))
def test_any_event_is_one_line(event: str, fields: dict[str, object]) -> None:
    for style in ("json", "text"):
        stream = start(style)
        get_logger("t").info("event", detail=fields, said=event)
        assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("sk-ant-api03-abcdef123456", "***"),
        ("key ghp_abcdefghijklmnop1234", "key ***"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.sig-nature", "***"),
        ("session-eyJhbGciOiJI.eyJzdWIiOiIx.sig-nature!", "***!"),
        ("?api_key=abcdef&x=1", "?api_key=***&x=1"),
        ("MY_SECRET_TOKEN: abcdef", "MY_SECRET_TOKEN: ***"),
        ("https://u:pw123@h/", "https://u:***@h/"),
        ("https://u:12345@h:8443/x", "https://u:***@h:8443/x"),
        ("http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318/v1/traces"),
        ("at http://jaeger:4318", "at http://jaeger:4318"),
        ("a sk-ip", "a sk-ip"),
        ("the keyboard is a key part", "the keyboard is a key part"),
    ],
)
def test_masking_of_texts(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "part", ["a", "-", "_", " ", "eyJ", "-eyJ", "eyJaaaaaaaa.", "token", "token ", "://", "a:", "sk-"]
)
def test_masking_takes_no_longer_for_text_made_to_take_long(part: str) -> None:
    """A path or a title of that kind would hold everybody up; scanned again from each of its places it takes hours."""
    assert mask_text(part * (400_000 // len(part)))


def test_masking_goes_deep_but_ends() -> None:
    loop: dict[str, object] = {"a": 1}
    loop["self"] = loop
    assert mask(loop)
    assert mask({"api_key": {"value": "abc", "n": 1}}) == {"api_key": {"value": "***", "n": 1}}

"""The protected cloud over real HTTP: every fault, the order of fallbacks, hedges, streams, deadlines and money."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest

from signalbox.contracts import ChatChunk, ChatRequest
from signalbox.errors import (
    BudgetExceeded,
    ConfigurationError,
    DeadlineExceeded,
    Overloaded,
    SignalboxError,
    Unavailable,
    UpstreamError,
)
from signalbox.models.cloud import CloudModel
from signalbox.models.prices import Price, Prices, load_prices
from signalbox.models.protection import CircuitBreaker, ProtectedCloud, Spending
from signalbox.models.scripted import Fault, FaultKind, Replies, ScriptedServer
from signalbox.settings import Settings
from signalbox.types import Message

PRICE = Price(input=1000, output=1000, as_of=date(2026, 11, 1), source="this test")
PRICES = Prices(dict.fromkeys(("first", "second", "*"), PRICE))
TOKEN_USD = 0.001
# Two bytes and 16 around them, and four tokens of output.
MOST_USD = (2 + 16 + 4) * TOKEN_USD
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def request(**fields: Any) -> ChatRequest:
    defaults: dict[str, Any] = {"max_tokens": 4, "deadline_s": time.monotonic() + 20}
    return ChatRequest((Message(role="user", content="Hi"),), **(defaults | fields))


class Protected:
    """A protected cloud over scripted servers, and what it was seen to do."""

    def __init__(self, cloud: ProtectedCloud, servers: Sequence[ScriptedServer], spending: Spending) -> None:
        self.cloud, self.servers, self.spending = cloud, servers, spending
        self.calls: list[tuple[str, str]] = []

    @property
    def asked(self) -> list[int]:
        return [len(server.requests) for server in self.servers]


@asynccontextmanager
async def protected(*replies: Replies, cap: float | None = None, **options: Any) -> AsyncIterator[Protected]:
    """One model a script, named first and second, each on a server of its own."""
    server_options = options.pop("server_options", {})
    servers = [ScriptedServer(reply, **server_options) for reply in replies]
    spending = Spending(daily_cap_usd=cap, now=lambda: NOON)
    async with asyncio.TaskGroup() as group:
        for server in servers:
            group.create_task(server.__aenter__())
    models = [
        CloudModel(name, base_url=server.base_url, prices=PRICES, retries=0)
        for name, server in zip(("first", "second"), servers, strict=False)
    ]
    defaults: dict[str, Any] = {"random": lambda: 0.0, "sleep": no_sleep}
    calls: list[tuple[str, str]] = []
    costs: list[float] = []

    def count(model: str, outcome: str, cost_usd: float) -> None:
        calls.append((model, outcome))
        costs.append(cost_usd)

    cloud = ProtectedCloud(models, spending=spending, count=count, **(defaults | options))
    try:
        async with cloud:
            found = Protected(cloud, servers, spending)
            found.calls = calls
            yield found
            assert sum(costs) == pytest.approx(spending.spent_usd), "what is counted is what is booked"
    finally:
        for server in servers:
            await server.__aexit__()


async def no_sleep(_seconds: float) -> None:
    pass


def charged_at_most(kind: FaultKind) -> float:
    return 0.0 if kind in ("rate_limited", "server_error") else MOST_USD


@pytest.mark.parametrize(
    "kind", ["rate_limited", "server_error", "cut_stream", "html", "bad_json", "garbage", "wrong_shape"]
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_each_fault_falls_back_and_is_paid_for(kind: FaultKind, streamed: bool) -> None:
    """Nothing for what the server refused, the most it can have cost for what nobody knows."""
    # An empty text breaks off before there is a piece to pass on.
    async with protected([Fault(kind, text="")], "Fine.") as it:
        if streamed:
            chunks = [chunk async for chunk in it.cloud.stream(request())]
            assert "".join(chunk.text for chunk in chunks) == "Fine."
            result = chunks[-1].result
        else:
            result = await it.cloud.generate(request())
    assert result is not None
    assert (result.text, result.model) == ("Fine.", "second")
    assert it.asked == [1, 1]
    answer_usd = 2 * TOKEN_USD
    assert result.cost_usd == pytest.approx(answer_usd + charged_at_most(kind))
    assert it.spending.spent_usd == pytest.approx(result.cost_usd)
    assert it.calls[-1] == ("second", "answered")


@pytest.mark.parametrize("kind", ["hang", "trickle"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_silent_model_leaves_time_for_the_next(kind: FaultKind, streamed: bool) -> None:
    async with protected([Fault(kind)], "Fine.") as it:
        started = time.monotonic()
        asked = request(deadline_s=started + 1.5)
        if streamed:
            text = "".join([chunk.text async for chunk in it.cloud.stream(asked)])
        else:
            text = (await it.cloud.generate(asked)).text
    assert text == "Fine."
    assert it.calls == [("first", "timeout"), ("second", "answered")]


async def test_without_another_model_a_call_gets_all_the_time() -> None:
    async with protected([Fault("hang")]) as it:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await it.cloud.generate(request(deadline_s=started + 0.5))
        assert time.monotonic() - started >= 0.5
    assert it.asked == [1]


async def test_a_passing_failure_of_the_only_model_is_tried_again() -> None:
    async with protected([Fault("server_error"), "Fine."]) as it:
        assert (await it.cloud.generate(request())).text == "Fine."
    assert it.asked == [2]


@pytest.mark.parametrize("kind", ["html", "wrong_shape"])
async def test_an_answer_that_is_none_is_not_asked_for_again(kind: FaultKind) -> None:
    async with protected([Fault(kind), "Fine."]) as it:
        with pytest.raises(UpstreamError):
            await it.cloud.generate(request())
    assert it.asked == [1]


async def test_when_all_models_fail_each_is_named_with_its_reason() -> None:
    async with protected([Fault("html")] * 2, [Fault("bad_json")] * 2) as it:
        with pytest.raises(UpstreamError, match=r"first: .*text/html.*second: .*no chat completion") as raised:
            await it.cloud.generate(request())
    assert raised.value.cost_usd == pytest.approx(2 * MOST_USD)


@pytest.mark.parametrize(
    ("kind", "cost_usd"), [("rate_limited", 0.0), ("hang", MOST_USD), ("cut_stream", MOST_USD), ("html", MOST_USD)]
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_error_says_what_its_calls_may_have_cost(kind: FaultKind, cost_usd: float, streamed: bool) -> None:
    """Also when the stream broke after a piece was passed on."""
    async with protected([Fault(kind)], retries=0) as it:
        asked = request(deadline_s=time.monotonic() + 0.5)
        with pytest.raises(SignalboxError) as raised:
            _ = [_ async for _ in it.cloud.stream(asked)] if streamed else await it.cloud.generate(asked)
        assert it.spending.spent_usd == pytest.approx(cost_usd)
    assert raised.value.cost_usd == pytest.approx(cost_usd)


async def test_a_stream_cut_after_text_was_passed_on_is_an_error_and_is_paid_for() -> None:
    seen: list[ChatChunk] = []

    async def read(cloud: ProtectedCloud) -> None:
        async for chunk in cloud.stream(request()):
            seen.append(chunk)  # noqa: PERF401 - what came before the error counts

    async with protected([Fault("cut_stream")], "Fine.") as it:
        with pytest.raises(UpstreamError, match=r"broke off|ended the stream") as raised:
            await read(it.cloud)
    assert raised.value.cost_usd == pytest.approx(MOST_USD)
    assert seen
    assert all(chunk.result is None for chunk in seen)
    assert it.asked == [1, 0]
    assert it.spending.spent_usd == pytest.approx(MOST_USD)


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_without_its_usage_is_paid_at_the_most_it_can_have_cost(streamed: bool) -> None:
    async with protected([Fault("no_usage", text="Fine.")]) as it:
        if streamed:
            result = [chunk async for chunk in it.cloud.stream(request())][-1].result
        else:
            result = await it.cloud.generate(request())
        assert it.spending.spent_usd == pytest.approx(MOST_USD)
    assert result is not None
    assert result.cost_usd == pytest.approx(MOST_USD)
    assert result.usage.output_tokens < 4, "what is shown is an estimate"
    assert it.calls == [("first", "answered")]


@pytest.mark.parametrize(
    ("so_far", "at_the_end", "cost_usd"), [(None, None, MOST_USD), (1, None, MOST_USD), (1, 2, 3 * TOKEN_USD)]
)
async def test_a_stream_that_breaks_before_its_usage_is_paid_at_the_most_it_can_have_cost(
    so_far: int | None, at_the_end: int | None, cost_usd: float
) -> None:
    """The answer is whole, so it is passed on. Counts that came before its end are not of the whole."""

    def piece(delta: dict[str, str], ending: str | None, tokens: int | None) -> bytes:
        usage = None if tokens is None else {"prompt_tokens": 1, "completion_tokens": tokens}
        choice = {"index": 0, "delta": delta, "finish_reason": ending}
        data = f"data: {json.dumps({'choices': [choice], 'usage': usage})}\n\n".encode()
        return b"%x\r\n%s\r\n" % (len(data), data)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        writer.write(piece({"content": "Fine."}, None, so_far) + piece({}, "stop", at_the_end))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        model = CloudModel("first", base_url=f"http://127.0.0.1:{port}/v1", prices=PRICES, retries=0)
        async with ProtectedCloud([model]) as cloud:
            chunks = [chunk async for chunk in cloud.stream(request())]
            assert cloud.spent_usd == pytest.approx(cost_usd)
    assert chunks[-1].result is not None
    assert chunks[-1].result.text == "Fine."
    assert chunks[-1].result.cost_usd == pytest.approx(cost_usd)


async def test_a_reader_that_leaves_pays_for_what_may_come() -> None:
    async with protected("One two three four.", server_options={"token_interval_s": 0.05}) as it:
        stream = it.cloud.stream(request())
        await anext(stream)
        await stream.aclose()
        assert it.calls == [("first", "cancelled")]
        assert it.spending.spent_usd == pytest.approx(MOST_USD)


async def test_a_failing_model_is_left_alone_then_probed() -> None:
    now = time.monotonic()
    shift = 0.0

    def clock() -> float:
        return now + shift

    def breaker() -> CircuitBreaker:
        return CircuitBreaker(min_calls=3, open_s=5, clock=clock)

    script: list[str | Fault] = [*[Fault("server_error")] * 3, "Well again."]
    async with protected(script, "Fine.", breaker=breaker) as it:
        for _ in range(4):
            assert (await it.cloud.generate(request())).text == "Fine."
        assert it.asked == [3, 4]
        assert it.cloud.breakers == {"first": "open", "second": "closed"}
        assert it.cloud.trouble is None, "the second one can still be asked"
        shift = 5.0
        assert (await it.cloud.generate(request())).text == "Well again."
        assert it.cloud.breakers == {"first": "closed", "second": "closed"}


async def test_a_long_retry_after_is_kept_to_without_asking() -> None:
    async with protected([Fault("rate_limited", retry_after_s=30)]) as it:
        with pytest.raises(Overloaded):
            await it.cloud.generate(request())
        with pytest.raises(Unavailable, match="left alone for 30 s more"):
            await it.cloud.generate(request())
        assert it.cloud.trouble is not None
        assert "30 s" in it.cloud.trouble
    assert it.asked == [1]


async def test_hurried_callers_do_not_open_the_breaker() -> None:
    async with protected([Fault("hang")] * 3, breaker=lambda: CircuitBreaker(min_calls=1)) as it:
        for _ in range(3):
            with pytest.raises(DeadlineExceeded):
                await it.cloud.generate(request(deadline_s=time.monotonic() + 0.05))
        assert it.cloud.breakers == {"first": "closed"}


async def test_hedges_are_few_and_save_a_query_from_a_silent_call() -> None:
    slow: list[int] = []
    number = 0

    def reply(_: ChatRequest) -> str | Fault:
        nonlocal number
        number += 1
        if number > 100 and number % 10 == 0:
            slow.append(number)
            return Fault("hang")
        return "Fine."

    outcomes: Counter[str] = Counter()
    async with protected(reply, hedge=True, cap=1000.0) as it:
        for _ in range(200):
            try:
                await it.cloud.generate(request(deadline_s=time.monotonic() + 0.3))
                outcomes["answered"] += 1
            except DeadlineExceeded:
                outcomes["late"] += 1
        spent = it.spending.spent_usd
    hedged = it.asked[0] - 200
    assert 0 < hedged <= 0.05 * 200
    # A hedge that is not needed costs at most what was reserved for it; one that is saves the query.
    assert outcomes["late"] < len(slow)
    cancelled = sum(outcome in ("cancelled", "timeout") for _, outcome in it.calls)
    assert spent == pytest.approx(outcomes["answered"] * 2 * TOKEN_USD + cancelled * MOST_USD)


async def test_without_the_setting_nothing_is_hedged() -> None:
    async with protected("Fine.", server_options={"latency_s": 0.02}) as it:
        for _ in range(30):
            await it.cloud.generate(request())
    assert it.asked == [30]


async def test_calls_stay_within_their_share_when_everything_fails() -> None:
    async with protected(
        lambda _: Fault("server_error"), lambda _: Fault("server_error"), breaker=lambda: CircuitBreaker(min_calls=9999)
    ) as it:
        for _ in range(100):
            with pytest.raises(SignalboxError):
                await it.cloud.generate(request())
    assert 100 < sum(it.asked) <= 120


async def test_a_spent_cap_says_what_is_spent_and_when_it_is_renewed() -> None:
    async with protected("Fine.", cap=MOST_USD * 1.05) as it:
        await it.cloud.generate(request())
        with pytest.raises(
            BudgetExceeded, match=r"\$0\.002000 of the \$0\.0231.*SIGNALBOX_DAILY_CAP_USD.*2026-11-21T00:00Z"
        ):
            await it.cloud.generate(request())
        assert it.cloud.trouble is not None
        assert "SIGNALBOX_DAILY_CAP_USD" in it.cloud.trouble
        assert it.cloud.remaining_usd == pytest.approx(MOST_USD * 1.05 - 2 * TOKEN_USD)
    assert it.asked == [1]


async def test_a_key_has_a_cap_of_its_own() -> None:
    async def cap_of(key: str) -> float | None:
        return {"key_poor": MOST_USD, "key_rich": None}[key]

    spending = Spending(daily_cap_usd=100, cap_of=cap_of)
    async with (
        ScriptedServer("Fine.") as server,
        ProtectedCloud([CloudModel("first", base_url=server.base_url, prices=PRICES)], spending=spending) as cloud,
    ):
        await cloud.generate(request(caller="key_poor"))
        with pytest.raises(BudgetExceeded, match="this API key may spend a day"):
            await cloud.generate(request(caller="key_poor"))
        for caller in ("key_rich", None):
            await cloud.generate(request(caller=caller))
        assert spending.spent_usd == pytest.approx(3 * 2 * TOKEN_USD)


async def test_a_cheaper_fallback_may_still_fit_under_the_cap() -> None:
    cheap = Price(input=1, output=1, as_of=date(2026, 11, 1), source="this test")
    async with ScriptedServer("Fine.") as server:
        models = [
            CloudModel(name, base_url=server.base_url, prices=Prices({"first": PRICE, "second": cheap, "*": PRICE}))
            for name in ("first", "second")
        ]
        async with ProtectedCloud(models, spending=Spending(daily_cap_usd=0.001)) as cloud:
            assert (await cloud.generate(request())).model == "second"


@pytest.mark.parametrize(
    ("allowed_calls", "asked"), [(0.9, [0, 0]), (1.0, [1, 0]), (1.9, [1, 0]), (2.0, [1, 1]), (3.0, [2, 1])]
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_no_call_is_made_that_a_query_does_not_allow_to_pay(
    allowed_calls: float, asked: list[int], streamed: bool
) -> None:
    """Retries and fallbacks count with the calls that failed before, since those may be billed."""
    broken = [Fault("cut_stream", text="")] * 9
    async with protected(broken, broken) as it:
        query = request(max_cost_usd=allowed_calls * MOST_USD)
        with pytest.raises(SignalboxError, match="max_cost_usd"):
            _ = [_ async for _ in it.cloud.stream(query)] if streamed else await it.cloud.generate(query)
        assert it.spending.spent_usd <= query.max_cost_usd + 1e-9  # type: ignore[operator]
    assert it.asked == asked


async def test_calls_refused_for_nothing_leave_what_a_query_allows() -> None:
    async with protected([Fault("rate_limited")], "Fine.") as it:
        assert (await it.cloud.generate(request(max_cost_usd=MOST_USD))).model == "second"


@pytest.mark.parametrize(("allowed_calls", "hedged"), [(1.9, 0), (2.0, 1)])
async def test_a_hedge_counts_with_the_call_still_under_way(allowed_calls: float, hedged: int) -> None:
    """The usual answers come first: hedges need to know what usual is, and credit."""
    script: list[str | Fault] = [*["Fine."] * 40, Fault("hang"), "Fine."]
    async with protected(script, hedge=True, retries=0) as it:
        for _ in range(40):
            await it.cloud.generate(request())
        query = request(max_cost_usd=allowed_calls * MOST_USD, deadline_s=time.monotonic() + 0.5)
        if hedged:
            assert (await it.cloud.generate(query)).text == "Fine."
        else:
            with pytest.raises(DeadlineExceeded):
                await it.cloud.generate(query)
    assert it.asked == [41 + hedged]


async def test_a_model_without_a_stated_price_is_not_asked_under_a_cap() -> None:
    model = CloudModel("unheard-of", base_url="https://llm.example.com/v1", prices=load_prices())
    async with ProtectedCloud([model], spending=Spending(daily_cap_usd=10)) as cloud:
        with pytest.raises(ConfigurationError, match=r"what unheard-of costs.*SIGNALBOX_PRICES_FILE.*none"):
            await cloud.generate(request())
        assert cloud.trouble is not None
    assert Prices({"*": PRICE}).knows("unheard-of"), "a price file may state it for all"
    assert load_prices().knows("unheard-of", base_url="http://127.0.0.1:1/v1"), "what runs here is free"


async def test_settings_name_fallbacks_and_the_key_stays_at_home() -> None:
    async with ScriptedServer([Fault("html")]) as home, ScriptedServer("Elsewhere.") as elsewhere:
        settings = Settings(
            cloud_base_url=home.base_url,
            cloud_api_key="sk-secret",
            cloud_model="one",
            cloud_fallbacks=f"two@{elsewhere.base_url}",
        )
        async with ProtectedCloud.from_settings(settings) as cloud:
            assert (await cloud.generate(request())).text == "Elsewhere."
    assert home.headers[0]["authorization"] == "Bearer sk-secret"
    assert "authorization" not in elsewhere.headers[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a, b", (("a", None), ("b", None))),
        ("a@https://x.example.com/v1", (("a", "https://x.example.com/v1"),)),
        ("claude@2026", (("claude@2026", None),)),
        ("", ()),
    ],
)
def test_fallbacks_in_the_environment(text: str, expected: tuple[tuple[str, str | None], ...]) -> None:
    assert Settings(cloud_fallbacks=text).fallbacks == expected


def test_a_cap_in_the_environment() -> None:
    assert Settings().daily_cap_usd == 10
    assert Settings.load(environ={"SIGNALBOX_DAILY_CAP_USD": "none"}).daily_cap_usd is None
    with pytest.raises(ConfigurationError, match="SIGNALBOX_DAILY_CAP_USD"):
        Settings.load(environ={"SIGNALBOX_DAILY_CAP_USD": "-1"})
    with pytest.raises(ConfigurationError, match="SIGNALBOX_CLOUD_FALLBACKS"):
        Settings.load(environ={"SIGNALBOX_CLOUD_FALLBACKS": "@https://x.example.com"})

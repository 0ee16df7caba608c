"""The cache: what it remembers, what it never does, and what becomes of damaged files."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from harness_samples import Scorer, Target, cases_of, rows_of, timeless, value

from eval_sets.cases import Case, Expected
from evaluators.contract import Component, Measure, Metric, Output
from evaluators.harness import Cache, CachedModel, Limits, execute
from evaluators.harness.cache import key_of
from evaluators.harness.sources import digest_of
from evaluators.scorers import Resources, build_scorers
from signalbox.contracts import ChatModel, ChatRequest, Passage
from signalbox.errors import Conflict, UpstreamError
from signalbox.models.scripted import ScriptedModel
from signalbox.types import Message


class JudgeByModel:
    """Asks a model of every output; what is no number leaves it unmeasured."""

    metrics = (Metric(name="judged", kind="score"),)

    def __init__(self, model: ChatModel) -> None:
        self.component = Component(name="judge", arguments={"model": model.name})
        self._model = model

    async def score(self, case: Case, output: Output) -> Sequence[Measure]:
        messages = (Message(role="user", content=f"Is {output.text} right of {case.query}"),)
        said = (await self._model.generate(ChatRequest(messages=messages))).text
        try:
            return [Measure(metric="judged", value=float(said))]
        except ValueError:
            return [Measure(metric="judged", value=None, reason=f"it said {said!r}")]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


async def test_a_warm_run_asks_nobody_and_says_the_same(tmp_path: Path, cache: Cache) -> None:
    model, target = ScriptedModel("0.7"), Target()
    cold = await execute(
        cases_of(5), target, [JudgeByModel(CachedModel(model, cache)), Scorer()], tmp_path / "a", cache=cache
    )
    assert (len(target.asked), len(model.requests)) == (5, 5)
    assert cold.rows[0].spent.calls == 2
    scorers = [JudgeByModel(CachedModel(model, Cache(tmp_path / "cache"))), Scorer()]
    warm = await execute(cases_of(5), target, scorers, tmp_path / "b", cache=Cache(tmp_path / "cache"))
    assert (len(target.asked), len(model.requests)) == (5, 5)
    assert all(row.cached and not row.spent.calls for row in warm.rows)
    assert [timeless(row.output.model_dump()) for row in warm.rows if row.output] == [
        timeless(row.output.model_dump()) for row in cold.rows if row.output
    ]
    assert [row.measures for row in warm.rows] == [row.measures for row in cold.rows]


async def test_spending_limits_count_only_what_was_asked(tmp_path: Path, cache: Cache) -> None:
    await execute(cases_of(4), Target(), [], tmp_path / "a", cache=cache)
    record = await execute(cases_of(6), Target(), [], tmp_path / "b", cache=cache, limits=Limits(max_tokens=45))
    assert (record.state, len(record.rows)) == ("done", 6)


async def test_errors_are_never_remembered(tmp_path: Path, cache: Cache) -> None:
    broken = True

    def say(_: Case) -> str:
        if broken:
            raise UpstreamError("It is down.")
        return "said"

    target, all_fail = Target(say), Limits(max_unmeasured=1.0)
    first = await execute(cases_of(2), target, [Scorer()], tmp_path / "a", cache=cache, limits=all_fail)
    assert all(row.trouble for row in first.rows)
    broken = False
    second = await execute(cases_of(2), target, [Scorer()], tmp_path / "b", cache=cache)
    assert not any(row.trouble or row.cached for row in second.rows)


async def test_a_reply_that_was_of_no_use_is_asked_for_again(tmp_path: Path, cache: Cache) -> None:
    replies = ["Let me think about that.", "1.0"]
    model = ScriptedModel(replies)
    judge = JudgeByModel(CachedModel(model, cache))
    limits = Limits(max_unmeasured=1.0)
    first = await execute(cases_of(1), Target(), [judge], tmp_path / "a", cache=cache, limits=limits)
    assert first.rows[0].measures[0].value is None
    second = await execute(cases_of(1), Target(), [judge], tmp_path / "b", cache=cache)
    assert second.rows[0].measures[0].value == 1.0
    third = await execute(cases_of(1), Target(), [judge], tmp_path / "c", cache=cache)
    assert (third.rows[0].measures[0].value, len(model.requests)) == (1.0, 2)


async def test_a_slow_scorer_is_remembered_by_its_version_and_what_it_judged(tmp_path: Path, cache: Cache) -> None:
    judged = 0

    def judge(*_: object) -> float:
        nonlocal judged
        judged += 1
        time.sleep(0.01)
        return 1.0

    def scorer(version: str) -> Scorer:
        made = Scorer(judge)
        made.component = Component(name="slow", version=version)
        return made

    target = Target()
    for folder, version, times in (("a", "1", 1), ("b", "1", 1), ("c", "2", 2)):
        await execute(cases_of(1), target, [scorer(version)], tmp_path / folder, cache=cache)
        assert judged == times


@pytest.mark.parametrize("damage", ["cut", "altered", "emptied"])
async def test_a_damaged_file_is_a_miss_and_is_replaced(tmp_path: Path, cache: Cache, damage: str) -> None:
    cold = await execute(cases_of(1), Target(), [Scorer()], tmp_path / "a", cache=cache)
    (path,) = (path for path in cache.folder.rglob("*") if path.is_file())
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-20], "altered": content.replace(b"It is", b"It's!"), "emptied": b""}[damage])
    for folder, asked in (("b", 1), ("c", 0)):
        target = Target()
        record = await execute(cases_of(1), target, [Scorer()], tmp_path / folder, cache=cache)
        assert (len(target.asked), record.rows[0].measures) == (asked, cold.rows[0].measures)
        assert record.rows[0].output == (cold.rows[0].output)


def test_what_was_not_read_for_longest_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_bytes=5_000)
    keys = [key_of(number) for number in range(6)]
    for number, key in enumerate(keys[:4]):
        cache.put(key, b"x" * 1_000)
        os.utime(tmp_path / key[:2] / key, (number, number))
    assert cache.get(keys[0]) == b"x" * 1_000  # read just now
    cache.put(keys[4], b"x" * 1_000)
    assert [cache.get(key) is not None for key in keys[:5]] == [True, False, True, True, True]
    cache.put(keys[5], b"x" * 6_000)
    assert cache.get(keys[5]) is None
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 5_000


def test_keys_differ_by_everything_that_goes_in() -> None:
    keys = {key_of("a", "bc"), key_of("ab", "c"), key_of(["a", "bc"]), key_of("a", {"b": "c"}), key_of("a", None)}
    assert len(keys) == 5
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert key_of("half a pair \ud83d") == key_of("half a pair \ud83d")


async def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    record = await execute(cases_of(3), Target(), [Scorer()], tmp_path / "a", cache=Cache(tmp_path / "cache"))
    assert (record.state, len(rows_of(record))) == ("done", 3)


async def test_a_model_is_remembered_by_all_of_the_request(cache: Cache) -> None:
    model = ScriptedModel("Yes.")
    asked = ChatRequest(messages=(Message(role="user", content="Is it?"),))
    cached = CachedModel(model, cache)
    first = await cached.generate(asked)
    assert await cached.generate(ChatRequest(messages=asked.messages, deadline_s=time.monotonic() + 5)) == first
    assert [chunk.text async for chunk in cached.stream(asked)] == ["Yes."]
    assert len(model.requests) == 1
    for other in (
        ChatRequest(messages=asked.messages, temperature=1.0),
        ChatRequest(messages=asked.messages, seed=1),
        ChatRequest(messages=asked.messages, json_schema={"type": "object"}),
        ChatRequest(messages=(*asked.messages, Message(role="assistant", content="Yes."))),
    ):
        await cached.generate(other)
    await CachedModel(model, cache, source="elsewhere").generate(asked)
    assert len(model.requests) == 6


async def test_other_documents_are_searched_anew_and_stay_comparable(tmp_path: Path, cache: Cache) -> None:
    def searching(version: str, found: str) -> Resources:
        def search(*_: object) -> Sequence[Passage]:
            time.sleep(0.01)  # long enough to be worth remembering
            return [Passage(f"{found}:0", found, "T", "text", 0, 1.0, 0.5, 1.0)]

        return Resources(search=search, documents=lambda: version)

    asked = [Case(id="a", query="q", expected=Expected(documents=("right.md",)))]
    records, said = [], Target(lambda _: Output(text="14 days"))
    for version, found in (("v1", "wrong.md"), ("v2", "right.md")):
        scorers = build_scorers(["retrieval:k=5"], searching(version, found))
        records.append(await execute(asked, said, scorers, tmp_path / version, cache=cache))
    assert [value(record.rows[0], "recall@5") for record in records] == [0.0, 1.0]
    one, other = (record.manifest for record in records)
    assert (one["scorers"], one["documents"], other["documents"]) == (other["scorers"], ["v1"], ["v2"])
    with pytest.raises(Conflict, match="other documents"):
        await execute(
            asked, said, build_scorers(["retrieval:k=5"], searching("v2", "right.md")), tmp_path / "v1", cache=cache
        )


async def test_what_other_code_measured_is_measured_again(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = 0

    def judge(*_: object) -> float:
        nonlocal judged
        judged += 1
        time.sleep(0.01)
        return 1.0

    for code, times in (("before", 1), ("before", 1), ("after", 2)):
        monkeypatch.setattr("evaluators.harness.measuring.digest_of", lambda *_, code=code: code)
        await execute(cases_of(1), Target(), [Scorer(judge)], tmp_path / f"{code}{times}{judged}", cache=cache)
        assert judged == times


def test_packages_are_another_when_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "someones_package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "inner" / "words.json").write_text("[1]", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = digest_of("someones_package")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_bytes(b"x")
    digest_of.cache_clear()
    assert digest_of("someones_package") == before
    (package / "inner" / "words.json").write_text("[2]", encoding="utf-8")
    assert digest_of("someones_package") == before  # once a process
    digest_of.cache_clear()
    assert digest_of("someones_package") != before
    with pytest.raises(ModuleNotFoundError, match="nobodys_package"):
        digest_of("nobodys_package")

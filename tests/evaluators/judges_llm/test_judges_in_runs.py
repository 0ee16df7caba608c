"""Judges within a run of the harness: cached, counted, calibrated, and broken on some rows only."""

from __future__ import annotations

import json
from pathlib import Path

from eval_sets import read_set
from evaluators.harness import Cache, CachedModel, GivenTarget, RunRecord, execute
from evaluators.judges.agreement import Calibrated, JudgeStore, calibrate, rate, read_labels
from evaluators.scorers import Resources, build_scorers
from signalbox.contracts import ChatRequest
from signalbox.models.cloud import CloudModel
from signalbox.models.scripted import ScriptedModel, ScriptedServer
from signalbox.models.scripted.script import Reply

JUDGING = Path(__file__).parents[3] / "eval_sets" / "judging"
CASES = read_set(JUDGING).cases[:60]
SPEC = "judge:rubric=groundedness"


def replies(broken: frozenset[str] = frozenset()) -> ScriptedModel:
    """As people judged, but prose, half a JSON, 11 or nothing on the rows in `broken`."""
    known = {(case.query, case.given.answer): case for case in CASES if case.given}
    nonsense = ["I like it.", '{"reason": "It is', '{"reason": "a", "score": 11}', ""]

    def reply(request: ChatRequest) -> Reply:
        texts = [
            "\n".join(line.removeprefix("| ") for line in
                      request.messages[1].content.partition(f" {name}>>\n")[2].partition("\n<<end")[0].split("\n"))
            for name in ("question", "answer")
        ]  # fmt: skip
        case = known[texts[0], texts[1]]
        if case.id in broken:
            return nonsense[CASES.index(case) % 4]
        right = case.given is not None and case.given.verdict == "right"
        return json.dumps({"reason": "so", "score": 5 if right else 1})

    return ScriptedModel(reply, name="judge")


async def run(model: ScriptedModel | CloudModel, folder: Path, data_dir: Path, cache: Cache | None = None) -> RunRecord:
    resources = Resources(judge_model=CachedModel(model, cache), data_dir=data_dir)
    return await execute(CASES, GivenTarget(), build_scorers([SPEC], resources), folder, cache=cache)


async def test_a_judge_that_breaks_on_a_fifth_of_the_rows_moves_no_other(tmp_path: Path) -> None:
    broken = frozenset(case.id for case in CASES[::5])
    whole = await run(replies(), tmp_path / "whole", tmp_path / "data")
    holed = await run(replies(broken), tmp_path / "holed", tmp_path / "data")
    assert [metric.gates for metric in whole.metrics] == [False]
    values = {row.case.id: row.measures[0].value for row in whole.rows}
    for row in holed.rows:
        (measure,) = row.measures
        assert measure.value == (None if row.case.id in broken else values[row.case.id])
        assert measure.reason
        assert row.trouble is None
        assert row.spent.calls == measure.details["calls"] == (2 if row.case.id in broken else 1)


async def test_a_calibrated_judge_gates_a_run_and_is_asked_once(tmp_path: Path) -> None:
    (judge,) = build_scorers([SPEC], Resources(judge_model=replies(), data_dir=tmp_path / "data"))
    labels = [case for case in read_labels(JUDGING) if case in CASES]
    calibrate(judge, await rate(judge, labels), data_dir=tmp_path / "data")
    model, cache = replies(), Cache(tmp_path / "cache")
    first = await run(model, tmp_path / "first", tmp_path / "data", cache)
    assert [metric.gates for metric in first.metrics] == [True]
    asked = len(model.requests)
    assert asked == len(CASES)
    again = await run(model, tmp_path / "again", tmp_path / "data", cache)
    assert len(model.requests) == asked
    assert [row.measures for row in again.rows] == [row.measures for row in first.rows]
    assert first.rows[0].measures[0].details["calibration"] == "judge-groundedness-1-judge@1"


async def test_a_judge_behind_http_is_held_to_a_schema_through_the_cache_too(tmp_path: Path) -> None:
    async with ScriptedServer(json.dumps({"reason": "so", "score": 4})) as server:
        model = CloudModel("judge", base_url=server.base_url, retries=0)
        record = await run(model, tmp_path / "run", tmp_path / "data", Cache(tmp_path / "cache"))
        await model.close()
    assert {row.measures[0].value for row in record.rows} == {0.75}
    assert all("response_format" in body for body in server.bodies)


async def test_a_calibration_is_of_the_model_at_one_host(tmp_path: Path) -> None:
    """Another server may serve anything by the same name."""
    (judge,) = build_scorers([SPEC], Resources(judge_model=replies(), data_dir=tmp_path))
    ratings = await rate(judge, [case for case in read_labels(JUDGING) if case in CASES])

    def at(url: str) -> Calibrated:
        model = CachedModel(CloudModel("judge", base_url=url), None, source="x")
        (found,) = build_scorers([SPEC], Resources(judge_model=model, data_dir=tmp_path))
        assert isinstance(found, Calibrated)
        return found

    one = "https://someone:hidden@one.example.com:8443/v1?key=secret"
    calibrate(at(one), ratings, data_dir=tmp_path)
    assert not at(one).advisory
    assert not at("https://one.example.com:8443/v1").advisory
    other = at("https://two.example.com/v1")
    assert [metric.gates for metric in other.metrics] == [False]
    assert "another rubric, model, host" in other.advisory[0]
    assert at(one).component.version.partition("+")[0] != other.component.version
    kept = "".join(one.model_dump_json() for one in JudgeStore(tmp_path).all())
    assert "one.example.com:8443" in kept
    assert not any(word in kept for word in ("hidden", "someone", "secret"))

"""Rows that people judged, from files, sets, reviews and verdicts; judges and panels from their specs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from eval_sets import Case, read_set
from evaluators.contract import Output
from evaluators.judges.agreement import (
    Calibrated,
    calibrate,
    calibrated,
    from_reviews,
    from_verdicts,
    rate,
    read_labels,
)
from evaluators.judges.agreement.figures import length_of, overlap_of
from evaluators.review.types import DecisionRecord, ReviewItem
from evaluators.scorers import Resources, build_scorers
from signalbox.calibration import auroc
from signalbox.contracts import ChatRequest
from signalbox.errors import ConfigurationError, InvalidInput, NotFound, SignalboxError, UnknownName
from signalbox.models.scripted import ScriptedModel
from signalbox.storage import PersonVerdict
from signalbox.types import Answer, Prediction, Quote, ReviewRef

JUDGING = Path(__file__).parents[3] / "eval_sets" / "judging"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


# The set that comes with the release


def test_the_judging_set_is_not_solved_by_length_nor_by_overlap() -> None:
    found = read_set(JUDGING)
    rows = read_labels(JUDGING)
    assert len(rows) == found.card.size >= 160
    right = np.array([case.given is not None and case.given.verdict == "right" for case in rows], dtype=float)
    assert 0.4 <= right.mean() <= 0.6
    assert 0.4 <= auroc(np.array([length_of(case) for case in rows]), right) <= 0.6
    assert 0.4 <= auroc(np.array([overlap_of(case) for case in rows]), right) <= 0.6
    assert len({(case.query, case.given.answer) for case in rows if case.given}) == len(rows)


def test_the_judging_set_is_varied_and_says_what_is_wrong_with_it() -> None:
    rows = read_labels(JUDGING)
    kinds = {case.tags["kind"] for case in rows}
    assert kinds >= {"short", "paraphrase", "close", "long", "abstention", "wrong_number", "swapped", "negation",
                     "partial", "unsupported", "other_question"}  # fmt: skip
    assert {case.tags["language"] for case in rows} == {"en", "de", "es"}
    assert {kind for kind in kinds if {c.given.verdict for c in rows if c.given and c.tags["kind"] == kind} ==
            {"right", "wrong"}} >= {"long", "abstention"}  # fmt: skip
    assert read_set(JUDGING).card.flaws


# Labels


def test_rows_in_the_short_form(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    rows = [{"query": "q?", "answer": "a", "verdict": "right", "reference": "A", "contexts": ["p"]},
            {"id": "x", "query": "q?", "answer": "b", "verdict": "wrong", "tags": {"by": "ada"}}]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    first, second = read_labels(path)
    assert (first.id, first.expected.answers) == ("row-1", ("A",))
    assert first.given is not None
    assert (first.given.contexts, first.given.verdict) == (("p",), "right")
    assert (second.id, second.tags) == ("x", {"by": "ada"})


def test_cases_that_nobody_judged_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    lines = [
        {"id": "a", "query": "q?", "given": {"answer": "a", "verdict": "right"}},
        {"id": "b", "query": "q?", "given": {"answer": "a"}},
        {"id": "c", "query": "q?"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [case.id for case in read_labels(path)] == ["a"]
    path.write_text(json.dumps(lines[2]) + "\n")
    with pytest.raises(InvalidInput, match="nobody has called"):
        read_labels(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"query": "q", "answer": "a", "verdict": "right"}\n{"query": "q", "answer": "a", "verdict": "fine"}',
         r"line 2: verdict.*right or wrong"),
        ('{"query": "q", "answer": "a", "verdict": "right"}\n{"query": "q", "answer": "a"', r"line 2"),
        ('{"query": "q", "answer": "a", "verdict": "right", "score": 3}', r"line 1: score"),
        ('{"id": "x", "query": "q", "answer": "a", "verdict": "right"}\n' * 2, r"line 2: the id 'x'"),
        ("", r"labels\.jsonl"),
        ("not json", r"line 1"),
    ],
)  # fmt: skip
def test_broken_labels_are_named(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(content)
    with pytest.raises(SignalboxError, match=said):
        read_labels(path)
    with pytest.raises(NotFound, match="none here"):
        read_labels(tmp_path / "none here")


def prediction(**fields: object) -> Prediction:
    quote = Quote(document_id="d", title="t", start=0, end=8, text="14 days.", score=0.9)
    made: dict[str, object] = {
        "id": "prd_1", "created_at": NOW, "query": "How long?", "outcome": "in_review", "answer": Answer(text="Soon."),
        "route": "grounded", "confidence": 0.4, "evidence": (quote,), "attempts": (), "policy": "pol_0", "cost_usd": 0,
        "saved_usd": 0, "duration_ms": 1, "overhead_ms": 1,
        "review": ReviewRef(id="rev_1", state="decided", url="/"),
    }  # fmt: skip
    return Prediction.model_validate(made | fields)


def review(verdict: str | None, **fields: object) -> ReviewItem:
    decision = None
    if verdict is not None:
        correction = "14 days." if verdict == "wrong" else None
        decision = DecisionRecord.model_validate({"verdict": verdict, "correction": correction, "by": "ada", "at": NOW})
    return ReviewItem(
        id="rev_1", prediction_id="prd_1", state="decided", reason="unsure", version=2, priority=0.5, created_at=NOW,
        decision=decision, prediction=prediction(**fields),
    )  # fmt: skip


def test_decided_reviews_are_rows() -> None:
    right, wrong = from_reviews([review("right"), review("wrong"), review("unsafe"), review(None),
                                 review("right", answer=None), review("right", query=None)])  # fmt: skip
    assert right.given is not None
    assert (right.query, right.given.answer, right.given.verdict) == ("How long?", "Soon.", "right")
    assert right.given.contexts == ("14 days.",)
    assert wrong.expected.answers == ("14 days.",)


def test_verdicts_count_by_majority_and_ties_are_left_out() -> None:
    def said(*verdicts: str) -> list[PersonVerdict]:
        return [
            PersonVerdict.model_validate({"prediction_id": "prd_1", "verdict": one, "by": str(n), "at": NOW})
            for n, one in enumerate(verdicts)
        ]

    rows = from_verdicts([(prediction(), said("right", "wrong", "wrong")), (prediction(), said("right", "wrong"))])
    assert [case.given.verdict for case in rows if case.given] == ["wrong"]


# Specs

CASE = Case.model_validate(
    {"id": "c", "query": "How long?", "given": {"answer": "14 days.", "contexts": ["In 14 days."]}}
)


def scripted(name: str = "scripted", score: int = 5) -> ScriptedModel:
    return ScriptedModel(json.dumps({"reason": "so", "score": score}), name=name)


async def test_a_judge_from_its_spec(tmp_path: Path) -> None:
    resources = Resources(judge_model=scripted(), judge_models={"other": scripted("other", 1)}, data_dir=tmp_path)
    one, other = build_scorers(["judge:rubric=groundedness", "judge:rubric=groundedness,model=other"], resources)
    assert [metric.name for scorer in (one, other) for metric in scorer.metrics] == [
        "judge.groundedness", "judge.groundedness@other"]  # fmt: skip
    assert not one.metrics[0].gates
    (measure,) = await other.score(CASE, Output(text="14 days."))
    assert measure.value == 0.0
    (again,) = build_scorers([other.component], resources)
    assert again.component == other.component
    assert one.component.version != other.component.version


async def test_a_judge_is_the_same_however_its_model_is_named(tmp_path: Path) -> None:
    model = scripted()
    resources = Resources(judge_model=model, judge_models={"local": model}, data_dir=tmp_path)
    one, other = build_scorers(["judge:rubric=groundedness", "judge:rubric=groundedness,model=local"], resources)
    assert isinstance(one, Calibrated)
    assert isinstance(other, Calibrated)
    assert one.identity == other.identity


async def test_a_panel_from_its_spec_uses_the_calibrations_of_its_judges(tmp_path: Path) -> None:
    def answer(request: ChatRequest) -> str:
        text = request.messages[1].content
        said = text.partition(" answer>>\n| ")[2].partition("\n<<end")[0]
        right = said in {case.given.answer for case in rows if case.given and case.given.verdict == "right"}
        return json.dumps({"reason": "so", "score": 5 if right else 1})

    rows = read_labels(JUDGING)
    models = {"a": ScriptedModel(answer, name="a"), "b": ScriptedModel(answer, name="b")}
    resources = Resources(judge_models=models, data_dir=tmp_path)
    (judge,) = build_scorers(["judge:rubric=groundedness,model=a"], resources)
    made = calibrate(judge, await rate(judge, rows), data_dir=tmp_path)
    assert made.name == "judge-groundedness-1-a"
    assert not made.advisory
    assert calibrated(judge, tmp_path).metrics[0].gates
    (panel,) = build_scorers(["panel:rubric=groundedness,models=a+b"], resources)
    (measure,) = await panel.score(rows[0], Output(text=rows[0].given.answer, contexts=rows[0].given.contexts))  # type: ignore[union-attr]
    values = measure.details["values"]
    assert 0.85 < values["a"] < values["b"] == 1.0
    assert measure.value == pytest.approx((values["a"] + 1) / 2)
    (everyone,) = build_scorers(["panel:rubric=groundedness"], resources)
    assert everyone.metrics[0].name == "panel.groundedness"


@pytest.mark.parametrize(
    ("spec", "kind", "said"),
    [
        ("judge", InvalidInput, "rubric"),
        ("judge:rubric=nonsense", UnknownName, "correctness@1"),
        ("judge:rubric=correctness,samples=99", InvalidInput, "samples"),
        ("judge:rubric=correctness,colour=red", InvalidInput, "colour"),
        ("judge:rubric=correctness,model=gone", ConfigurationError, "gone"),
        ("panel:rubric=correctness", InvalidInput, "2 to 9 judges"),
        ("panel:rubric=preference", InvalidInput, "single answers"),
        ("panel:rubric=correctness,rule=loudest", InvalidInput, "rule"),
    ],
)
def test_specs_that_can_not_be_built(spec: str, kind: type[SignalboxError], said: str, tmp_path: Path) -> None:
    with pytest.raises(kind, match=said):
        build_scorers([spec], Resources(judge_model=scripted(), data_dir=tmp_path))


def test_without_a_model_there_is_no_judge() -> None:
    with pytest.raises(ConfigurationError, match="judge"):
        build_scorers(["judge:rubric=correctness"], Resources())

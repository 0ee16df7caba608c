"""What each scorer measures, and that what can't be measured has no value but a reason."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_sets import Case, cases_of, read_labelled
from evaluators.contract import Component, Measure, Output
from evaluators.scorers import Resources, build_scorers, known_scorers, parse_spec
from evaluators.scorers.numbers import numbers_in
from evaluators.scorers.rightness import judge
from signalbox.contracts import Passage
from signalbox.errors import InvalidInput, UnknownName
from signalbox.types import (
    Answer,
    Attempt,
    Decision,
    Estimate,
    LabelAnswer,
    Prediction,
    Quote,
    Usage,
    ValueAnswer,
)

HELPDESK = Path(__file__).parents[3] / "examples" / "helpdesk"
NOTHING = Output()


def case(**expected: Any) -> Case:
    return Case.model_validate({"id": "c", "query": "How long?", "expected": expected})


def said(text: str | None, **more: Any) -> Output:
    return Output(text=text, **more)


def predicted(text: str | None = None, **fields: Any) -> Output:
    """An output of Signalbox: answered on the classifier's route unless said otherwise."""
    answer = fields.pop("answer", {})
    values: dict[str, Any] = {
        "id": "prd_1",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "outcome": "answered",
        "answer": Answer(text=text, **answer),
        "route": "classifier",
        "confidence": 0.8,
        "evidence": (),
        "attempts": (),
        "policy": "p",
        "cost_usd": 0.0,
        "saved_usd": 0.0,
        "duration_ms": 1.0,
        "overhead_ms": 1.0,
    }
    return Output(text=text, prediction=Prediction(**values | fields), duration_ms=5.0)


def in_review(**fields: Any) -> Output:
    return predicted(None, outcome="in_review", route="review", **fields)


def labelled(*labels: str, task: str = "intent") -> dict[str, Any]:
    return {"labels": tuple(LabelAnswer(task=task, label=label, probability=0.9) for label in labels)}


def measures(spec: str, one: Case, output: Output, resources: Resources | None = None) -> dict[str, Measure]:
    (scorer,) = build_scorers([spec], resources or Resources())
    found = asyncio.run(scorer.score(one, output))
    assert [measure.metric for measure in found] == [metric.name for metric in scorer.metrics]
    for measure in found:
        assert measure.value is not None or measure.reason, f"{measure.metric} is unmeasured without a reason"
    return {measure.metric: measure for measure in found}


def value(spec: str, one: Case, output: Output, resources: Resources | None = None, metric: str = "") -> float | None:
    found = measures(spec, one, output, resources)
    return found[metric].value if metric else next(iter(found.values())).value


@pytest.mark.parametrize(
    ("spec", "expected", "text", "wanted"),
    [
        ("exact", {"answers": ["14 days", "two weeks"]}, " two weeks\n", 1.0),
        ("exact:strip=false", {"answers": ["14 days"]}, "14 days ", 0.0),
        ("exact", {"answers": ["14 days"]}, "14 Days", 0.0),
        ("normalised", {"answers": ["14–20 days"]}, "14-20  DAYS.", 1.0),
        ("normalised", {"answers": ["14 days"]}, "114 days", 0.0),
        ("contains", {"contains": ["14 days"]}, "It takes 14 days.", 1.0),
        ("contains", {"contains": ["14 days"]}, "It takes 114 days.", 0.0),
        ("contains:all=true", {"contains": ["stove", "dented"]}, "A dented stove", 1.0),
        ("contains:all=true", {"contains": ["stove", "dented"]}, "A stove", 0.0),
        ("numeric", {"value": 12.5}, "It costs EUR 12.50.", 1.0),
        ("numeric", {"value": 1234.5}, "1.234,50 €", 1.0),
        ("numeric", {"value": 100}, "It is 101.", 0.0),
        ("numeric", {"value": 100, "tolerance": 1}, "It is 101.", 1.0),
        ("numeric:relative=0.01", {"value": 100}, "It is 101.", 1.0),
        ("numeric:relative=0.01", {"value": 100, "tolerance": 0.5}, "It is 101.", 0.0),
        ("numeric:absolute=2", {"value": 100}, "It is 101.", 1.0),
        ("numeric:which=last", {"value": 5}, "3 and 2 make 5.", 1.0),
        ("numeric:which=first", {"value": 5}, "3 and 2 make 5.", 0.0),
        ("numeric:which=any", {"value": 2}, "3 and 2 make 5.", 1.0),
        ("numeric", {"value": 5}, "No idea.", 0.0),
        ("numeric", {"value": 0}, "It is 0.", 1.0),
        ("label", {"labels": ["track_order"]}, "Track order.", 1.0),
        ("label", {"labels": ["track_order"]}, "cancel_order", 0.0),
        ("regex", {"pattern": r"\d{2} days"}, "in 14 days", 1.0),
        ("regex:full=true", {"pattern": r"\d{2} days"}, "in 14 days", 0.0),
        (r"regex:pattern=a{1,3}\,x,full=true", {}, "aa,x", 1.0),
        ("json_schema", {"json_schema": {"type": "object"}}, '{"a": 1}', 1.0),
        ("json_schema", {"json_schema": {"type": "object"}}, "prose", 0.0),
        ("json_schema", {"json_schema": {"type": "object"}}, "[" * 50_000, 0.0),
        ("json_schema", {"json_schema": {}}, "NaN", 0.0),
        ("json_schema:fenced=true", {"json_schema": {}}, "Here:\n```json\n{}\n```", 1.0),
        ("json_schema", {"json_schema": {}}, "```json\n{}\n```", 0.0),
    ],
)
def test_texts_are_compared(spec: str, expected: dict[str, Any], text: str, wanted: float) -> None:
    assert value(spec, case(**expected), said(text)) == wanted


TEXTS = ("exact", "normalised", "contains", "numeric", "label", "labels", "regex", "json_schema")
EXPECTED = {
    "answers": ["a"],
    "contains": ["a"],
    "value": 1.0,
    "labels": ["a"],
    "pattern": "a",
    "json_schema": {},
    "documents": ["d"],
    "answerable": True,
    "route": "grounded",
}


@pytest.mark.parametrize("name", [name for name in known_scorers() if name in TEXTS])
def test_no_answer_is_not_the_right_one_and_no_reference_is_no_measure(name: str) -> None:
    for output in (NOTHING, said("  "), in_review()):
        found = measures(name, case(**EXPECTED), output)
        assert next(iter(found.values())).value == 0.0
        assert "no answer" in next(iter(found.values())).reason
    for measure in measures(name, case(), said("a")).values():
        assert (measure.value, measure.applies) == (None, False)


OURS = ("cost", "latency", "groundedness", "judge", "panel", "pair", "ragas", "answered", "right")


@pytest.mark.parametrize("name", [name for name in known_scorers() if name not in OURS])
def test_a_case_that_says_nothing_is_never_counted(name: str) -> None:
    (scorer,) = build_scorers([name], Resources())
    if not type(scorer).__module__.startswith("evaluators.scorers"):
        pytest.skip("a judge, tested beside it")
    for output in (NOTHING, said("a"), predicted("a"), in_review()):
        assert [one.value for one in measures(name, case(), output).values()] == [None] * len(scorer.metrics)


def test_a_text_with_several_numbers_does_not_say_which_counts() -> None:
    found = measures("numeric", case(value=5), said("Between 3 and 5."))
    assert found["numeric"].value is None
    assert found["numeric"].applies
    assert "names 2 numbers (3, 5)" in found["numeric"].reason


def test_an_answer_with_a_value_is_compared_by_it() -> None:
    answer = {"value": ValueAnswer(estimate=90.0, low=80.0, high=100.0, level=0.9)}
    found = measures("numeric:relative=0.2", case(value=100), predicted("about 100", answer=answer))
    assert {name: one.value for name, one in found.items()} == {
        "numeric": 1.0,
        "absolute_error": 10.0,
        "relative_error": 0.1,
    }
    assert measures("numeric", case(value=0), said("3"))["relative_error"].value is None


@given(st.floats(-1e12, 1e12, allow_nan=False).map(lambda x: round(x, 2)))
def test_numbers_are_read_as_they_are_written(number: float) -> None:
    english = f"{number:,.2f}"
    continental = english.translate(str.maketrans({",": ".", ".": ","}))
    assert numbers_in(f"It is {english} in all") == (pytest.approx(number),)
    assert numbers_in(f"Das sind {continental} €.") == (pytest.approx(number),)


def test_labels_of_several_tasks_are_told_apart() -> None:
    both = predicted(
        answer={"labels": labelled("billing", task="topic")["labels"] + labelled("angry", task="mood")["labels"]}
    )
    assert value("label:task=mood", case(labels=["angry"]), both) == 1.0
    assert value("label", case(labels=["angry"]), both) == 0.0
    assert value("label:task=none", case(labels=["angry"]), both) is None
    assert value("labels", case(labels=["angry", "billing"]), both) == 1.0


def test_several_labels_have_f1_and_jaccard() -> None:
    found = measures("labels", case(labels=["a", "b", "c"]), said('["a", "b", "d"]'))
    assert found["labels_exact"].value == 0.0
    assert found["labels_f1"].value == pytest.approx(2 * 2 / 6)
    assert found["labels_jaccard"].value == pytest.approx(2 / 4)
    assert value("labels", case(labels=["a", "b"]), said("- b\n- A")) == 1.0
    assert measures("labels", case(answerable=False), said("[]"))["labels_f1"].value == 1.0
    assert measures("labels", case(answerable=False), said("a"))["labels_f1"].value == 0.0


def test_a_pattern_that_would_run_for_years_is_unmeasured_within_its_time() -> None:
    started = time.monotonic()
    measure = measures("regex:timeout_s=0.2", case(pattern=r"(a|aa)+$"), said("a" * 60 + "b"))["regex"]
    assert time.monotonic() - started < 30
    assert (measure.value, measure.applies) == (None, True)
    assert "took longer than 0.2 s" in measure.reason
    schema = {"type": "string", "pattern": r"^(a|aa)+$"}
    hung = measures("json_schema", case(json_schema=schema), said('"' + "a" * 60 + 'b"'))
    assert hung["json_schema"].value is None


def test_json_is_checked_against_its_schema_and_nothing_is_fetched() -> None:
    schema = {"type": "object", "required": ["days"], "properties": {"days": {"type": "integer", "minimum": 1}}}
    wrong = measures("json_schema", case(json_schema=schema), said('{"days": 0}'))
    assert (wrong["json"].value, wrong["json_schema"].value) == (1.0, 0.0)
    assert "/days: 0 is less than the minimum" in wrong["json_schema"].reason
    assert measures("json_schema", case(json_schema=schema), said('{"days": 3}'))["json_schema"].value == 1.0
    far = measures("json_schema", case(json_schema={"$ref": "http://example.com/schema"}), said("{}"))["json_schema"]
    assert far.value is None
    assert "refers to what is not in it" in far.reason


DOCUMENTS = {"returns.md": "You have 30 days from delivery to send back anything.", "gas.md": "Never cook inside."}


def quote(text: str, start: int = 9, document: str = "returns.md") -> Quote:
    return Quote(document_id=document, title="t", start=start, end=start + len(text), text=text, score=0.9)


@pytest.mark.parametrize(
    ("quotes", "wanted", "reason"),
    [
        ([quote("30 days")], 1.0, ""),
        ([quote("30 days"), quote("60 days")], 0.0, "'60 days' does not stand at 9 to 16"),
        ([quote("30 days", 10)], 0.0, "it stands elsewhere in it"),
        ([quote("30 days", document="none.md")], None, "the document 'none.md' is not at hand"),
        ([quote("", 3)], 0.0, "does not stand"),
        ([], None, "nothing was quoted"),
    ],
)
def test_quotes_have_to_stand_where_they_say(quotes: list[Quote], wanted: float | None, reason: str) -> None:
    output = predicted("30 days", evidence=tuple(quotes))
    measure = measures("quotes", case(), output, Resources(document=DOCUMENTS.get))["quotes_verbatim"]
    assert measure.value == wanted
    assert reason in measure.reason
    if quotes:
        blind = measures("quotes", case(), output)["quotes_verbatim"]
        assert (blind.value, blind.applies) == (None, True)


def test_citations_have_precision_and_recall() -> None:
    output = predicted("x", evidence=(quote("a"), quote("b"), quote("c", document="gas.md")))
    found = measures("citations", case(documents=["returns.md", "refunds.md", "gift.md"]), output)
    assert found["citation_precision"].value == 0.5
    assert found["citation_recall"].value == pytest.approx(1 / 3)
    bare = measures("citations", case(documents=["returns.md"]), predicted("x"))
    assert (bare["citation_precision"].value, bare["citation_recall"].value) == (None, 0.0)
    assert {one.applies for one in measures("citations", case(documents=["a"]), in_review()).values()} == {False}
    assert {one.applies for one in measures("citations", case(documents=["a"]), said("x")).values()} == {False}


def test_retrieval_is_ranked_by_documents_not_passages() -> None:
    output = said("x", documents=("a", "a", "b", "c", "d"))
    found = measures("retrieval:k=3", case(documents=["b", "d"]), output)
    assert found["recall@3"].value == 0.5
    assert found["mrr@3"].value == 0.5
    assert found["ndcg@3"].value == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    assert measures("retrieval:k=3", case(documents=["a"]), output)["ndcg@3"].value == 1.0
    assert measures("retrieval:k=3", case(documents=["z"]), output)["mrr@3"].value == 0.0


def test_where_a_target_lists_no_documents_the_search_is_asked() -> None:
    asked: list[tuple[str, int]] = []

    def search(query: str, k: int) -> tuple[Passage, ...]:
        asked.append((query, k))
        return (Passage("1", "b", "b", "t", 0, 1.0, 1.0, 1.0),)

    assert value("retrieval:k=2", case(documents=["b"]), said("x"), Resources(search=search)) == 1.0
    assert asked[0][0] == "How long?"
    assert value("retrieval", case(documents=["b"]), said("x")) is None
    quoting = predicted("x", evidence=(quote("a"),)).model_copy(update={"documents": ("returns.md",)})
    assert value("retrieval:k=2", case(documents=["b"]), quoting, Resources(search=search)) == 1.0
    assert value("retrieval:k=2", case(documents=["b"]), quoting, Resources(search=lambda *_: ())) is None


@pytest.mark.parametrize(
    ("expected", "output", "rightly", "refusal"),
    [
        ({"answerable": False}, in_review(), 1.0, None),
        ({"answerable": False}, predicted("42"), 0.0, None),
        ({"route": "none"}, NOTHING, 1.0, None),
        ({"answerable": False}, said("I don't know, sorry."), 1.0, None),
        ({"answerable": False}, said("Die Frage kann ich nicht beantworten."), 1.0, None),
        ({"answerable": False}, said("The price is not mentioned in the documents."), 1.0, None),
        ({"answerable": False}, said("It costs EUR 5."), 0.0, None),
        ({"answerable": True}, said("It costs EUR 5."), None, 0.0),
        ({"answerable": True}, in_review(), None, 1.0),
        ({"answerable": True}, said("I can't answer that."), None, 1.0),
        ({"route": "grounded"}, predicted("I can't answer that: no."), None, 0.0),
    ],
)
def test_declining_is_right_where_there_is_no_answer(
    expected: dict[str, Any], output: Output, rightly: float | None, refusal: float | None
) -> None:
    found = measures("abstention", case(**expected), output)
    assert (found["declined_rightly"].value, found["false_refusal"].value) == (rightly, refusal)
    assert found["abstention"].value == (rightly if rightly is not None else 1.0 - (refusal or 0.0))


def test_right_is_of_answers_given_and_wrong_of_all_cases() -> None:
    def told(one: Case, output: Output) -> tuple[float | None, ...]:
        return tuple(measure.value for measure in measures("right", one, output).values())

    one = case(contains=["14 days"], labels=["refund_time"])
    assert told(one, said("In 14 days.")) == (1.0, 1.0, 0.0)
    assert told(one, predicted("Soon.", answer=labelled("refund_time"))) == (1.0, 1.0, 0.0)
    assert told(one, predicted("Soon.", answer=labelled("greeting"))) == (0.0, 1.0, 1.0)
    assert told(one, in_review()) == (None, 0.0, 0.0)
    assert told(case(labels=["refund_time"]), said("Soon.")) == (None, 1.0, None)
    assert told(case(answerable=False), said("42")) == (0.0, 1.0, 1.0)
    assert told(case(value=3), said("3 of them")) == (1.0, 1.0, 0.0)
    assert told(case(answers=["Yes"]), said("yes.")) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("name", ["calibration", "test"])
def test_rightness_of_converted_cases_is_that_of_the_labelled_queries(name: str) -> None:
    queries = read_labelled([HELPDESK / "queries" / f"{name}.jsonl"])
    cases = cases_of(queries)
    assert [one.id for one in cases] == [query.id for query in queries.queries]
    for query, one in zip(queries.queries, cases, strict=True):
        texts = ["Something else.", *(f"It is so: {wanted}." for wanted in query.contains)]
        for text in texts:
            for labels in ((), ("greeting",), query.intents[:1]):
                output = predicted(text, answer=labelled(*labels) if labels else {})
                answer = output.prediction.answer if output.prediction else None
                assert answer is not None
                assert judge(one, output).right is query.is_right(answer), (query.id, text, labels)
        assert one.expected.answerable is (query.needs != "none")
        assert one.tags["language"] == query.language


def regret(spec: str, output: Output, route: str) -> tuple[float | None, ...]:
    return tuple(measure.value for measure in measures(spec, case(route=route), output).values())


def test_regret_is_what_was_paid_beyond_the_cheapest_route() -> None:
    estimates = {"cloud": Estimate(success=0.9, cost_usd=0.004, duration_ms=1.0)}
    decision = Decision(estimates=estimates, thresholds={}, first="cloud", propensity=1.0)
    tried = Attempt(route="grounded", outcome="escalated", reason="unsure", cost_usd=0.001)
    dear = predicted("x", route="cloud", cost_usd=0.005, attempts=(tried,), decision=decision)
    assert regret("route_regret", dear, "grounded") == (0.0, 0.0, pytest.approx(0.004))
    assert regret("route_regret", dear, "cloud") == (1.0, 0.0, pytest.approx(0.001))
    assert regret("route_regret", dear, "classifier") == (0.0, 0.0, None)
    assert regret("route_regret:classifier_usd=0", dear, "classifier") == (0.0, 0.0, pytest.approx(0.005))
    assert regret("route_regret", dear, "none") == (0.0, 1.0, 0.0)
    cheap = predicted("x", route="classifier")
    assert regret("route_regret", cheap, "classifier") == (1.0, 0.0, 0.0)
    assert regret("route_regret", cheap, "cloud") == (0.0, 1.0, 0.0)
    review = in_review(cost_usd=0.002)
    assert regret("route_regret", review, "none") == (1.0, 0.0, 0.002)
    assert regret("route_regret:grounded_usd=0", review, "grounded") == (0.0, 0.0, None)
    assert regret("route_regret:grounded_usd=0,review_usd=2", review, "grounded") == (0.0, 0.0, pytest.approx(2.002))
    assert regret("route_regret", said("x"), "grounded") == (None, None, None)


def test_calibration_cost_and_latency_come_from_the_output() -> None:
    right = measures("brier", case(contains=["x"]), predicted("x", confidence=0.8))["brier"]
    assert right.value == pytest.approx(0.04)
    assert right.details == {"confidence": 0.8, "right": True}
    assert value("brier", case(contains=["x"]), predicted("y", confidence=0.8)) == pytest.approx(0.64)
    assert value("brier", case(contains=["x"]), predicted("x", confidence=None)) is None
    paid = said("x", cost_usd=0.01, usage=Usage(input_tokens=10, output_tokens=5), calls=1, duration_ms=7.0)
    assert [one.value for one in measures("cost", case(), paid).values()] == [0.01, 15.0]
    assert [one.value for one in measures("cost", case(), said("x", calls=1)).values()] == [0.0, None]
    assert value("latency", case(), paid) == 7.0
    assert value("latency", case(), said("x")) is None


@pytest.mark.parametrize(
    ("spec", "arguments"),
    [
        ("exact", {}),
        ("retrieval:k=10", {"k": 10}),
        ("regex:pattern=a{1,3},full=true", {"pattern": "a{1,3}", "full": True}),
        ('regex:pattern="a,full=b",full=true', {"pattern": "a,full=b", "full": True}),
        ("judge:rubric=helpful, model=a b", {"rubric": "helpful", "model": "a b"}),
        ("x:a=NaN,b=1e3,c=null", {"a": "NaN", "b": 1000.0, "c": None}),
        ("ragas:metric=rouge", {"metric": "rouge"}),
        ("x:a=", {"a": ""}),
    ],
)
def test_specs_are_names_and_arguments(spec: str, arguments: dict[str, Any]) -> None:
    assert parse_spec(spec).arguments == arguments
    assert parse_spec(spec).name == spec.partition(":")[0]


@pytest.mark.parametrize(
    ("specs", "kind", "message"),
    [
        (["exactly"], UnknownName, r"no scorer 'exactly'. Did you mean 'exact'\? There are abstention, brier"),
        (["exact:"], InvalidInput, "'' is no argument"),
        (["exact:strip"], InvalidInput, "'strip' is no argument"),
        (["Exact!"], InvalidInput, "is no scorer: write name"),
        (["exact:stripe=true"], InvalidInput, "stripe: there is no such argument. It takes strip"),
        (["latency:k=1"], InvalidInput, "It takes no arguments"),
        (["retrieval:k=0"], InvalidInput, "k: Input should be greater than or equal to 1"),
        (["retrieval:k=1,k=2"], InvalidInput, "'k' is given twice"),
        (["numeric:relative=-1"], InvalidInput, "relative: Input should be greater"),
        (["numeric:relative=NaN"], InvalidInput, "relative: "),
        (["regex:pattern=(a"], InvalidInput, "pattern: not a regular expression"),
        (["exact", "exact:strip=false"], InvalidInput, "both measure 'exact'"),
        (["cost"] * 51, InvalidInput, "more than 50"),
    ],
)
def test_wrong_specs_are_refused_with_the_remedy(specs: list[str], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        build_scorers(specs, Resources())


def test_a_scorer_can_be_built_again_from_what_a_run_kept() -> None:
    specs = ["exact", "numeric:relative=0.01", "regex:pattern=a,full=true", "retrieval:k=3", "route_regret:cloud_usd=1"]
    first = build_scorers(specs, Resources())
    kept = [Component.model_validate_json(scorer.component.model_dump_json()) for scorer in first]
    again = build_scorers(kept, Resources())
    assert [scorer.component.key for scorer in again] == [scorer.component.key for scorer in first]
    assert {len(scorer.component.key) for scorer in first} == {64}

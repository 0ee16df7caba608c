"""ragas through the adapter: right numbers, no NaN, no row that changes another, no words to anybody about its use."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eval_sets import Case
from evaluators.contract import Measure, Output
from evaluators.scorers import Resources, build_scorers
from signalbox.contracts import ChatRequest
from signalbox.encoder import load_encoder
from signalbox.errors import ConfigurationError, InvalidInput, MissingDependency, UnknownName
from signalbox.models.scripted import ScriptedModel
from signalbox.settings import Settings

pytest.importorskip("ragas", reason="needs signalbox[evaluation]")
ANSWER = "The Tarn 2 weighs 2.1 kg. It sleeps two."
CONTEXTS = ("The Tarn 2 weighs 2.1 kg.", "Curtains take 12 working days.")


def case(number: int = 1, **expected: object) -> Case:
    said = {"answers": ["The Tarn 2 weighs 2.1 kg and sleeps two."]} | expected
    return Case.model_validate({"id": f"c{number}", "query": f"Question {number}?", "expected": said})


def output(text: str | None = ANSWER, contexts: tuple[str, ...] = CONTEXTS) -> Output:
    return Output(text=text, contexts=contexts)


def wanted(request: ChatRequest) -> set[str]:
    assert request.json_schema is not None
    return set(request.json_schema["properties"])  # type: ignore[call-overload]


def judge(request: ChatRequest) -> str:
    """Says of every first statement that it holds and of every other that it doesn't; of passages, if one weighs."""
    asked = request.messages[-1].content.rpartition("Now perform the same")[2]
    fields = wanted(request)
    if "statements" in fields and "NLI" in str(request.json_schema):
        given = json.loads(asked[asked.index("{") : asked.rindex("}") + 1])["statements"]
        return json.dumps(
            {"statements": [{"statement": s, "reason": "r", "verdict": int(n == 0)} for n, s in enumerate(given)]}
        )
    if "statements" in fields or "claims" in fields:
        return json.dumps({next(iter(fields)): ["The Tarn 2 weighs 2.1 kg.", "It sleeps two."]})
    if "classifications" in fields:
        return json.dumps(
            {"classifications": [{"statement": "s", "reason": "r", "attributed": n} for n in (1, 1, 0, 0)]}
        )
    if "question" in fields:
        return json.dumps({"question": "Question 1?", "noncommittal": 0})
    return json.dumps({"reason": "r", "verdict": int("weighs" in asked.partition('"context"')[2].partition("\n")[0])})


def measured(spec: str, one: Case, said: Output, resources: Resources) -> Measure:
    (scorer,) = build_scorers([spec], resources)
    (measure,) = asyncio.run(scorer.score(one, said))
    assert measure.metric == scorer.metrics[0].name
    return measure


@pytest.mark.parametrize(
    ("metric", "value"),
    [("faithfulness", 0.5), ("context_precision", 1.0), ("context_recall", 0.5), ("factual_correctness", 0.5)],
)
def test_metrics_with_a_judge_give_their_numbers(metric: str, value: float) -> None:
    model = ScriptedModel(judge)
    measure = measured(f"ragas:metric={metric}", case(), output(), Resources(judge_model=model))
    assert measure.value == pytest.approx(value, abs=0.01)
    assert measure.details["calls"] == len(model.requests)
    assert all(request.json_schema and request.deadline_s for request in model.requests)


@pytest.mark.parametrize(
    ("metric", "said", "value"),
    [
        ("exact_match", "The Tarn 2 weighs 2.1 kg and sleeps two.", 1.0),
        ("string_presence", "Yes: The Tarn 2 weighs 2.1 kg and sleeps two. Bye", 1.0),
        ("string_similarity", "The Tarn 2 weighs 2.1 kg and sleeps two.", 1.0),
        ("rouge", "The Tarn 2 weighs 2.1 kg and sleeps two.", 1.0),
        ("chrf", "The Tarn 2 weighs 2.1 kg and sleeps two.", 1.0),
        ("bleu", "Nothing of that kind was ever said here before.", 0.0),
        ("quoted_spans", 'It says "the Tarn 2 weighs" and "never said at all".', 0.5),
    ],
)
def test_metrics_without_a_judge_need_none(metric: str, said: str, value: float) -> None:
    assert measured(f"ragas:metric={metric}", case(), output(said), Resources()).value == pytest.approx(value, abs=0.05)


def test_identical_texts_of_several_sentences_have_bleu_one() -> None:
    text = "The Tarn 2 weighs 2.1 kg in all. Two people can sleep in it very well. It has one porch."
    assert measured("ragas:metric=bleu", case(answers=[text]), output(text), Resources()).value == pytest.approx(1.0)


def test_of_several_right_answers_the_nearest_counts_where_that_costs_nothing() -> None:
    one = case(answers=["Something else entirely.", ANSWER])
    assert measured("ragas:metric=rouge", one, output(), Resources()).value == pytest.approx(1.0)


def test_our_encoder_compares_meanings(encoder_data: Path) -> None:
    resources = Resources(
        encoder=lambda: load_encoder(Settings(data_dir=encoder_data)), judge_model=ScriptedModel(judge)
    )
    near = measured("ragas:metric=semantic_similarity", case(), output(), resources)
    far = measured("ragas:metric=semantic_similarity", case(), output("Curtains are sewn in Kortrijk."), resources)
    assert near.value is not None
    assert far.value is not None
    assert near.value > 0.7 > 0.4 > far.value
    assert measured("ragas:metric=answer_relevancy", case(), output(), resources).value == pytest.approx(1.0)


def reply_with(text: str) -> Resources:
    return Resources(judge_model=ScriptedModel(text))


@pytest.mark.parametrize(
    ("metric", "reply", "said"),
    [
        ("faithfulness", '{"statements": []}', "found no statement in the answer"),
        ("faithfulness", "I would say that it is quite faithful.", "not JSON"),
        ("faithfulness", '{"statements": ["The Tarn', "not JSON"),
        ("faithfulness", "", "replied nothing"),
        ("faithfulness", '{"claims": []}', "another shape"),
        ("context_precision", '{"reason": "r", "verdict": 11}', "a verdict of 11"),
        ("context_precision", '{"reason": "r", "verdict": -1}', "a verdict of -1"),
        ("context_precision", '{"reason": "r", "verdict": "maybe"}', "another shape"),
        ("context_precision", '{"reason": "r", "verdict": NaN}', "another shape"),
        ("context_recall", '{"classifications": []}', "no statement in the expected answer"),
        ("factual_correctness", '{"claims": [], "statements": []}', "no claim in the answer"),
    ],
)
def test_what_a_judge_replies_wrongly_is_unmeasured_never_a_number(metric: str, reply: str, said: str) -> None:
    measure = measured(f"ragas:metric={metric}", case(), output(), reply_with(reply))
    assert measure.value is None
    assert measure.applies
    assert said in measure.reason


def test_fewer_verdicts_than_statements_are_no_share_of_them() -> None:
    def lazy(request: ChatRequest) -> str:
        if "NLI" in str(request.json_schema):
            return '{"statements": [{"statement": "a", "reason": "r", "verdict": 1}]}'
        return '{"statements": ["a", "b", "c"]}'

    measure = measured("ragas:metric=faithfulness", case(), output(), Resources(judge_model=ScriptedModel(lazy)))
    assert (measure.value, measure.reason) == (None, "the judge gave 1 verdicts on 3 statements")


async def test_a_judge_that_breaks_for_a_fifth_of_rows_changes_no_other_row() -> None:
    texts = [f"Answer number {n} weighs 2.1 kg. It sleeps two." for n in range(20)]
    broken = {"": 3, "prose": 7, '{"statements": ["ha': 11, '{"statements": [], "verdict": 11}': 16}

    def at_times(request: ChatRequest) -> str:
        for reply, number in broken.items():
            if re.search(rf"Answer number {number} ", request.messages[-1].content):
                return reply
        return judge(request)

    async def run(replies: object) -> list[float | None]:
        (scorer,) = build_scorers(["ragas:metric=faithfulness"], Resources(judge_model=ScriptedModel(replies)))  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(scorer.score(case(n), output(text))) for n, text in enumerate(texts)]
        return [task.result()[0].value for task in tasks]

    whole, partly = await run(judge), await run(at_times)
    assert whole == [0.5] * 20
    assert [n for n, value in enumerate(partly) if value is None] == sorted(broken.values())
    assert [value for value in partly if value is not None] == [0.5] * 16


async def test_no_more_rows_than_allowed_ask_the_judge_at_once() -> None:
    now, most = 0, 0

    async def slow(request: ChatRequest) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.005)
        now -= 1
        return judge(request)

    (scorer,) = build_scorers(["ragas:metric=faithfulness,concurrency=2"], Resources(judge_model=ScriptedModel(slow)))
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(scorer.score(case(number), output()))
    assert most == 2


def test_what_is_not_there_is_not_measured() -> None:
    resources = Resources(judge_model=ScriptedModel(judge))
    no_answer = measured("ragas:metric=faithfulness", case(), output(None), resources)
    no_reference = measured("ragas:metric=context_recall", case(answers=[]), output(), resources)
    no_quote = measured("ragas:metric=quoted_spans", case(), output("Nothing in quotes."), resources)
    no_contexts = measured("ragas:metric=faithfulness", case(), output(contexts=()), resources)
    assert [one.value for one in (no_answer, no_reference, no_quote, no_contexts)] == [None] * 4
    assert [one.applies for one in (no_answer, no_reference, no_quote, no_contexts)] == [False, False, False, True]
    assert measured("ragas:metric=rouge", case(), output("x" * 30_000), resources).reason.startswith("a text of more")


def test_what_a_metric_needs_is_said_when_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="needs a judge's model"):
        build_scorers(["ragas:metric=faithfulness"], Resources())
    with pytest.raises(ConfigurationError, match="needs an encoder"):
        build_scorers(["ragas:metric=semantic_similarity"], Resources())
    with pytest.raises(UnknownName, match=r"'fluency'\. There are answer_relevancy"):
        build_scorers(["ragas:metric=fluency"], Resources())
    with pytest.raises(InvalidInput, match=r"metric: Field required\. It takes metric, judge"):
        build_scorers(["ragas"], Resources())
    monkeypatch.setitem(sys.modules, "ragas.metrics.collections", None)
    with pytest.raises(MissingDependency, match=r"pip install 'signalbox\[evaluation\]'"):
        build_scorers(["ragas:metric=rouge"], Resources())


def test_versions_of_ragas_prompts_and_judge_stand_in_the_component() -> None:
    import ragas

    def component(name: str, metric: str = "faithfulness") -> str:
        model = ScriptedModel(judge, name=name)
        return build_scorers([f"ragas:metric={metric}"], Resources(judge_model=model))[0].component.version

    assert re.fullmatch(rf"1/ragas-{re.escape(ragas.__version__)}/prompts-[0-9a-f]{{12}}/one", component("one"))
    assert component("one") != component("two")
    assert component("one") != component("one", "context_recall")


def test_nothing_is_imported_or_told_before_or_after() -> None:
    """In an environment that allows telemetry, and where any connection is an error."""
    code = """
import socket, sys
def refuse(*a, **k): raise SystemExit("connected")
socket.socket.connect = socket.create_connection = refuse
import evaluators.scorers, evaluators.scorers.ragas
assert not any(name.split(".")[0] == "ragas" for name in sys.modules), "imported early"
import asyncio
from eval_sets import Case
from evaluators.contract import Output
from evaluators.scorers import Resources, build_scorers
scorers = build_scorers([f"ragas:metric={m}" for m in ("bleu", "chrf", "rouge", "string_similarity")], Resources())
case = Case.model_validate({"id": "a", "query": "b", "expected": {"answers": ["one two three four five"]}})
print([asyncio.run(s.score(case, Output(text="one two three four five")))[0].value for s in scorers])
import ragas._analytics as analytics
assert analytics.do_not_track() and not analytics._analytics_batcher._running
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAGAS")}
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [round(value, 6) for value in json.loads(done.stdout)] == [1.0] * 4

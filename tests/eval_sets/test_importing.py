"""Imports: what is taken over means the same, what is not is named, and nothing is opened or run."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from eval_sets import Case, Imported, create_set, import_cases
from eval_sets.card import Card
from evaluators.contract import Output
from evaluators.scorers import Resources, build_scorers
from signalbox.errors import InvalidInput, NotFound, SignalboxError, TooLarge, UnknownName, UnsupportedType


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def promptfoo(folder: Path, **config: Any) -> Imported:
    return import_cases(write(folder, "promptfooconfig.yaml", yaml.safe_dump(config)))


def one(folder: Path, *asserts: dict[str, Any], **variables: Any) -> tuple[Case, Imported]:
    test = {"vars": variables or {"question": "How long?"}, "assert": list(asserts)}
    found = promptfoo(folder, tests=[test])
    return found.cases[0], found


def holds(case: Case, text: str) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for scorer in build_scorers(["exact", "contains", "regex", "json_schema", "abstention"], Resources()):
        for measure in asyncio.run(scorer.score(case, Output(text=text))):
            if measure.value is not None:
                values[measure.metric] = measure.value
    return values


def test_csv_columns_become_fields_and_the_others_tags(tmp_path: Path) -> None:
    text = (
        "\ufeffid;question;answer;labels;value;answerable;team;tag:language\n"
        'a;"How; long?";14 days|two weeks;refund_time|refund_missing;;yes;ops;en\n'
        "\n"
        "b;How heavy?;;;2,1;;;\n"
        "c;How wide?;;;1.5;no;;de\n"
    )
    found = import_cases(write(tmp_path, "cases.csv", text))
    first, last = found.cases
    assert (first.id, first.query) == ("a", "How; long?")
    assert first.expected.answers == ("14 days", "two weeks")
    assert first.expected.labels == ("refund_time", "refund_missing")
    assert first.expected.answerable is True
    assert first.tags == {"team": "ops", "language": "en"}
    assert (last.expected.value, last.expected.answerable) == (1.5, False)
    assert [(finding.severity, finding.line, finding.field) for finding in found.findings] == [
        ("error", 4, "expected.value")
    ]


def test_ids_are_made_where_there_are_none_and_the_set_can_be_kept(tmp_path: Path) -> None:
    found = import_cases(write(tmp_path, "my cases!.tsv", "query\tcontains\nHow long?\t14 days\nHow wide?\t3 m\n"))
    assert [case.id for case in found.cases] == ["my-cases-0001", "my-cases-0002"]
    card = Card(name="mine", version=1, title="t", description="d", source="s", licence="l", size=1)
    assert len(create_set(tmp_path / "mine", card, found.cases).cases) == 2


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        ("id,query\na,b,c\n", InvalidInput, "line 2: 3 cells, the header has 2"),
        ('id,query\na,"b\nc\n', InvalidInput, "line 2: not CSV: unexpected end of data"),
        ("id,id\na,b\n", InvalidInput, "line 1: the name 'id' occurs twice"),
        ("id,,query\na,b,c\n", InvalidInput, "line 1: column 2 has no name"),
        ("name,colour\na,b\n", InvalidInput, "no column holds what is asked: name one 'query'"),
        ("query\n", InvalidInput, "there is no case in it"),
        ("", InvalidInput, "no column holds what is asked"),
        ("query,x\n,1\n", InvalidInput, "line 2: query: there is nothing asked"),
        ("query\na\0b\n", InvalidInput, "line 2: a NUL character"),
        ("query\nä\n".encode("latin-1"), InvalidInput, "line 2: not UTF-8"),
        (",".join(f"c{n}" for n in range(501)), TooLarge, "501 columns"),
    ],
)
def test_broken_csv_is_refused_by_line(tmp_path: Path, content: str | bytes, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        import_cases(write(tmp_path, "cases.csv", content))


def test_json_lines_are_cases_labelled_queries_or_rows(tmp_path: Path) -> None:
    ours = '{"id": "a", "query": "b", "expected": {"value": 3}}\n{"id": "c", "query": "d", "expected": {"valu": 3}}\n'
    found = import_cases(write(tmp_path, "ours.jsonl", ours))
    assert [case.expected.value for case in found.cases] == [3.0]
    assert [(finding.line, finding.field) for finding in found.findings] == [(2, "expected.valu")]
    labelled = '{"id": "a", "query": "b", "needs": "none"}\n{"id": "c", "query": "d", "needs": "gpu"}\n'
    found = import_cases(write(tmp_path, "labelled.jsonl", labelled))
    assert [case.expected.answerable for case in found.cases] == [False]
    assert [finding.field for finding in found.findings] == ["needs"]
    rows = '{"prompt": "b", "expected": ["x", "y"], "team": "ops", "notes": {"a": 1}}\n'
    found = import_cases(write(tmp_path, "rows.jsonl", rows))
    assert found.cases[0].expected.answers == ("x", "y")
    assert found.cases[0].tags == {"team": "ops"}
    assert [finding.field for finding in found.findings] == ["notes"]
    with pytest.raises(InvalidInput, match="line 2: NaN is no JSON number"):
        import_cases(write(tmp_path, "nan.jsonl", '{"query": "a"}\n{"query": "a", "value": NaN}\n'))


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv"])
def test_ragas_rows_of_both_spellings(tmp_path: Path, suffix: str) -> None:
    old = {
        "question": "How long?",
        "answer": "14 days.",
        "contexts": ["It takes 14 days.", "x"],
        "ground_truth": "Two weeks",
    }
    new = {
        "user_input": "How long?",
        "response": "14 days.",
        "retrieved_contexts": ["It takes 14 days.", "x"],
        "reference": "Two weeks",
    }
    for row in (old, new):
        if suffix == "csv":
            cells = [json.dumps(v) if isinstance(v, list) else v for v in row.values()]
            quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
            text = ",".join(row) + "\n" + ",".join(quoted) + "\n"
        else:
            text = json.dumps(row if suffix == "jsonl" else [row])
        found = import_cases(write(tmp_path, f"rows.{suffix}", text))
        (case,) = found.cases
        assert case.query == "How long?"
        assert case.expected.answers == ("Two weeks",)
        assert case.given is not None
        assert (case.given.answer, case.given.contexts) == ("14 days.", ("It takes 14 days.", "x"))
        assert found.findings == ()


def test_lists_that_python_printed_are_read_unless_they_would_run_together(tmp_path: Path) -> None:
    printed = "question,answer,contexts\n" + 'q,a,"' + str(["one", "it's two"]).replace('"', '""') + '"\n'
    given = import_cases(write(tmp_path, "a.csv", printed)).cases[0].given
    assert given is not None
    assert given.contexts == ("one", "it's two")
    for cell, said in (("['one' 'two']", "not parted by commas"), ("[open('x')]", "starts like a list and is none")):
        with pytest.raises(InvalidInput, match=said):
            import_cases(write(tmp_path, "b.csv", f'question,answer,contexts\nq,a,"{cell}"\n'))


def test_a_conversation_becomes_history(tmp_path: Path) -> None:
    talk = [
        {"type": "human", "content": "Hi"},
        {"type": "ai", "content": "Hello"},
        {"type": "human", "content": "Why?"},
    ]
    tool = [{"type": "tool", "content": "x"}]
    rows = [
        {"user_input": talk, "reference": "r"},
        {"user_input": tool},
        {"user_input": []},
        {"user_input": "x", "response": 3},
    ]
    found = import_cases(write(tmp_path, "rows.json", json.dumps(rows)))
    assert found.cases[0].query == "Why?"
    assert [turn.role for turn in found.cases[0].history] == ["user", "assistant"]
    assert [(finding.line, finding.field) for finding in found.findings] == [
        (2, "user_input.0"),
        (3, "user_input"),
        (4, "response"),
    ]


@pytest.mark.parametrize(
    ("asserts", "right", "wrong"),
    [
        ([{"type": "equals", "value": "14 days"}], "14 days", "14 day"),
        ([{"type": "contains", "value": "14 days"}], "in 14 days", "soon"),
        ([{"type": "icontains", "value": "DAYS"}], "in 14 days", "soon"),
        ([{"type": "contains-any", "value": "week, days"}], "in 14 days", "soon"),
        ([{"type": "contains-any", "value": ["week", "days"]}], "a week", "soon"),
        ([{"type": "contains-all", "value": ["in", "days"]}], "in 14\n days", "14 days"),
        ([{"type": "icontains-all", "value": ["IN", "days"]}], "in 14 days", "14 days"),
        ([{"type": "starts-with", "value": "in "}], "in 14 days", "14 days in all"),
        ([{"type": "regex", "value": r"^\d+ days$"}], "14 days", "in 14 days"),
        ([{"type": "contains", "value": "$"}], "5 $", "5 €"),
        ([{"type": "not-contains", "value": "sorry"}], "in 14 days", "sorry, no"),
        ([{"type": "not-regex", "value": r"\d"}], "soon", "14"),
        ([{"type": "not-equals", "value": "no"}], "now", "no"),
        ([{"type": "contains", "value": "14"}, {"type": "contains", "value": "days"}], "14 days", "14 hours"),
        ([{"type": "contains", "value": "14"}, {"type": "not-icontains", "value": "SORRY"}], "14", "14, sorry"),
        ([{"type": "contains", "value": "a"}, {"type": "regex", "value": r"b.$"}], "a\nbc", "a\nb\n\n"),
        ([{"type": "is-json"}], "{}", "prose"),
        ([{"type": "is-json", "value": {"required": ["a"]}}], '{"a": 1}', "{}"),
        ([{"type": "is-json", "value": '{"required": ["a"]}'}], '{"a": 1}', "{}"),
        ([{"type": "equals", "value": {"a": 1}}], '{"a": 1}', '{"a": 2}'),
        ([{"type": "is-refusal"}], "I can't answer that.", "It is 5."),
        ([{"type": "not-is-refusal"}], "It is 5.", "I can't answer that."),
        ([{"type": "contains", "value": "{{ unit }}"}], "14 days", "14 hours"),
    ],
)
def test_promptfoo_assertions_hold_for_the_same_answers(
    tmp_path: Path, asserts: list[dict[str, Any]], right: str, wrong: str
) -> None:
    case, found = one(tmp_path, *asserts, question="How long?", unit="days")
    assert found.findings == ()
    told_right, told_wrong = holds(case, right), holds(case, wrong)
    told_right.pop("false_refusal", None)
    told_wrong.pop("false_refusal", None)
    assert told_right
    assert all(told_right.values()), case.expected
    assert not all(told_wrong.values()), case.expected


def test_what_only_a_judge_could_hold_is_left_out_named_and_tagged(tmp_path: Path) -> None:
    case, found = one(
        tmp_path,
        {"type": "contains", "value": "days"},
        {"type": "llm-rubric", "value": "is polite"},
        {"type": "similar", "value": "It takes 14 days.", "threshold": 0.8},
        {"type": "latency", "threshold": 500},
    )
    assert case.expected.contains == ("days",)
    assert case.tags["left_out"] == "llm-rubric, similar, latency"
    assert [finding.severity for finding in found.findings] == ["warning"] * 3
    assert "'is polite'" in found.findings[0].said


@pytest.mark.parametrize(
    ("asserts", "said"),
    [
        (
            {"type": "javascript", "value": "output.length < 5"},
            "would run code, which is never done: 'output.length < 5'",
        ),
        ({"type": "python", "value": "import os; os.system('touch /tmp/x')"}, "would run code"),
        ({"type": "not-python", "value": "x"}, "would run code"),
        ({"type": "equals", "value": "a", "transform": "output.trim()"}, "would run code"),
        ({"type": "contains", "value": "file://secret.txt"}, "'file://secret.txt' points to a file"),
        ({"type": "is-json", "value": "file://schema.json"}, "points to a file"),
        ({"type": "equals", "value": "{{ env.HOME }}"}, "or the environment"),
        ({"type": "equals", "value": "{% for x in y %}"}, "is not run"),
        ({"type": "equals", "value": "{{ question | upper }}"}, "is not run"),
        ({"type": "equals", "value": "{{ missing }}"}, "there is no variable 'missing'"),
        ({"type": "regex", "value": "(a"}, "not a regular expression"),
        ({"type": "contains", "value": ""}, "names no text"),
        ({"value": "a"}, "not an assertion with a type"),
    ],
)
def test_code_files_and_the_environment_are_refused_by_name(tmp_path: Path, asserts: dict[str, Any], said: str) -> None:
    case, found = one(tmp_path, asserts, {"type": "contains", "value": "days"})
    assert case.expected.contains == ("days",)
    (finding,) = found.findings
    assert finding.severity == "error"
    assert finding.field == "tests[0].assert[0]"
    assert said in finding.said
    assert "left_out" in case.tags


def test_variables_lists_defaults_and_prompts(tmp_path: Path) -> None:
    found = promptfoo(
        tmp_path,
        prompts=["Answer in {{language}}: {{thing}}?"],
        defaultTest={"vars": {"language": "English"}, "assert": [{"type": "not-contains", "value": "sorry"}]},
        tests=[
            {"vars": {"thing": ["tents", "stoves"]}, "description": "both", "metadata": {"team": "ops"}},
            {"vars": {"thing": "file://things.txt"}},
            {"vars": {"thing": {"a": 1}}},
            "file://more.yaml",
            {"vars": {"question": "How long?", "context": "x" * 500}, "threshold": 0.5},
        ],
        scenarios=[{"config": []}],
    )
    assert [case.query for case in found.cases] == [
        "Answer in English: tents?",
        "Answer in English: stoves?",
        "How long?",
    ]
    assert found.cases[0].tags == {"team": "ops", "description": "both"}
    assert all(case.expected.pattern for case in found.cases)
    assert [(finding.severity, finding.field) for finding in found.findings] == [
        ("error", "scenarios"),
        ("error", "tests[1].vars.thing"),
        ("error", "tests[2].vars.thing"),
        ("error", "tests[3]"),
        ("warning", "tests[4].threshold"),
        ("warning", "context"),
    ]


def test_yaml_that_runs_code_or_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    bomb = "l0: &l0 [x]\n" + "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    for text, kind, said in (
        ("tests: !!python/object/apply:os.system ['true']\n", InvalidInput, "line 1: not plain YAML"),
        (bomb, TooLarge, "unfold to more than"),
        ("tests: [\n", InvalidInput, "line 2: not plain YAML"),
        ("a: &a [*a]\n", InvalidInput, "stands within what it names"),
        ("", InvalidInput, "not a test"),
        ("tests: []\n", InvalidInput, "there is no case in it"),
        ("tests: file://cases.csv\n", InvalidInput, r"tests\[0\]: 'file://cases.csv' would have to be opened"),
        ("tests:\n- vars: {a: [" + "1," * 40 + "], b: [" + "1," * 40 + "]}\n", InvalidInput, "1,600 combinations"),
    ):
        with pytest.raises(kind, match=said):
            import_cases(write(tmp_path, "c.yaml", text))
    aliased = (
        "c: &c [{type: contains, value: days}]\ntests:\n- {vars: {q: a}, assert: *c}\n- {vars: {q: b}, assert: *c}\n"
    )
    assert len(import_cases(write(tmp_path, "d.yaml", aliased)).cases) == 2


def test_formats_that_can_not_be_told_or_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        import_cases(tmp_path / "none.csv")
    with pytest.raises(UnknownName, match="no format 'xlsx': use auto, csv"):
        import_cases(write(tmp_path, "a.csv", "query\na\n"), "xlsx")
    with pytest.raises(UnsupportedType, match="can't be told by its name"):
        import_cases(write(tmp_path, "a.xlsx", "PK"))
    with pytest.raises(UnsupportedType, match=r"only promptfoo's is known"):
        import_cases(write(tmp_path, "a.yaml", "a: 1"), "ragas")
    with pytest.raises(InvalidInput, match="imported as a list of rows"):
        import_cases(write(tmp_path, "a.json", '{"a": 1}'))
    with pytest.raises(InvalidInput, match="there is no column 'frage'"):
        import_cases(write(tmp_path, "a.csv", "query\na\n"), query="frage")
    assert import_cases(write(tmp_path, "a.csv", "frage\na\n"), query="frage").cases[0].query == "a"
    assert import_cases(write(tmp_path, "a.txt", "query\na\n"), "csv").cases[0].query == "a"


WORDS = (
    "tests: - vars: {q: a} assert &x *x , ; \" ' query question [ ] { } : 1e999 NaN contexts id null !!python/none ?"
)
PIECES = st.sampled_from([*WORDS.split(), "\n", "  ", "\t", "\r", "\0", "\ud7ff", "---\n", "? "])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=25).map("".join), st.sampled_from(["csv", "tsv", "jsonl", "json", "yaml"]))
@example('{"query": "a", "id": []}', "jsonl")
@example('[{"question": {"a": 1}, "contexts": 3}]', "json")
@example("tests: [{vars: [1], assert: {type: [x]}}]", "yaml")
@example("tests: [{vars: {q: a}, assert: [{type: is-json, value: 3}, {type: regex}, 7]}]", "yaml")
@example("? [a, b]\n: c\n", "yaml")
def test_whatever_a_file_holds_is_imported_or_explained(tmp_path: Path, text: str, suffix: str) -> None:
    with contextlib.suppress(SignalboxError):  # anything else would be a crash
        assert import_cases(write(tmp_path, f"x.{suffix}", text)).cases

"""Labelled queries: what counts as right, and errors that name file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval_sets import LabelledQuery, read_labelled, read_squad
from signalbox.errors import InvalidInput, NotFound
from signalbox.types import Answer, LabelAnswer

HELPDESK = Path(__file__).parents[2] / "examples" / "helpdesk"


def labelled(**fields: object) -> LabelledQuery:
    return LabelledQuery.model_validate({"id": "q1", "query": "How long?", **fields})


def classified(label: str, text: str = "") -> Answer:
    return Answer(text=text, labels=(LabelAnswer(task="intent", label=label, probability=0.9),))


@pytest.mark.parametrize(
    ("fields", "answer", "right"),
    [
        ({"intents": ["refund"]}, classified("refund"), True),
        ({"intents": ["refund"]}, classified("delivery"), False),
        ({"contains": ["14 days"]}, classified("refund", "It takes 14 days."), True),
        ({"contains": ["14 days"]}, Answer(text="Within  14 DAYS of it."), True),
        ({"contains": ["4-7"]}, Answer(text="It takes 4–7 working days."), True),
        ({"contains": ["14 days"]}, Answer(text="Within a fortnight."), False),
        ({"contains": ["14 days"]}, Answer(text="It takes 114 days."), False),
        ({"contains": ["4.90"]}, Answer(text="It costs 14.90."), False),
        ({"contains": ["air"]}, Answer(text="We repair it."), False),
        ({"contains": ["EUR 5."]}, Answer(text="It costs EUR 5."), True),
        ({}, Answer(text="anything"), False),
        ({}, classified("refund"), False),
        ({"intents": ["refund"]}, Answer(text="other words may answer too"), None),
    ],
)
def test_what_is_right(fields: dict[str, object], answer: Answer, right: bool | None) -> None:
    assert labelled(**fields).is_right(answer) is right


@pytest.mark.parametrize(
    ("short", "right"), [("14 days", True), ("within 14 days", True), ("14", True), ("4", False), ("days", False)]
)
def test_a_short_answer_is_right_as_whole_words(short: str, right: bool) -> None:
    assert labelled(contains=["14 days"]).is_right_short(short) is right


def write(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


GOOD = {"id": "q1", "query": "How long?"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([GOOD, "{"], "line 2: not a JSON object"),
        ([GOOD, {"id": "q2"}], "line 2: query: Field required"),
        ([GOOD, {**GOOD, "id": "q2", "needs": "magic"}], "line 2: needs"),
        ([GOOD, {**GOOD, "id": "q2", "answer": "x"}], "line 2: answer: Extra inputs"),
        ([GOOD, {**GOOD, "id": "q2", "contains": [""]}], r"line 2: contains\.0"),
        ([GOOD, "[" * 5_000], "line 2"),
        ([GOOD, GOOD], "line 2: the id 'q1' occurs twice"),
        (["", "  "], "no labelled query"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, lines: list[object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_labelled([write(tmp_path / "queries.jsonl", *lines)])


def test_other_encodings_and_missing_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"id": "q1", "query": "Größe?"}'.encode("latin-1"))
    with pytest.raises(InvalidInput, match="not UTF-8 at byte"):
        read_labelled([path])
    with pytest.raises(NotFound, match=r"none\.jsonl"):
        read_labelled([tmp_path / "none.jsonl"])


def test_the_hash_changes_with_the_content(tmp_path: Path) -> None:
    one = read_labelled([write(tmp_path / "a.jsonl", GOOD)])
    two = read_labelled([write(tmp_path / "b.jsonl", {**GOOD, "query": "How far?"})])
    assert one.hash != two.hash


@pytest.mark.parametrize("name", ["calibration", "test"])
def test_the_sample_queries_fit_the_sample_documents_and_intents(name: str) -> None:
    queries = read_labelled([HELPDESK / "queries" / f"{name}.jsonl"]).queries
    intents = {json.loads(line)["intent"] for line in (HELPDESK / "intents.jsonl").read_text().splitlines()}
    documents = {path.name for path in (HELPDESK / "documents").iterdir()}
    assert len(queries) >= 250
    assert {query.needs for query in queries} == {"classifier", "grounded", "cloud", "none"}
    for query in queries:
        assert set(query.intents) <= intents, query.id
        assert set(query.documents) <= documents, query.id
        assert query.needs != "none" or not (query.intents or query.contains), query.id


def test_no_query_is_in_both_sample_files() -> None:
    texts = [
        {query.query.lower() for query in read_labelled([HELPDESK / "queries" / f"{name}.jsonl"]).queries}
        for name in ("calibration", "test")
    ]
    assert not texts[0] & texts[1]


def test_a_squad_file_is_read_and_a_bad_one_named(tmp_path: Path) -> None:
    qa = {"id": "1", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 0}]}
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "A_B", "paragraphs": [{"context": "Ann did.", "qas": [qa]}]}]}))
    (paragraph,), (question,) = read_squad(path)
    assert (paragraph.title, question.paragraph_id, question.answers) == ("A B", paragraph.id, (("Ann", 0),))
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "x", "qas": [{"id": "1"}]}]}]}))
    with pytest.raises(InvalidInput, match=r"data\[0\]\.paragraphs\[0\]"):
        read_squad(path)
    path.write_text("[]")
    with pytest.raises(InvalidInput, match="'data' list"):
        read_squad(path)

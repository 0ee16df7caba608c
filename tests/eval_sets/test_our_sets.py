"""The sets that we wrote: readable, saying what they are, asking nothing trained on, and expecting what is so."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from eval_sets import Case, check_set, read_labelled, read_set
from eval_sets.labelled import holds, plain
from evaluators.scorers import known_scorers, parse_spec

ROOT = Path(__file__).parents[2]
HELPDESK = ROOT / "examples" / "helpdesk"
FOLDERS = sorted(path.parent for path in (ROOT / "eval_sets").glob("*/card.yaml"))
ASKED_OF_THE_HELPDESK = ("helpdesk", "grounded", "intents")
MOST_WORDS_SHARED = 0.6

# What the documents would have to speak of to answer what is unanswerable.
ABSENT = {
    "grounded-051": "hammock",
    "grounded-052": "japan",
    "grounded-053": "insurance",
    "grounded-054": "fedex",
    "grounded-055": "bitcoin",
    "grounded-056": "chief executive",
    "grounded-057": "lumen",
    "grounded-058": "olive",
    "grounded-059": "hail",
    "grounded-060": "side sleeper",
    "grounded-061": "wi-fi",
    "grounded-062": "iphone",
    "grounded-063": "price of the tarn",
    "grounded-064": "titan",
    "grounded-065": "hire a canoe",
    "grounded-066": "boiling",
    "grounded-067": "breed",
    "grounded-068": "bounty",
    "grounded-069": "python",
    "grounded-070": "amsterdam",
    "grounded-071": "thread count",
    "grounded-072": "parrot",
    "grounded-073": "share capital",
    "grounded-074": "cpai",
    "grounded-075": "friday morning",
}


@cache
def documents() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (HELPDESK / "documents").glob("*.md")}


@cache
def intents() -> dict[str, dict[str, object]]:
    lines = (HELPDESK / "intents.jsonl").read_text(encoding="utf-8").splitlines()
    return {intent["intent"]: intent for intent in map(json.loads, lines)}


@cache
def cases(name: str) -> tuple[Case, ...]:
    return read_set(ROOT / "eval_sets" / name).cases


def outdated() -> set[str]:
    return {name for name, text in documents().items() if "status: outdated" in text}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_set_can_be_read_and_says_what_it_is(folder: Path) -> None:
    found = read_set(folder)
    assert found.name == folder.name
    assert found.card.versions
    assert found.card.flaws
    assert found.card.licence
    assert {parse_spec(spec).name for spec in found.card.scorers} <= set(known_scorers())
    assert not [finding for finding in check_set(folder) if finding.severity == "error"]


@pytest.mark.parametrize("name", ASKED_OF_THE_HELPDESK)
def test_every_case_can_be_measured_and_asks_something_of_its_own(name: str) -> None:
    assert check_set(ROOT / "eval_sets" / name) == ()


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", plain(text)))


@pytest.mark.parametrize("name", ASKED_OF_THE_HELPDESK)
def test_nothing_is_asked_that_the_helpdesk_was_trained_or_calibrated_on(name: str) -> None:
    known = [str(text) for intent in intents().values() for text in intent["utterances"]]  # type: ignore[attr-defined]
    known += [json.loads(line)["text"] for line in (HELPDESK / "out_of_scope.jsonl").read_text().splitlines()]
    files = [HELPDESK / "queries" / f"{part}.jsonl" for part in ("calibration", "test")]
    known += [query.query for query in read_labelled(files).queries]
    seen = [words(text) for text in known]
    for case in cases(name):
        asked = words(case.query)
        assert max(len(asked & one) / len(asked | one) for one in seen) < MOST_WORDS_SHARED, case.query


def test_no_question_is_in_two_sets() -> None:
    asked = [plain(case.query) for name in ASKED_OF_THE_HELPDESK for case in cases(name)]
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("name", ["helpdesk", "grounded"])
def test_what_documents_should_say_stands_in_them_or_in_a_reply(name: str) -> None:
    for case in cases(name):
        expected = case.expected
        assert set(expected.documents) <= documents().keys(), case.id
        if expected.route != "grounded":
            continue
        assert expected.documents, case.id
        assert expected.contains, case.id
        told = [documents()[one] for one in expected.documents]
        told += [str(intent["reply"]) for intent in intents().values()]
        for wanted in expected.contains:
            assert any(holds(text, wanted) for text in told), (case.id, wanted)
        for one in expected.documents:
            assert any(holds(documents()[one], wanted) for wanted in expected.contains), (case.id, one)


def test_expected_answers_name_no_number_that_their_documents_do_not() -> None:
    for case in cases("grounded"):
        told = " ".join(plain(documents()[one]) for one in case.expected.documents)
        for number in re.findall(r"\d+(?:[.,:]\d+)*", " ".join(case.expected.answers)):
            assert re.search(rf"(?<![\d.,]){re.escape(number)}(?!\d)", told), (case.id, number)


def test_where_documents_contradict_each_other_the_current_one_is_right() -> None:
    old = outdated()
    assert old
    for case in cases("grounded"):
        if case.tags["kind"] == "contradictory":
            assert not old & set(case.expected.documents), case.id
            for wanted in case.expected.contains:
                assert not any(holds(documents()[one], wanted) for one in old), (case.id, wanted)
        elif case.tags["kind"] == "outdated":
            assert old & set(case.expected.documents), case.id
        elif case.tags["kind"] == "answerable":
            assert not old & set(case.expected.documents), case.id


def test_what_can_not_be_answered_is_in_no_document() -> None:
    unanswerable = {case.id: case for case in cases("grounded") if case.tags["kind"] == "unanswerable"}
    assert unanswerable.keys() == ABSENT.keys()
    for case_id, term in ABSENT.items():
        expected = unanswerable[case_id].expected
        assert (expected.answerable, expected.contains, expected.documents) == (False, (), ())
        assert not [name for name, text in documents().items() if term in plain(text)], term


def test_expected_labels_are_intents_and_their_replies_answer() -> None:
    every = {label for case in cases("intents") for label in case.expected.labels}
    assert every == intents().keys()
    assert {label for case in cases("helpdesk") for label in case.expected.labels} == intents().keys()
    for case in cases("helpdesk"):
        assert set(case.expected.labels) <= intents().keys()
        if case.expected.route == "classifier" and case.expected.contains:
            reply = str(intents()[case.expected.labels[0]]["reply"])
            assert any(holds(reply, wanted) for wanted in case.expected.contains), case.id


def test_the_slices_are_as_large_as_the_cards_say() -> None:
    sizes = {name: len(cases(name)) for name in ASKED_OF_THE_HELPDESK}
    assert sizes == {"helpdesk": 125, "grounded": 105, "intents": 182}
    assert sum(case.tags["scope"] == "out" for case in cases("intents")) == 30
    assert {case.tags["needs"] for case in cases("helpdesk")} == {"classifier", "grounded", "cloud", "none"}
    for case in cases("helpdesk"):
        assert case.expected.answerable is (case.tags["needs"] != "none")

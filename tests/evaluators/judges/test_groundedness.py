"""What the local judge says of answers: support, what lacks it, what claims nothing, and what it refuses to read."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from eval_sets.cases import Case
from evaluators.contract import Output
from evaluators.judges.groundedness import (
    FEATURES,
    GroundednessJudge,
    fingerprint,
    fit_head,
    load_head,
    open_judge,
    save_head,
    shipped_head,
)
from evaluators.judges.groundedness.evidence import TokenEncoder
from evaluators.judges.groundedness.judge import MAX_ANSWER, MAX_EVIDENCE, MAX_PASSAGES, MAX_SENTENCES, READING
from evaluators.judges.groundedness.words import read_words
from evaluators.scorers import build_scorers
from evaluators.scorers.resources import Resources
from signalbox.contracts import Judge
from signalbox.encoder import OnnxEncoder
from signalbox.errors import ConfigurationError, CorruptArtefact, InvalidInput, NotFound, TooLarge
from signalbox.types import Answer, Query, Quote

TOWER = (
    "The Eiffel Tower was built by Gustave Eiffel for the 1889 World's Fair in Paris. It is 330 metres tall. "
    "At first it was not popular with the artists of the city."
)
SHOP = "Returns are free within 30 days of delivery. After that, a fee of 5 euros applies."
PASSAGES = [TOWER, SHOP]


@pytest.mark.parametrize(
    "answer",
    [
        "The Eiffel Tower was built by Gustave Eiffel.",
        "it is 330 metres tall",
        "Returns are free within thirty days of delivery.",
        "yes, a fee of 5 euros applies after that",
    ],
)
def test_what_the_passages_say_is_supported(judge: GroundednessJudge, answer: str) -> None:
    support = judge.score(answer, PASSAGES)
    assert support.supported
    assert not support.unsupported


@pytest.mark.parametrize(
    "answer",
    [
        "The tower is painted in three shades of brown every seven years.",
        "I love the Eiffel Tower, I go there every summer.",
        "The Eiffel Tower was built by Thomas Edison for Napoleon.",
        "Do you like Paris too?",
        "It is 380 metres tall.",
        "Returns are not free within 30 days of delivery.",
        "After that, no fee of 5 euros applies.",
        "Le retour est gratuit pendant un an.",
    ],
)
def test_what_they_do_not_say_is_not(judge: GroundednessJudge, answer: str) -> None:
    assert not judge.score(answer, PASSAGES).supported


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("It is 330 metres tall.", "It is 380 metres tall."),
        ("It was built by Gustave Eiffel.", "It was built by Victor Hugo."),
        ("Returns are free within 30 days.", "Returns are not free within 30 days."),
    ],
)
def test_one_changed_fact_lowers_the_probability(judge: GroundednessJudge, right: str, wrong: str) -> None:
    assert judge.score(wrong, PASSAGES).probability < judge.score(right, PASSAGES).probability - 0.05


def test_the_sentence_that_lacks_support_is_named_with_its_place(judge: GroundednessJudge) -> None:
    answer = "Returns are free within 30 days of delivery. Refunds arrive by bank transfer on Mondays."
    support = judge.score(answer, PASSAGES)
    assert [one.text for one in support.unsupported] == ["Refunds arrive by bank transfer on Mondays."]
    assert all(answer[one.start : one.end] == one.text for one in support.sentences)
    assert "Mondays" in support.unsupported[0].reason
    assert not support.supported


def test_evidence_may_stand_in_any_passage_and_at_its_end(judge: GroundednessJudge) -> None:
    filler = "The committee met on a rainy day and adjourned without a decision. " * 300
    alone = judge.score("It is 330 metres tall.", [TOWER]).probability
    hidden = judge.score("It is 330 metres tall.", [SHOP, filler + TOWER]).probability
    assert hidden == pytest.approx(alone, abs=0.1)


@pytest.mark.parametrize(
    "answer", ["I don't know.", "I do n't know who built it .", "The documents do not say.", "No idea!"]
)
def test_an_abstention_is_neither_right_nor_wrong(judge: GroundednessJudge, answer: str) -> None:
    assert judge.score(answer, PASSAGES).kind == "abstains"


@pytest.mark.parametrize("answer", ["Thanks, bye!", "Yes.", "hello", "!?", "🙂"])
def test_small_talk_claims_nothing(judge: GroundednessJudge, answer: str) -> None:
    support = judge.score(answer, PASSAGES)
    assert support.kind == "small_talk"
    assert not support.unsupported


def test_an_abstention_that_goes_on_to_claim_is_judged(judge: GroundednessJudge) -> None:
    answer = "I'm not sure, but the tower was moved to Lyon in 1950."
    assert judge.score(answer, PASSAGES).kind == "claims"


async def test_verdicts_of_the_kernels_judge(judge: GroundednessJudge) -> None:
    kernel: Judge = judge
    quotes = [Quote(document_id="d", title="Tower", start=0, end=len(TOWER), text=TOWER, score=0.9)]
    query = Query(text="How tall is it?")
    right = await kernel.judge(query, Answer(text="It is 330 metres tall."), quotes)
    assert (right.verdict, right.by, right.version) == ("right", "groundedness", judge.version)
    wrong = await kernel.judge(query, Answer(text="It weighs as much as 2,000 elephants."), quotes)
    assert wrong.verdict == "wrong"
    assert "elephants" in wrong.reason
    for answer, evidence in ((Answer(text="I don't know"), quotes), (Answer(), quotes), (Answer(text="330 m"), [])):
        verdict = await kernel.judge(query, answer, evidence)
        assert (verdict.verdict, verdict.score) == ("unmeasured", None)


def test_threads_get_what_one_alone_gets(judge: GroundednessJudge) -> None:
    answers = ["It is 330 metres tall.", "Returns cost 9 euros.", "Paris hosted the fair in 1889."] * 8
    alone = [judge.score(answer, PASSAGES).probability for answer in answers]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda answer: judge.score(answer, PASSAGES).probability, answers)) == alone


def test_sizes_are_limited(judge: GroundednessJudge) -> None:
    with pytest.raises(TooLarge, match="characters"):
        judge.score("a " * MAX_ANSWER, PASSAGES)
    with pytest.raises(TooLarge, match="sentences"):
        judge.score("It is so. " * (MAX_SENTENCES + 1), PASSAGES)
    with pytest.raises(TooLarge, match="passages"):
        judge.score("It is.", ["x"] * (MAX_PASSAGES + 1))
    with pytest.raises(TooLarge, match="passages"):
        judge.score("It is.", ["x" * (MAX_EVIDENCE + 1)])
    with pytest.raises(InvalidInput, match="empty"):
        judge.score("  ", PASSAGES)
    with pytest.raises(InvalidInput, match="no passage"):
        judge.score("It is.", [" "])


def test_strange_text_is_read_all_the_same(judge: GroundednessJudge) -> None:
    for answer in (
        "東京は日本の首都です。",
        "\ud800 half a pair",
        "x" * 5_000,
        "1" * 3_000,
        "\u0000\u001f…",
        "مرحبا بالعالم",
    ):
        assert 0 <= judge.score(answer, ["東京は日本の首都です。", "y" * 30_000]).probability <= 1
    same = judge.score("東京は日本の首都です。", ["東京は日本の首都です。"])
    assert same.supported


def test_spelling_that_says_nothing_is_levelled() -> None:
    def stems(text: str) -> list[str]:
        return [word.stem for word in read_words(text)]

    assert stems("I did n't see 1,000 Cafés") == stems("i didn’t see 1000 cafes")
    assert stems("two o'clock") == stems("2 o'clock")
    assert [word.text for word in read_words("They met Ada Lovelace in London.") if word.name] == [
        "Ada",
        "Lovelace",
        "London",
    ]


async def test_the_scorer_measures_and_says_what_it_cannot(encoder: OnnxEncoder) -> None:
    (scorer,) = build_scorers(["groundedness"], Resources(encoder=lambda: encoder))
    case = Case(id="1", query="How tall?")
    found = await scorer.score(case, Output(text="It is 330 metres tall. It is made of cheese.", contexts=(TOWER,)))
    assert {measure.metric for measure in found} == {"groundedness", "supported"}
    assert [one["text"] for one in found[0].details["unsupported"]] == ["It is made of cheese."]
    assert found[1].value == 0.0
    assert not any(metric.gates for metric in scorer.metrics)
    for output in (Output(text="I don't know", contexts=(TOWER,)), Output(text="330 m"), Output(contexts=(TOWER,))):
        measures = await scorer.score(case, output)
        assert all(measure.value is None and measure.reason for measure in measures)


def test_the_scorer_needs_an_encoder() -> None:
    with pytest.raises(ConfigurationError, match="encoder"):
        build_scorers(["groundedness"], Resources())


def test_a_head_of_ones_own(judge: GroundednessJudge, encoder: OnnxEncoder, tmp_path: Path) -> None:
    answers = [("It is 330 metres tall.", True), ("Paris has many bakeries.", False)] * 5
    features = [judge.score(answer, PASSAGES).features for answer, _ in answers]
    model = fit_head(features, [good for _, good in answers])
    assert set(model.names) <= set(FEATURES)
    save_head(tmp_path, model, [fingerprint(answer, PASSAGES) for answer, _ in answers])
    own = open_judge(encoder, folder=tmp_path)
    assert own.version != judge.version
    assert own.score("It is 330 metres tall.", PASSAGES).supported
    assert len(load_head(tmp_path).fitted) == 2


def test_heads_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"head\.json"):
        load_head(tmp_path)
    (tmp_path / "head.json").write_text("{")
    with pytest.raises(CorruptArtefact, match="fit"):
        load_head(tmp_path)
    model = shipped_head().model
    data = {"model": model.to_json() | {"names": ["luck"] * len(model.names)}, "fitted": ""}
    (tmp_path / "head.json").write_text(json.dumps(data))
    with pytest.raises(CorruptArtefact, match="luck"):
        load_head(tmp_path)


def test_the_shipped_head_only_counts_what_it_should(judge: GroundednessJudge) -> None:
    head = shipped_head()
    assert set(head.model.names) <= set(FEATURES)
    assert len(head.fitted) > 1_000
    assert fingerprint("It  IS so", ["A b"]) == fingerprint("it is so", ["a B"])
    assert fingerprint("It is so", ["A b"]) != fingerprint("It is so", ["A c"])


def test_another_encoder_or_another_way_of_reading_is_another_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

    def version(name: str) -> str:
        return GroundednessJudge(cast(TokenEncoder, Named(name)), shipped_head()).version

    small = version("small/int8")
    assert small == version("small/int8") != version("small/fp32")
    monkeypatch.setattr("evaluators.judges.groundedness.judge.READING", READING + 1)
    assert version("small/int8") != small

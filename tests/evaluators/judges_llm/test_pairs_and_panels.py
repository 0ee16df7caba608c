"""Pairs in both orders, what position and length have to do with the winner, and panels of judges."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from eval_sets import Case, Expected, Given
from evaluators.contract import Measure, Output, Row, Spent
from evaluators.judges.llm import (
    JudgeScorer,
    LlmJudge,
    Material,
    PairScorer,
    Panel,
    Preference,
    load_rubric,
    pair_figures,
    prefer,
    preferences_in,
)
from signalbox.contracts import ChatRequest
from signalbox.errors import InvalidInput
from signalbox.models.scripted import Fault, ScriptedModel

PAIR = Material("How long?", "In 14 days at most.", other="Soon.")


def comparing(score: Callable[[str, str], object]) -> LlmJudge:
    """A judge that makes its score of the answers shown first and second."""

    def reply(request: ChatRequest) -> object:
        text = request.messages[1].content
        first, second = (text.partition(f"{place} answer>>\n| ")[2].partition("\n<<")[0] for place in
                         ("first", "second"))  # fmt: skip
        found = score(first, second)
        return json.dumps({"reason": "so it is", "score": found}) if isinstance(found, int) else found

    return LlmJudge(ScriptedModel(reply), load_rubric("preference"))  # type: ignore[arg-type]


def longer(first: str, second: str) -> int:
    return 1 if len(first) > len(second) else 5


async def test_a_judge_of_one_mind_names_the_winner_in_either_order() -> None:
    found = await prefer(comparing(longer), PAIR)
    assert (found.winner, found.consistent, found.shown_first_won) == ("first", True, (True, False))
    assert found.spent.calls == 2
    assert (await prefer(comparing(longer), PAIR.swapped())).winner == "second"


async def test_a_judge_that_takes_the_first_shown_has_no_opinion() -> None:
    found = await prefer(comparing(lambda first, second: 1), PAIR)
    assert (found.winner, found.consistent, found.shown_first_won) == ("tie", False, (True, True))
    assert "order" in found.reason


async def test_an_order_without_a_verdict_leaves_the_pair_unmeasured() -> None:
    found = await prefer(comparing(lambda first, second: 3 if first == "Soon." else "prose"), PAIR)
    assert (found.winner, found.consistent) == (None, None)
    assert "no JSON" in found.reason


async def test_figures_tell_position_bias_and_the_part_of_length() -> None:
    pairs = [Material("q", "a" * (10 + 7 * n % 50), other="b" * (10 + 11 * n % 50)) for n in range(40)]
    biased = pair_figures([await prefer(comparing(lambda first, second: 1), pair) for pair in pairs])
    assert (biased.shown_first, biased.consistent, biased.second_wins) == (1.0, 0.0, 0.5)
    by_length = pair_figures([await prefer(comparing(longer), pair) for pair in pairs])
    assert by_length.longer_wins == 1.0
    assert by_length.shown_first is not None
    assert 0.4 <= by_length.shown_first <= 0.6


def test_length_is_regressed_out_of_preferences() -> None:
    """The second answers are twice as long and win by that alone."""
    made = [
        Preference("second" if second > first else "first", True, "", (), (first, second), (), Spent())
        for first, second in [(50, 100)] * 30 + [(100, 50)] * 10
    ]
    found = pair_figures(made)
    assert found.second_wins == 0.75
    assert found.second_wins_at_equal_length == pytest.approx(0.5, abs=0.15)
    assert pair_figures([]).consistent is None
    assert pair_figures(made[:3]).second_wins_at_equal_length is None


async def test_the_pair_scorer_compares_with_the_answer_that_was_there() -> None:
    scorer = PairScorer(comparing(longer))
    given = Case(id="c", query="q", given=Given(answer="Soon."))
    (measure,) = await scorer.score(given, Output(text="In 14 days at most."))
    assert (measure.value, measure.details["winner"], measure.details["calls"]) == (1.0, "output", 2)
    (measure,) = await scorer.score(given, Output(text="No."))
    assert (measure.value, measure.details["winner"]) == (0.0, "other")
    row = Row(case=given, output=Output(text="No."), measures=(Measure(metric="right", value=1.0), measure))
    ((metric, (again,)),) = preferences_in([row, row.model_copy(update={"measures": ()})]).items()
    assert (metric, again.winner, again.lengths, again.spent.calls) == ("judge.preference", "first", (5, 3), 2)
    (measure,) = await scorer.score(Case(id="c", query="q"), Output(text="No."))
    assert (measure.value, measure.applies) == (None, False)


CASE = Case(id="c", query="How long?", expected=Expected(answers=("14 days.",)))


def member(score: object, name: str) -> JudgeScorer:
    reply = json.dumps({"reason": f"{name} says so", "score": score}) if isinstance(score, int) else score
    model = ScriptedModel(lambda request: reply, name=name)  # type: ignore[arg-type,return-value]
    return JudgeScorer(LlmJudge(model, load_rubric("correctness")))


def panel(*scores: object, **options: object) -> Panel:
    return Panel([member(score, f"m{n}") for n, score in enumerate(scores)], **options)  # type: ignore[arg-type]


async def test_a_panel_takes_the_mean_and_abstains_when_too_far_apart() -> None:
    (measure,) = await panel(5, 4, 5).score(CASE, Output(text="14 days"))
    assert measure.value == pytest.approx(0.9167, abs=1e-3)
    assert measure.details["votes"] == {"m0": True, "m1": True, "m2": True}
    assert measure.details["calls"] == 3
    assert measure.reason == "m0 says so"
    (measure,) = await panel(5, 1, 5).score(CASE, Output(text="14 days"))
    assert measure.value is None
    assert "disagree: m0 1.00, m1 0.00, m2 1.00" in measure.reason
    assert measure.details["votes"] == {"m0": True, "m1": False, "m2": True}


async def test_a_panel_by_majority_abstains_at_a_tie() -> None:
    (measure,) = await panel(5, 1, 4, rule="majority").score(CASE, Output(text="14 days"))
    assert measure.value == pytest.approx(2 / 3)
    (measure,) = await panel(5, 1, 4, rule="majority", apart=0.2).score(CASE, Output(text="14 days"))
    assert measure.value is None
    (measure,) = await panel(5, 1, rule="majority").score(CASE, Output(text="14 days"))
    assert measure.value is None


async def test_a_judge_that_breaks_is_left_out_and_too_few_are_no_panel() -> None:
    (measure,) = await panel(5, "prose", 5).score(CASE, Output(text="14 days"))
    assert (measure.value, measure.details["votes"]["m1"]) == (1.0, None)
    (measure,) = await panel(5, "prose", Fault("server_error")).score(CASE, Output(text="14 days"))
    assert measure.value is None
    assert "1 of 3" in measure.reason
    assert measure.details["calls"] == 4


@pytest.mark.parametrize("options", [{"rule": "loudest"}, {"apart": 2.0}])
def test_a_panel_that_makes_no_sense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        panel(5, 5, **options)
    with pytest.raises(InvalidInput, match="2 to 9"):
        panel(5)
    with pytest.raises(InvalidInput, match="twice"):
        Panel([member(5, "a"), member(5, "a")])

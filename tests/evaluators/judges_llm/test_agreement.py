"""Agreement with people: kappa and its interval, curves and how they are chosen, what is kept, and drift."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from eval_sets import Case, Given
from evaluators.contract import Component, Measure, Metric, Output
from evaluators.judges.agreement import (
    Calibrated,
    JudgeStore,
    agreement_of,
    among,
    calibrate,
    calibrated,
    cohen_kappa,
    cross_fitted,
    drift_since,
    fit_curve,
    kappa,
    kappa_change,
    rate,
    with_calibration,
)
from evaluators.judges.agreement.labels import rows_hash
from evaluators.judges.llm import Floor
from signalbox.calibration import expected_calibration_error
from signalbox.errors import ConfigurationError, CorruptArtefact, InvalidInput, UpstreamError


def cases(n: int, seed: int = 0) -> list[Case]:
    random = np.random.default_rng(seed)
    verdicts = random.permutation(["right", "wrong"] * (n // 2))
    return [
        Case(
            id=f"c{i}",
            query=f"Question {i}?",
            given=Given(answer="word " * int(random.integers(1, 30)), contexts=("word",), verdict=str(verdict)),  # type: ignore[arg-type]
            tags={"kind": "odd" if i % 2 else "even"},
        )
        for i, verdict in enumerate(verdicts)
    ]


class Scripted:
    """A judge that says what a function makes of a case; None is unmeasured."""

    def __init__(self, said: Callable[[Case], float | Exception | None], version: str = "1") -> None:
        self.component = Component(name="scripted", version=version)
        self.metrics = (Metric(name="scripted", kind="score"), Metric(name="other", kind="number", better=None))
        self._said = said
        self.asked: list[str] = []

    async def score(self, case: Case, output: Output) -> Sequence[Measure]:
        self.asked.append(case.id)
        found = self._said(case)
        if isinstance(found, Exception):
            raise found
        reason = "prose" if found is None else "so"
        return (
            Measure(metric="other", value=7.0),
            Measure(metric="scripted", value=found, reason=reason, details={"calls": 1, "cost_usd": 0.25}),
        )


def truth(case: Case) -> float:
    assert case.given is not None
    return 1.0 if case.given.verdict == "right" else 0.0


def good(case: Case) -> float:
    """Right on nine of ten, overconfident throughout."""
    own = truth(case)
    return abs(own - (0.95 if int(case.id[1:]) % 10 == 3 else 0.05))


# Kappa


def test_kappa_is_what_the_textbook_says() -> None:
    first = [True] * 25 + [False] * 25
    second = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert cohen_kappa(first, first) == 1.0
    assert cohen_kappa([True] * 5, [True] * 5) is None
    with pytest.raises(InvalidInput):
        kappa([], [])


def test_perfect_agreement_of_few_rows_is_no_certainty() -> None:
    found = kappa([True, False] * 10, [True, False] * 10)
    assert found.value == found.high == 1.0
    assert 0.6 < found.low < 0.95
    assert kappa([True, False] * 100, [True, False] * 100).low > found.low
    assert kappa([True] * 20, [True] * 20).low < 0.1


@pytest.mark.parametrize(("n", "true"), [(30, 0.3), (60, 0.6), (200, 0.8)])
def test_the_interval_of_kappa_holds_what_it_says(n: int, true: float) -> None:
    """Both sides say right half the time, so kappa is 2 P(agree) - 1."""
    random = np.random.default_rng(n)
    covered = 0
    for draw in range(300):
        people = random.random(n) < 0.5
        agree = random.random(n) < (1 + true) / 2
        found = kappa(people, np.where(agree, people, ~people), seed=draw)
        covered += found.low <= true <= found.high
    assert 0.91 <= covered / 300 <= 0.985


def test_rows_in_groups_widen_the_interval() -> None:
    random = np.random.default_rng(1)
    people = np.repeat(random.random(30) < 0.5, 5)
    judge = np.repeat(random.random(30) < 0.8, 5) == people
    alone, grouped = kappa(people, judge), kappa(people, judge, groups=np.repeat(np.arange(30), 5))
    assert alone.value == grouped.value
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_a_change_of_kappa_is_paired() -> None:
    random = np.random.default_rng(2)
    people = random.random(150) < 0.5
    before = np.where(random.random(150) < 0.9, people, ~people)
    worse = np.where(random.random(150) < 0.75, before, random.random(150) < 0.5)
    same = kappa_change(people, before, before)
    assert same.value == 0
    assert same.low < 0 < same.high
    assert kappa_change(people, before, worse).high < 0


def test_agreement_among_judges() -> None:
    votes = [{"a": True, "b": True, "c": True}, {"a": False, "b": False, "c": True}, {"a": True, "b": True, "c": None},
             {"a": False, "b": False, "c": False}]  # fmt: skip
    found = among(votes)
    assert found is not None
    assert {(pair.first, pair.second): pair.n for pair in found.pairs} == {("a", "b"): 4, ("a", "c"): 3, ("b", "c"): 3}
    assert found.pairs[0].kappa == 1.0
    assert (found.unanimous, found.rows) == (3, 4)
    assert found.alpha == pytest.approx(0.6667, abs=0.01)
    assert among([{"a": True}]) is None


# Curves


def noisy(n: int, seed: int, sure: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    signal = random.random(n)
    return signal, (random.random(n) < 1 / (1 + np.exp(-sure * (signal - 0.5)))).astype(float)


def test_a_judge_that_tells_nothing_gets_the_share_of_right_ones() -> None:
    random = np.random.default_rng(0)
    curve = fit_curve(random.random(120), (random.random(120) < 0.7).astype(float))
    assert curve.kind == "constant"
    assert curve.predict(0.1) == pytest.approx(0.7, abs=0.1)


def test_a_judge_that_is_the_wrong_way_round_is_of_no_use() -> None:
    signal, right = noisy(200, 1)
    assert fit_curve(1 - signal, right).kind == "constant"


def test_a_smooth_judge_gets_a_logistic_curve_and_honest_probabilities() -> None:
    signal, right = noisy(300, 2)
    curve = fit_curve(signal, right)
    assert curve.kind == "logistic"
    p = cross_fitted(signal, right)
    assert expected_calibration_error(p, right, bins=8) < 0.09
    later, outcome = noisy(5_000, 3)
    assert expected_calibration_error(curve.predict(later), outcome) < 0.06


def test_a_judge_with_a_step_gets_an_isotonic_curve() -> None:
    random = np.random.default_rng(4)
    signal = random.random(600)
    right = (random.random(600) < np.where(signal > 0.9, 0.95, np.where(signal > 0.85, 0.5, 0.05))).astype(float)
    curve = fit_curve(signal, right)
    assert curve.kind == "isotonic"
    assert list(curve.p) == sorted(curve.p)
    assert curve.predict(0.99) > 0.8 > 0.2 > curve.predict(0.3)


def test_few_labels_shrink() -> None:
    signal = np.array([0.1, 0.9] * 6)
    curve = fit_curve(signal, (signal > 0.5).astype(float))
    assert 0.6 < curve.predict(0.9) < 0.99
    assert fit_curve(np.array([0.2, 0.9]), np.array([1.0, 1.0])).predict(0.5) == pytest.approx(0.75)


def test_the_same_rows_give_the_same_curve() -> None:
    signal, right = noisy(80, 5)
    assert fit_curve(signal, right) == fit_curve(signal, right)
    assert np.array_equal(cross_fitted(signal, right), cross_fitted(signal, right))


@pytest.mark.parametrize("signal", [[0.1], [0.1, float("nan")], [[0.1, 0.2]]])
def test_what_is_no_signal_is_refused(signal: list[object]) -> None:
    with pytest.raises(InvalidInput):
        fit_curve(np.array(signal), np.zeros(np.array(signal).shape))


# Rating and reporting


async def test_every_row_is_judged_once_and_in_order() -> None:
    judge, shares = Scripted(good), []
    rows = cases(30)
    found = await rate(judge, rows, progress=lambda share, stage: shares.append(share))
    assert [one.case.id for one in found] == [case.id for case in rows]
    assert sorted(judge.asked) == sorted(case.id for case in rows)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


async def test_a_judge_that_fails_on_a_fifth_changes_no_other_row() -> None:
    rows = cases(50)
    whole = await rate(Scripted(good), rows)
    holed = await rate(
        Scripted(lambda case: [None, UpstreamError("gone")][int(case.id[1:]) % 2] if int(case.id[1:]) % 5 == 0
                 else good(case)),
        rows,
    )  # fmt: skip
    left = [(one.case.id, one.signal) for one in holed if one.signal is not None]
    assert left == [(one.case.id, one.signal) for one in whole if int(one.case.id[1:]) % 5]
    found = agreement_of(Component(name="j"), holed)
    assert (found.rows, found.measured) == (50, 40)
    assert found.unmeasured == {"prose": 5, "gone": 5}
    assert found.own.n == sum(vars(found.confusion).values()) == 40


async def test_what_may_be_spent_is_a_limit() -> None:
    judge = Scripted(good)
    found = await rate(judge, cases(40), max_cost_usd=2.0, concurrent=1)
    assert len(judge.asked) == 8
    assert sum(one.signal is None for one in found) == 32
    assert "cost limit" in found[-1].reason


async def test_a_judge_that_can_not_be_asked_at_all_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="key"):
        await rate(Scripted(lambda case: ConfigurationError("no key")), cases(20))


async def test_the_report_compares_with_length_and_overlap_and_lists_disagreements() -> None:
    rows = cases(120)
    found = agreement_of(Component(name="j"), await rate(Scripted(good), rows))
    assert found.own.kappa == pytest.approx(0.8, abs=0.1)
    assert found.own.kappa_low < 0.8 < found.own.kappa_high
    assert found.own.ece is None
    assert found.calibrated.ece is not None
    assert found.calibrated.ece < 0.1
    assert found.length.auroc is not None
    assert 0.35 < found.length.auroc < 0.65
    assert found.beyond_length is not None
    assert found.beyond_length.low > 0
    assert {one.id for one in found.disagreements} == {f"c{i}" for i in range(3, 120, 10)}
    assert {(one.tag, one.value) for one in found.slices} == {("kind", "even"), ("kind", "odd")}
    assert found.spent.cost_usd == pytest.approx(30.0)


async def test_rows_of_one_kind_or_too_few_can_not_say_anything() -> None:
    rows = [case for case in cases(60) if truth(case)]
    with pytest.raises(InvalidInput, match="rows of both kinds"):
        agreement_of(Component(name="j"), await rate(Scripted(good), rows))
    with pytest.raises(InvalidInput, match=r"0 of 60 .*prose"):
        agreement_of(Component(name="j"), await rate(Scripted(lambda case: None), cases(60)))


# Calibrations on disk


async def calibration(tmp_path: Path, said: Callable[[Case], float | None] = good, n: int = 120) -> Calibrated:
    judge = Scripted(said)
    calibrate(judge, await rate(judge, cases(n)), data_dir=tmp_path)
    return calibrated(judge, tmp_path)


async def test_a_calibrated_judge_gives_probabilities_and_may_gate(tmp_path: Path) -> None:
    judge = await calibration(tmp_path)
    assert judge.calibration is not None
    assert (judge.calibration.reference, judge.advisory) == ("scripted@1", ())
    assert judge.calibration.rows_hash == rows_hash(cases(120)) == rows_hash(cases(120)[::-1])
    assert [metric.gates for metric in judge.metrics] == [True, True]
    other, measure = await judge.score(cases(120)[0], Output(text="x"))
    assert other.value == 7.0
    assert measure.details["signal"] in (0.05, 0.95)
    assert measure.value is not None
    assert 0.8 < max(measure.value, 1 - measure.value) < 0.95
    assert measure.details["calibration"] == "scripted@1"
    assert "advisory" not in measure.details
    assert judge.component.version == f"1+scripted@1.{judge.calibration.rows_hash[:8]}"


async def test_calibrating_a_calibrated_judge_starts_from_its_own_signal(tmp_path: Path) -> None:
    first = await calibration(tmp_path)
    again = calibrate(first, await rate(first, cases(120)), data_dir=tmp_path)
    assert first.calibration is not None
    assert again.version == 2
    assert again.curve == first.calibration.curve
    assert [path.name for path in sorted((tmp_path / "judges" / "scripted").glob("*.json"))] == ["1.json", "2.json"]


async def test_a_judge_without_a_calibration_is_advisory(tmp_path: Path) -> None:
    judge = calibrated(Scripted(good), tmp_path)
    assert not judge.metrics[0].gates
    (_, measure) = await judge.score(cases(2)[0], Output(text="x"))
    assert measure.value in (0.05, 0.95)
    assert "never calibrated" in measure.details["advisory"][0]


async def test_a_judge_that_needs_no_calibration_is_left_as_it_is_until_there_is_one(tmp_path: Path) -> None:
    judge = Scripted(good)
    assert with_calibration(judge, None) is with_calibration(judge, tmp_path) is judge
    await calibration(tmp_path)
    assert isinstance(with_calibration(judge, tmp_path), Calibrated)
    assert with_calibration(Scripted(good, version="2"), tmp_path).metrics[0].gates


async def test_another_judge_does_not_inherit_the_calibration(tmp_path: Path) -> None:
    await calibration(tmp_path)
    other = calibrated(Scripted(good, version="2"), tmp_path)
    assert other.calibration is None
    assert not other.metrics[0].gates
    assert "scripted@1 calibrates another" in other.advisory[0]


@pytest.mark.parametrize(
    ("said", "n", "why"),
    [
        (lambda case: (int(case.id[1:]) * 7 % 11) / 10, 120, "kappa may be as low"),
        (good, 30, "30 judged rows, 50 are needed"),
        (lambda case: None if int(case.id[1:]) % 3 == 0 else good(case), 120, "40 of 120 rows are unmeasured"),
    ],
)
async def test_a_judge_below_its_floor_is_advisory(
    tmp_path: Path, said: Callable[[Case], float | None], n: int, why: str
) -> None:
    judge = await calibration(tmp_path, said, n)
    assert any(why in one for one in judge.advisory), judge.advisory
    assert not judge.metrics[0].gates
    (_, measure) = await judge.score(cases(4)[1], Output(text="x"))
    assert measure.details["advisory"] == list(judge.advisory)


async def test_the_floor_may_be_another(tmp_path: Path) -> None:
    judge = Scripted(good)
    ratings = await rate(judge, cases(120))
    assert calibrate(judge, ratings, data_dir=tmp_path, floor=Floor(kappa=0.95)).advisory
    assert not calibrate(judge, ratings, data_dir=tmp_path, floor=Floor(kappa=0.5)).advisory


@pytest.mark.parametrize("content", ["", "{", '{"format": 2}', '{"curve": {"kind": "logistic", "slope": NaN}}'])
async def test_a_damaged_calibration_is_named(tmp_path: Path, content: str) -> None:
    await calibration(tmp_path)
    (tmp_path / "judges" / "scripted" / "1.json").write_text(content)
    with pytest.raises(CorruptArtefact, match=r"scripted/1\.json"):
        calibrated(Scripted(good), tmp_path)


async def test_no_texts_are_kept_with_a_calibration(tmp_path: Path) -> None:
    await calibration(tmp_path)
    written = (tmp_path / "judges" / "scripted" / "1.json").read_text()
    assert "Question" not in written
    assert json.loads(written)["kind"] == "judge-calibration"
    assert [one.reference for one in JudgeStore(tmp_path).all()] == ["scripted@1"]
    assert JudgeStore(tmp_path / "none").all() == ()


# Drift


async def test_a_judge_that_has_not_changed_raises_no_alarm(tmp_path: Path) -> None:
    judge = await calibration(tmp_path)
    assert judge.calibration is not None
    found = drift_since(judge.calibration, await rate(judge, cases(120)))
    assert found is not None
    assert (found.rows, found.flips, found.change, found.alarms) == (120, (), 0.0, ())


async def test_a_judge_that_got_worse_is_told_with_the_rows_that_flipped(tmp_path: Path) -> None:
    judge = await calibration(tmp_path)
    assert judge.calibration is not None
    worse = Scripted(lambda case: 1 - good(case) if int(case.id[1:]) % 4 == 0 else good(case))
    found = drift_since(judge.calibration, await rate(worse, cases(120)))
    assert found is not None
    assert set(found.flips) == {f"c{i}" for i in range(0, 120, 4)}
    assert found.share == 0.25
    assert "kappa with people fell" in found.alarms[0]
    mute = drift_since(judge.calibration, await rate(Scripted(lambda c: None if int(c.id[1:]) % 2 else good(c)),
                                                     cases(120)))  # fmt: skip
    assert mute is not None
    assert "gives no verdict on 60 of 120" in mute.alarms[0]


async def test_few_flips_are_shown_but_prove_nothing(tmp_path: Path) -> None:
    judge = await calibration(tmp_path)
    assert judge.calibration is not None
    shaky = Scripted(lambda case: 1 - good(case) if case.id in ("c4", "c13") else good(case))
    found = drift_since(judge.calibration, await rate(shaky, cases(120)))
    assert found is not None
    assert found.flips == ("c4", "c13")
    assert found.alarms == ()


async def test_other_rows_say_nothing_of_drift(tmp_path: Path) -> None:
    judge = await calibration(tmp_path)
    assert judge.calibration is not None
    assert drift_since(judge.calibration, await rate(judge, cases(120, seed=9))) is None


def test_chance_alarms_are_rare() -> None:
    """The same judge with noise, asked again: about five in two hundred have a change wholly below 0."""
    alarms = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        right = random.random(100) < 0.5
        before, now = (np.where(random.random(100) < 0.85, right, ~right) for _ in range(2))
        alarms += kappa_change(right, before, now, seed=seed).high < 0
    assert alarms <= 11

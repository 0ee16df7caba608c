"""What is learnt from and what is held out: no copy judges itself, no group is parted, later rows come last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.contract import Examples, Task
from classifiers.training.splits import folds, later, related
from classifiers.training.tidying import tidy
from signalbox.errors import InvalidInput

LABELS = Task("topic", "classification", ("a", "b", "c"))
NUMBER = Task("score", "regression")


def examples(
    texts: list[str], targets: list[list[float]], tasks: tuple[Task, ...] = (LABELS,), outside: tuple[str, ...] = ()
) -> Examples:
    return Examples(tuple(texts), tasks, np.array(targets, dtype=np.float64), outside)


def test_copies_and_empty_texts_are_left_out_and_said() -> None:
    texts = ["one", "One!", "two", "", "three", "four", "five", "six", "seven"]
    targets = [[0], [0], [0], [1], [1], [1], [2], [2], [2]]
    tidied = tidy(examples(texts, targets, outside=("out", "out", " ")), None)
    assert tidied.examples.texts == ("one", "two", "three", "four", "five", "six", "seven")
    assert tidied.examples.outside == ("out",)
    assert [note.split(" ")[0] for note in tidied.notes] == ["1", "1"]


def test_of_labels_at_odds_the_most_frequent_is_learnt_and_a_tie_is_not() -> None:
    texts = ["same", "same", "same", "tie", "tie", "x", "y", "z", "v", "w"]
    targets = [[0], [1], [0], [0], [1], [0], [1], [1], [2], [2]]
    tidied = tidy(examples(texts, targets), None)
    learnt = dict(zip(tidied.examples.texts, tidied.examples.targets[:, 0], strict=True))
    assert learnt["same"] == 0
    assert "tie" not in learnt
    assert any("several labels" in note for note in tidied.notes)


def test_numbers_of_copies_are_averaged() -> None:
    tidied = tidy(examples(["a", "a", "b"], [[1.0], [3.0], [5.0]], (NUMBER,)), np.array([5.0, 4.0, 9.0]))
    assert tidied.examples.targets[:, 0].tolist() == [2.0, 5.0]
    assert tidied.times is not None
    assert tidied.times.tolist() == [4.0, 9.0]


def test_the_callers_examples_are_left_as_they_are() -> None:
    given_ = examples(["a", "a", "b"], [[1.0], [3.0], [5.0]], (NUMBER,))
    tidy(given_, None)
    assert given_.targets[:, 0].tolist() == [1.0, 3.0, 5.0]


def test_a_label_left_with_one_text_is_left_out_and_said() -> None:
    tidied = tidy(examples(["one", "two", "same", "Same", "x", "y"], [[0], [0], [1], [1], [2], [2]]), None)
    assert tidied.examples.tasks[0].labels == ("a", "c")
    assert tidied.examples.targets[:, 0].tolist() == [0, 0, 1, 1]
    assert "'b'" in tidied.notes[-1]
    with pytest.raises(InvalidInput, match="1 labels with 2 different texts"):
        tidy(examples(["one", "two", "same", "Same"], [[0], [0], [1], [1]]), None)


def test_a_text_in_scope_is_not_out_of_scope_too() -> None:
    rows = examples(["hello there", "b", "c", "d"], [[0], [0], [1], [1]], outside=("Hello there!", "else"))
    tidied = tidy(rows, None)
    assert tidied.examples.outside == ("else",)
    assert "1 texts out of scope have a label" in tidied.notes[0]


def test_one_value_is_nothing_to_learn() -> None:
    with pytest.raises(InvalidInput, match="one value only"):
        tidy(examples(["one", "two"], [[1.0], [1.0]], (NUMBER,)), None)


@settings(max_examples=50, deadline=None)
@given(st.integers(10, 80), st.integers(0, 5), st.randoms(use_true_random=False))
def test_every_row_is_held_out_once_and_groups_are_never_parted(n: int, outside: int, random: object) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    rows = examples([f"t{i}" for i in range(n)], [[float(rng.integers(3))] for _ in range(n)], outside=("o",) * outside)
    groups = [tuple(rng.permutation(n)[:4].tolist())]
    splits = folds(rows, groups, seed=1)
    held = np.concatenate([split.held for split in splits])
    assert sorted(held.tolist()) == list(range(n))
    assert sorted(np.concatenate([split.outside_held for split in splits]).tolist()) == list(range(outside))
    for split in splits:
        assert not set(split.fit) & set(split.held)
        assert len(set(groups[0]) & set(split.held.tolist())) in (0, 4)


def test_labels_are_dealt_out_evenly() -> None:
    rows = examples([f"t{i}" for i in range(60)], [[float(i % 3)] for i in range(60)])
    for split in folds(rows, (), seed=0):
        assert np.bincount(rows.positions(0, split.held), minlength=3).tolist() == [4, 4, 4]


def test_later_rows_are_held_out_and_rows_of_one_moment_stay_together() -> None:
    rows = examples([f"t{i}" for i in range(30)], [[float(i)] for i in range(30)], (NUMBER,))
    times = np.array([*range(20), *([20.0] * 5), 21.0, 22.0, 23.0, np.nan, np.nan])
    (split,) = later(rows, times, (), seed=0)
    assert times[split.held].min() > np.nanmax(times[[row for row in split.fit if not np.isnan(times[row])]])
    assert {28, 29} <= set(split.fit.tolist())
    assert len(split.fit) + len(split.held) == 30


def test_near_duplicates_of_later_rows_are_not_learnt_from() -> None:
    rows = examples([f"t{i}" for i in range(30)], [[float(i)] for i in range(30)], (NUMBER,))
    (split,) = later(rows, np.arange(30.0), [(2, 29), (3, 4)], seed=0)
    assert 2 not in split.fit
    assert {3, 4} <= set(split.fit.tolist())


@pytest.mark.parametrize("times", [np.full(30, 5.0), np.full(30, np.nan), np.repeat([1.0, 2.0], [10, 20])])
def test_times_that_part_nothing_are_refused(times: np.ndarray) -> None:
    rows = examples([f"t{i}" for i in range(30)], [[float(i)] for i in range(30)], (NUMBER,))
    with pytest.raises(InvalidInput) as caught:
        later(rows, times, (), seed=0)
    assert caught.value.field == "time"


def test_near_duplicates_out_of_scope_are_not_parted() -> None:
    jokes = (f"tell me a joke about cats number {i}" for i in range(10))
    outside = (*jokes, "is it raining", "sing a song")
    rows = examples([f"text {i} of this" for i in range(20)], [[float(i % 2)] for i in range(20)], outside=outside)
    groups = related(rows, seed=0)
    for split in folds(rows, groups, seed=0):
        held = [i for i in split.outside_held.tolist() if i < 10]
        assert len(held) in (0, 10)

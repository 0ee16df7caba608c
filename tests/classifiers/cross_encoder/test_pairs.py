"""Pairs of claims and evidence that documents give without labels."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from classifiers.cross_encoder.changes import CORRUPTING, KEEPING, Pool
from classifiers.cross_encoder.pairs import make_pairs
from signalbox.errors import InvalidInput

TOWNS = ("Springfield", "Rivendell", "Ankh", "Gotham", "Metropolis", "Lisbon", "Porto", "Faro")
PASSAGES = [
    [
        f"The mayor of {town}, called Ada Brown, opened the bridge on June {number} in {1900 + number}.",
        f"It was not open to cars, which the people of {town} had asked for, before {1950 + number}.",
        f"More than {number}00 people live in {town}, and most of them own a boat.",
    ]
    for number, town in enumerate(TOWNS, 11)
]
SENTENCE = "The river Elbe was crossed by Mary Poole in 1931, and Mary Poole wrote about the Elbe with joy in June."
POOL = Pool(["Tom Reed", "Danube"], ["1931", "1802"], [SENTENCE, *PASSAGES[0]], [SENTENCE, PASSAGES[0][1]])


def test_half_of_the_pairs_are_supported_and_the_same_seed_gives_the_same() -> None:
    pairs = make_pairs(PASSAGES, 400, seed=1)
    assert len(pairs) == 400
    assert 150 < sum(pair.supported for pair in pairs) < 250
    assert pairs == make_pairs(PASSAGES, 400, seed=1)
    assert pairs != make_pairs(PASSAGES, 400, seed=2)


def test_many_kinds_of_change_occur() -> None:
    kinds = Counter(pair.change for pair in make_pairs(PASSAGES, 600, seed=1))
    assert {"as_it_is", "lowered", "other_number", "other_name", "negated", "spliced", "left_out"} <= set(kinds)
    assert set(kinds) <= {*KEEPING, *CORRUPTING, "left_out"}


def test_what_is_not_supported_does_not_stand_in_its_evidence() -> None:
    for pair in make_pairs(PASSAGES, 600, seed=3):
        if not pair.supported:
            assert pair.claim.lower() not in pair.evidence.lower()


@pytest.mark.parametrize("name", sorted(CORRUPTING))
def test_each_corruption_changes_what_is_said(name: str) -> None:
    changed = [CORRUPTING[name](SENTENCE, POOL, random.Random(seed)) for seed in range(20)]
    assert any(one is not None for one in changed)
    assert all(one != SENTENCE for one in changed)


def test_the_changes_of_facts_change_only_them() -> None:
    draw = random.Random(0)
    assert CORRUPTING["negated"]("It was open.", POOL, draw) == "It was not open."
    assert CORRUPTING["negated"]("It was not open.", POOL, draw) == "It was open."
    assert CORRUPTING["opposite"]("It ended before noon.", POOL, draw) == "It ended after noon."
    assert "1931" not in (CORRUPTING["other_number"](SENTENCE, POOL, draw) or "1931")
    assert CORRUPTING["other_number"]("It has no digits.", POOL, draw) is None


def test_spelling_keeps_the_words() -> None:
    draw = random.Random(0)
    assert KEEPING["spaced"]("It didn't rain, they said.", POOL, draw) == "It did n't rain , they said ."
    assert KEEPING["lowered"]("It Rained.", POOL, draw) == "it rained"


def test_too_few_sentences_are_refused() -> None:
    with pytest.raises(InvalidInput, match="20"):
        make_pairs(PASSAGES[:3], 100)

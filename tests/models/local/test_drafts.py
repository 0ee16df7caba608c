"""Guesses at the next tokens: cheap, and only where the text has said it before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signalbox.models.local.drafts import Drafts


def test_guesses_what_followed_the_same_words_before() -> None:
    assert Drafts([1, 2, 3, 4, 5, 6, 9, 2, 3, 4]).guess(2) == [5, 6]


def test_has_no_guess_for_words_never_seen() -> None:
    assert Drafts([1, 2, 3, 4, 5]).guess(4) == []


def test_rests_longer_after_every_miss() -> None:
    drafts = Drafts([1, 2, 3, 1, 2])
    rests = []
    for _ in range(3):
        guess = drafts.guess(1)
        assert guess == [3]
        drafts.learn(1, 0)
        rest = 0
        while not drafts.guess(1):
            rest += 1
        rests.append(rest)
    assert rests == [1, 2, 4]


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(0, 10))
def test_a_guess_is_a_run_of_the_text_and_not_longer_than_asked(tokens: list[int], most: int) -> None:
    guess = Drafts(tokens).guess(most)
    assert len(guess) <= most
    assert any(tokens[at : at + len(guess)] == guess for at in range(len(tokens) + 1))

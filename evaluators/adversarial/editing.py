"""Edits that several families share: at chosen letters, at gaps between words, before and after a text."""

from __future__ import annotations

import random
from collections.abc import Callable

from evaluators.adversarial.types import Strength


def share_of(strength: Strength, shares: tuple[float, float, float]) -> float:
    return shares[strength - 1]


def count_of(strength: Strength, counts: tuple[int, int, int]) -> int:
    return counts[strength - 1]


def at_letters(
    text: str, share: float, rng: random.Random, change: Callable[[str], str], fits: Callable[[str], bool] = str.isalpha
) -> str:
    """`change` put in place of a share of the characters that fit, at least one."""
    places = [place for place, char in enumerate(text) if fits(char)]
    chosen = set(rng.sample(places, min(len(places), max(1, round(share * len(places)))))) if places else set()
    return "".join(change(char) if place in chosen else char for place, char in enumerate(text))


def wider_gaps(text: str, count: int, rng: random.Random) -> str:
    """Up to `count` single spaces doubled: an edit that nobody reads anything into."""
    gaps = [place for place, char in enumerate(text) if char == " "]
    chosen = set(rng.sample(gaps, min(len(gaps), count)))
    return "".join("  " if place in chosen else char for place, char in enumerate(text))


def letters(text: str) -> int:
    return sum(map(str.isalpha, text))

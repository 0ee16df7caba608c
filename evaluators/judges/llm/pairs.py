"""Which of two answers is better: asked in both orders, with what position and length have to do with it.

A judge that changes its mind with the order has no opinion: that is a tie. Over many pairs the share of such changes
is its position bias, and a regression on the difference in length says what is left without it (Dubois et al. 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evaluators.contract import Spent
from evaluators.judges.llm.judge import LlmJudge
from evaluators.judges.llm.material import Material
from signalbox.types import Verdict

Winner = Literal["first", "second", "tie"]
_FEWEST_PAIRS = 10


@dataclass(frozen=True, slots=True)
class Preference:
    """What a judge says of a pair.

    Attributes:
        winner: the better answer, whichever way they are shown; None where an order was not measured.
        consistent: both orders gave the same; None where one was not measured.
        shown_first_won: of each order in which one won, whether it was the one shown first.
        lengths: characters of the first and the second answer.
    """

    winner: Winner | None
    consistent: bool | None
    reason: str
    shown_first_won: tuple[bool, ...]
    lengths: tuple[int, int]
    flags: tuple[str, ...]
    spent: Spent


async def prefer(judge: LlmJudge, material: Material) -> Preference:
    """Ask for a pair in both orders. Raises as `LlmJudge.assess` does."""
    assert material.other is not None, "a preference is between two answers"
    one, two = await judge.assess(material), await judge.assess(material.swapped())
    shown = tuple(_shown(found.verdict) for found in (one, two))
    lengths = (len(material.answer), len(material.other))
    flags, spent = tuple(sorted({*one.flags, *two.flags})), one.spent + two.spent
    won = tuple(place == "first" for place in shown if place in ("first", "second"))
    if shown[0] is None or shown[1] is None:
        missing = one if shown[0] is None else two
        return Preference(None, None, missing.verdict.reason, won, lengths, flags, spent)
    turned: Winner = {"first": "second", "second": "first"}.get(shown[1], "tie")  # type: ignore[assignment]
    if shown[0] == turned:
        return Preference(shown[0], True, one.verdict.reason, won, lengths, flags, spent)
    reason = f"it changes with the order: {shown[0]} of the order given, {turned} when shown the other way round"
    return Preference("tie", False, reason, won, lengths, flags, spent)


def _shown(verdict: Verdict) -> Winner | None:
    """The place that won as the pair was shown: below the middle of the scale the first."""
    if verdict.score is None:
        return None
    return "tie" if abs(verdict.score - 0.5) < 1e-9 else "first" if verdict.score < 0.5 else "second"


@dataclass(frozen=True, slots=True)
class PairFigures:
    """What many preferences together say of their judge.

    Attributes:
        pairs, measured: how many there were, and of how many both orders were measured.
        consistent: share of the measured in which both orders agreed.
        shown_first: share of the orders with a winner in which it was the one shown first; 0.5 is without bias.
        second_wins: share of the measured that the second answer wins, ties counting half.
        longer_wins: share of the decided pairs of different length that the longer answer wins.
        second_wins_at_equal_length: `second_wins` with the difference in length regressed out; None with few pairs.
    """

    pairs: int
    measured: int
    consistent: float | None
    shown_first: float | None
    second_wins: float | None
    longer_wins: float | None
    second_wins_at_equal_length: float | None


def pair_figures(found: Sequence[Preference]) -> PairFigures:
    """Position bias and the part of length, over many pairs; None where nothing can be said."""
    measured = [one for one in found if one.winner is not None]
    places = [won for one in found for won in one.shown_first_won]
    decided = [one for one in measured if one.winner != "tie" and one.lengths[0] != one.lengths[1]]
    longer = [(one.winner == "second") == (one.lengths[1] > one.lengths[0]) for one in decided]
    return PairFigures(
        pairs=len(found),
        measured=len(measured),
        consistent=_mean([bool(one.consistent) for one in measured]),
        shown_first=_mean(places),
        second_wins=_mean([_share(one) for one in measured]),
        longer_wins=_mean(longer),
        second_wins_at_equal_length=_without_length(measured),
    )


def _share(one: Preference) -> float:
    return {"first": 0.0, "second": 1.0}.get(str(one.winner), 0.5)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _without_length(measured: Sequence[Preference]) -> float | None:
    """P(second wins) at no difference in length, from a logistic regression on log(second / first)."""
    import numpy as np

    from signalbox.calibration import fit_logistic

    shares = [_share(one) for one in measured]
    if len(measured) < _FEWEST_PAIRS or len(set(shares)) < 2:
        return None
    ratios = np.array([np.log((one.lengths[1] + 1) / (one.lengths[0] + 1)) for one in measured])
    model = fit_logistic(ratios[:, None], shares, names=["length"])
    return model.predict({"length": 0.0})

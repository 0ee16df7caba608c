"""What a judge's ratings say of it: figures beside those of length and overlap, by slice, and where people disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluators.contract import Component, Spent
from evaluators.judges.agreement.curve import Floats
from evaluators.judges.agreement.figures import (
    Difference,
    Figures,
    auroc_difference,
    calibrated_figures,
    figures_of,
    length_of,
    overlap_of,
)
from evaluators.judges.agreement.raters import Among, among
from evaluators.judges.agreement.rating import Rating
from evaluators.statistics.groups import GROUP_TAGS, groups_of
from signalbox.errors import InvalidInput
from signalbox.types import Frozen

FEWEST_ROWS = 10
_FEWEST_IN_SLICE = 5
_MOST_SLICES = 60
_MOST_TEXT = 2_000


class Confusion(Frozen):
    """People's verdict first, the judge's second."""

    right_right: int
    right_wrong: int
    wrong_right: int
    wrong_wrong: int


class SliceAgreement(Frozen):
    """The judge's own verdicts on the rows with one tag."""

    tag: str
    value: str
    figures: Figures


class Disagreement(Frozen):
    """A row of which people and the judge say opposite things. `signal` is 0 to 1, the judge's."""

    id: str
    query: str
    answer: str
    people: str
    judge: str
    signal: float
    reason: str
    flags: tuple[str, ...] = ()


class Agreement(Frozen):
    """How far a judge agrees with people.

    Attributes:
        unmeasured: reasons for rows without a verdict, how often each; no figure counts those rows.
        own: its own verdicts.
        calibrated: its verdicts once calibrated, each row by a curve fitted on others.
        length, overlap: the same of length alone and of overlap alone.
        beyond_length, beyond_overlap: AUROC of the judge less theirs.
        groups: the tag by which rows count together; None where each stands alone.
        steering: rows whose texts tried to steer the judge.
        disagreements: rows on which its own verdict is not people's, the surest first.
    """

    judge: Component
    rows: int
    measured: int
    right: int
    unmeasured: dict[str, int]
    own: Figures
    calibrated: Figures
    length: Figures
    overlap: Figures
    beyond_length: Difference | None
    beyond_overlap: Difference | None
    groups: str | None
    confusion: Confusion
    slices: tuple[SliceAgreement, ...]
    steering: int
    among: Among | None
    spent: Spent
    disagreements: tuple[Disagreement, ...]


def agreement_of(judge: Component, ratings: Sequence[Rating], *, seed: int = 0) -> Agreement:
    """The report of ratings.

    Raises:
        InvalidInput: fewer than ten rows were measured, or people said the same of all of them.
    """
    known = [one for one in ratings if one.signal is not None]
    reasons = Counter(_short(one.reason) for one in ratings if one.signal is None)
    if len(known) < FEWEST_ROWS:
        why = f" Of the others: {reasons.most_common(1)[0][0]}." if reasons else ""
        raise InvalidInput(
            f"{len(known)} of {len(ratings)} rows have a verdict of the judge, {FEWEST_ROWS} are needed.{why}",
            field="labels",
        )
    signal, right, own = _columns(known)
    if not 0 < right.sum() < len(right):
        said = "right" if right.all() else "wrong"
        raise InvalidInput(
            f"People called all {len(right)} measured rows {said}: rows of both kinds are needed.", field="labels"
        )
    grouped = groups_of([one.case for one in known])
    tag, groups = grouped if grouped is not None else (None, None)
    length = np.array([length_of(one.case) for one in known])
    overlap = np.array([overlap_of(one.case) for one in known])
    people = right > 0.5
    return Agreement(
        judge=judge,
        rows=len(ratings),
        measured=len(known),
        right=int(right.sum()),
        unmeasured=dict(reasons.most_common(20)),
        own=figures_of(own, right, signal=signal, groups=groups, seed=seed),
        calibrated=calibrated_figures(signal, right, groups=groups, seed=seed),
        length=calibrated_figures(length, right, groups=groups, seed=seed),
        overlap=calibrated_figures(overlap, right, groups=groups, seed=seed),
        beyond_length=auroc_difference(signal, length, right, groups=groups, seed=seed),
        beyond_overlap=auroc_difference(signal, overlap, right, groups=groups, seed=seed),
        groups=tag,
        confusion=Confusion(
            right_right=int((people & own).sum()),
            right_wrong=int((people & ~own).sum()),
            wrong_right=int((~people & own).sum()),
            wrong_wrong=int((~people & ~own).sum()),
        ),
        slices=_slices(known, seed),
        steering=sum(bool(one.flags) for one in ratings),
        among=among([one.votes for one in ratings if one.votes]),
        spent=sum((one.spent for one in ratings), Spent()),
        disagreements=_disagreements(known),
    )


def _columns(known: Sequence[Rating]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    signal = np.array([one.signal for one in known], dtype=np.float64)
    right = np.array([one.right for one in known], dtype=np.float64)
    return signal, right, np.array([bool(one.own) for one in known])


def _slices(known: Sequence[Rating], seed: int) -> tuple[SliceAgreement, ...]:
    sizes = Counter((tag, value) for one in known for tag, value in one.case.tags.items() if tag not in GROUP_TAGS)
    found = []
    for (tag, value), size in sorted(sizes.items()):
        if _FEWEST_IN_SLICE <= size < len(known):
            signal, right, own = _columns([one for one in known if one.case.tags.get(tag) == value])
            figures = figures_of(own, right, signal=signal, seed=seed)
            found.append(SliceAgreement(tag=tag, value=value, figures=figures))
    return tuple(found[:_MOST_SLICES])


def _disagreements(known: Sequence[Rating]) -> tuple[Disagreement, ...]:
    found = []
    for one in known:
        if one.own == one.right or one.signal is None or one.case.given is None:
            continue
        found.append(
            Disagreement(
                id=one.case.id,
                query=_short(one.case.query),
                answer=_short(one.case.given.answer),
                people="right" if one.right else "wrong",
                judge="right" if one.own else "wrong",
                signal=one.signal,
                reason=_short(one.reason),
                flags=one.flags,
            )
        )
    return tuple(sorted(found, key=lambda row: (-abs(row.signal - 0.5), row.id)))


def _short(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "…"

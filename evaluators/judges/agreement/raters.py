"""How far several judges agree among themselves: kappa of each pair, and Krippendorff's alpha of all.

Judges that agree may still all be wrong; this says only whether they measure the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from evaluators.judges.agreement.cohen import cohen_kappa
from signalbox.types import Frozen

Votes = Mapping[str, bool | None]


class PairAgreement(Frozen):
    """Of two judges, on the rows that both gave a verdict on."""

    first: str
    second: str
    n: int
    kappa: float | None


class Among(Frozen):
    """`alpha` is 1 for perfect agreement and 0 for that of chance; None where it can't be measured."""

    judges: tuple[str, ...]
    alpha: float | None
    pairs: tuple[PairAgreement, ...]
    unanimous: int
    rows: int


def among(votes: Sequence[Votes]) -> Among | None:
    """Agreement over rows of votes, None being no verdict; None where fewer than two judges voted."""
    judges = tuple(dict.fromkeys(name for row in votes for name in row))
    if len(judges) < 2:
        return None
    pairs = []
    for first, second in combinations(judges, 2):
        both = [(row.get(first), row.get(second)) for row in votes]
        known = [(one, other) for one, other in both if one is not None and other is not None]
        value = cohen_kappa([one for one, _ in known], [other for _, other in known]) if known else None
        pairs.append(PairAgreement(first=first, second=second, n=len(known), kappa=value))
    cast = [[vote for vote in row.values() if vote is not None] for row in votes]
    several = [row for row in cast if len(row) > 1]
    unanimous = sum(len(set(row)) == 1 for row in several)
    return Among(judges=judges, alpha=_alpha(several), pairs=tuple(pairs), unanimous=unanimous, rows=len(several))


def _alpha(rows: Sequence[Sequence[bool]]) -> float | None:
    """Krippendorff (2011), nominal data; rows have two votes or more."""
    right, votes = sum(map(sum, rows)), sum(map(len, rows))
    expected = 2 * right * (votes - right)
    if votes < 2 or not expected:
        return None
    observed = sum(2 * sum(row) * (len(row) - sum(row)) / (len(row) - 1) for row in rows)
    return 1 - (votes - 1) * observed / expected

"""Whether what is missing flatters: cases that only one of two runs measured, set against those that both did."""

from __future__ import annotations

import numpy as np

from evaluators.statistics.intervals import Floats
from evaluators.statistics.paired import exact_mcnemar

_ALPHA = 0.05
_FEWEST = 5
_MANY = 0.1


def missingness_warnings(before: Floats, after: Floats, *, names: tuple[str, str] = ("before", "after")) -> list[str]:
    """What to say of cases left out of a paired comparison.

    Args:
        before, after: values of the same cases in both runs, shape (n,), NaN where one was not measured.

    Returns:
        Sentences: one run lacks more cases than the other beyond chance; the cases it lacks were unusually hard or easy
        for the other; or so many are left out that the rest may not stand for all.
    """
    there = np.isfinite(before), np.isfinite(after)
    both = there[0] & there[1]
    n, left = len(before), int((there[0] ^ there[1]).sum())
    if not left:
        return []
    found = []
    only = int((there[0] & ~there[1]).sum()), int((there[1] & ~there[0]).sum())
    if float(exact_mcnemar(np.array([only[0]]), np.array([only[1]]))[0]) < _ALPHA:
        lacking, having = (1, 0) if only[0] > only[1] else (0, 1)
        found.append(
            f"{names[lacking]} lacks {max(only):,} cases that {names[having]} measured, the other way round "
            f"{min(only):,}: what is missing is not by chance."
        )
    for lacking, having, values in ((1, 0, before), (0, 1, after)):
        lost = there[having] & ~there[lacking]
        if unlike(values[lost], values[both]):
            found.append(
                f"Of the {int(lost.sum()):,} cases that {names[lacking]} lacks, {names[having]} had a mean of "
                f"{values[lost].mean():.3g}, of those compared {values[both].mean():.3g}: the comparison leaves out "
                "unusual cases, and may flatter."
            )
    if left / n > _MANY and not found:
        found.append(f"{left:,} of {n:,} cases were measured in one run only and are left out.")
    return found


def unlike(lost: Floats, kept: Floats) -> bool:
    """Whether values that are left out are larger or smaller than those kept, beyond chance; of a few nobody knows."""
    if min(len(lost), len(kept)) < _FEWEST:
        return False
    from scipy.stats import mannwhitneyu

    if np.ptp(np.concatenate([lost, kept])) == 0:
        return False
    return float(mannwhitneyu(lost, kept).pvalue) < _ALPHA

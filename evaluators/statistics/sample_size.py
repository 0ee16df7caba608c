"""How many cases a question needs: to find a drop, to show that there is none worth speaking of, to be so exact.

Normal approximations (Connor 1987 for paired shares) with the correction that the exact test needs; `benchmarks`
shows how often what they promise comes true.
"""

from __future__ import annotations

import math

from evaluators.statistics.paired import normal_quantile
from signalbox.errors import InvalidInput

MOST = 10_000_000


def cases_to_find(difference: float, *, flips: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Cases on which a paired comparison of two shares finds a difference with this power.

    Args:
        difference: of the shares, above 0; flips: the share of cases that only one of both gets right, at least that.

    Raises:
        InvalidInput: a number is outside its range.
    """
    _check(difference, alpha, power)
    if not difference <= flips <= 1:
        raise InvalidInput(f"flips must lie between the difference {difference} and 1, not {flips}", field="flips")
    a, b = normal_quantile(1 - alpha / 2), normal_quantile(power)
    n = ((a * math.sqrt(flips) + b * math.sqrt(max(flips - difference**2, 0.0))) / difference) ** 2
    # The exact test is discrete, and so asks for more (the continuity correction of Fleiss, Levin and Paik 2003).
    return min(MOST, math.ceil(n / 4 * (1 + math.sqrt(1 + 4 / (n * difference))) ** 2))


def cases_to_find_mean(difference: float, *, deviation: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """The same for the mean of paired differences with this standard deviation."""
    _check(difference, alpha, power)
    reach = normal_quantile(1 - alpha / 2) + normal_quantile(power)
    return min(MOST, max(2, math.ceil((reach * deviation / difference) ** 2) + 2))


def cases_to_show_equal(margin: float, *, deviation: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Cases on which two runs that do not differ are shown to differ by less than the margin, with this power.

    Args:
        deviation: of the paired differences; for shares, the root of the share of cases that flip.
    """
    _check(margin, alpha, power)
    reach = normal_quantile(1 - alpha) + normal_quantile((1 + power) / 2)
    return min(MOST, max(2, math.ceil((reach * deviation / margin) ** 2) + 2))


def cases_for_width(half_width: float, *, share: float = 0.5, level: float = 0.95) -> int:
    """Cases after which a share is known to plus or minus `half_width`."""
    _check(half_width, 1 - level, 0.5)
    reach = normal_quantile((1 + level) / 2)
    return min(MOST, max(1, math.ceil(share * (1 - share) * (reach / half_width) ** 2)))


def smallest_difference(n: int, *, flips: float, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest difference of two shares that `n` paired cases find with this power; None: not even all flips."""
    if n < 1 or not 0 < flips <= 1:
        raise InvalidInput("there must be at least one case, and flips above 0 and at most 1", field="n")
    low, high = 0.0, flips
    if cases_to_find(high, flips=flips, alpha=alpha, power=power) > n:
        return None
    for _ in range(50):
        middle = (low + high) / 2
        if cases_to_find(middle, flips=flips, alpha=alpha, power=power) > n:
            low = middle
        else:
            high = middle
    return high


def _check(size: float, alpha: float, power: float) -> None:
    if not size > 0 or not math.isfinite(size):
        raise InvalidInput(f"a difference must be greater than 0, not {size}", field="difference")
    if not 0 < alpha < 1 or not 0 < power < 1:
        raise InvalidInput("alpha and power must lie between 0 and 1", field="alpha")

"""Whether the evaluators' statistics keep what they promise: coverage, false alarms, power, all by simulation.

`python -m benchmarks.statistics [--rounds N] [--seed N] [--grids] [--json]`

Coverage: 95% intervals of the rate of right answers from 1,000 verdicts of a judge and 100 labels of people, over rates
from 2% to 98% and judges that take 5 to 30% of wrong answers for right and 5 to 20% of right ones for wrong, or give a
probability. False alarms: two runs of one system, 80 to 1,000 cases, of which 2 to 20% flip, the worst of these;
`false_alarm_rate_of` is of scores, and of costs with a long tail, whose test has no slack. Power: right on 85% before,
80% after, 400 cases, of which besides the 5% that are lost for good 2% are lost and 2% gained by chance (9% flip);
`power_by_flips` has other shares of flips, and `decided` counts decisions of the whole comparison with its margin.
`compare_*` and `gate_*` go through the whole comparison and gate, on runs of 400 cases with three metrics, of one
system with cases related or missing (false alarms), and with the drop; `compare_rounds` says on how few rounds.
`interval_coverage` is the mean over 40 cells of judge and rate; `coverage_lowest`, `coverage_highest` and
`cells_within_93_to_97` say what the mean hides.
Anchors, on the same draws: the judge's mean with the usual interval, people's labels alone, an unpaired test.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import finish, track
from benchmarks._comparing import compared
from evaluators.comparing.compare import decide
from evaluators.statistics.intervals import share_interval
from evaluators.statistics.paired import exact_mcnemar, paired_means, paired_shares
from evaluators.statistics.prediction_powered import powered_rows

Floats = NDArray[np.float64]
LABELS, JUDGED = 100, 1_000
RATES = (0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.85, 0.9, 0.95, 0.98)
REACH = 1.959964
ALPHA, MARGIN = 0.05, 0.02
BEFORE, DROP, CASES, CHANCE = 0.85, 0.05, 400, 0.02
SIZES = (80, 200, CASES, 1_000)
_DECIDED = 300
_COMPARED = 150


@dataclass(frozen=True)
class Judge:
    """How often it takes wrong answers for right and right for wrong; or, with `apart`, gives a probability."""

    name: str
    lenient: float = 0.0
    strict: float = 0.0
    apart: float = 0.0

    def says(self, right: NDArray[np.bool_], rate: float, random: np.random.Generator) -> Floats:
        if self.apart:
            z = random.normal(size=right.shape) + self.apart * right
            odds = self.apart * (z - self.apart / 2) + np.log(rate / (1 - rate))
            said: Floats = 1 / (1 + np.exp(-odds))
            return said
        drawn = random.random(right.shape)
        return np.where(right, drawn > self.strict, drawn < self.lenient).astype(np.float64)


JUDGES = (
    Judge("10% either way", 0.1, 0.1),
    Judge("lenient", 0.3, 0.05),
    Judge("strict", 0.05, 0.2),
    Judge("probability, AUROC .95", apart=2.3),
)


def coverage(rounds: int, seed: int) -> dict[str, Any]:
    """How often intervals hold the true rate, by judge and rate, and how wide they are."""
    random = np.random.default_rng(seed)
    cells: dict[str, list[float]] = {"ours": [], "naive judged mean": [], "people alone": [], "people, t": []}
    widths: dict[str, list[float]] = {name: [] for name in cells}
    grid: dict[str, dict[str, float]] = {}
    for judge in track(JUDGES, "coverage"):
        grid[judge.name] = {}
        for rate in RATES:
            found = _one_cell(judge, rate, rounds, random)
            for name, (held, width) in found.items():
                cells[name].append(held)
                widths[name].append(width)
            grid[judge.name][f"{rate:g}"] = found["ours"][0]
    told = {
        name: {
            "interval_coverage": float(np.mean(held)),
            "coverage_lowest": min(held),
            "coverage_highest": max(held),
            "cells_within_93_to_97": float(np.mean([0.93 <= one <= 0.97 for one in held])),
            "mean_width": float(np.mean(widths[name])),
        }
        for name, held in cells.items()
    }
    return {"told": told, "grid": grid}


def _one_cell(judge: Judge, rate: float, rounds: int, random: np.random.Generator) -> dict[str, tuple[float, float]]:
    y = random.random((rounds, LABELS)) < rate
    f = judge.says(y, rate, random)
    pool = judge.says(random.random((rounds, JUDGED - LABELS)) < rate, rate, random)
    truth = y.astype(np.float64)
    _, low, high, _, _ = powered_rows(truth, f, pool.mean(axis=1), pool.shape[1])
    everything = np.concatenate([f, pool], axis=1)
    mean, error = everything.mean(axis=1), everything.std(axis=1, ddof=1) / np.sqrt(JUDGED)
    exact = np.array([share_interval(float(k), LABELS) for k in range(LABELS + 1)])
    alone = exact[truth.sum(axis=1).astype(int)]
    people, spread = truth.mean(axis=1), truth.std(axis=1, ddof=1) / np.sqrt(LABELS)
    return {
        "ours": _held(low, high, rate),
        "naive judged mean": _held(mean - REACH * error, mean + REACH * error, rate),
        "people alone": _held(alone[:, 0], alone[:, 1], rate),
        "people, t": _held(people - 1.984 * spread, people + 1.984 * spread, rate),
    }


def _held(low: Floats, high: Floats, rate: float) -> tuple[float, float]:
    return float(np.mean((low <= rate) & (rate <= high))), float(np.mean(high - low))


def flips(
    rounds: int, n: int, lost: float, gained: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many cases only the run before or only the one after got right."""
    drawn = random.multinomial(n, [lost, gained, 1 - lost - gained], size=rounds)
    return drawn[:, 0], drawn[:, 1]


def alarms(rounds: int, seed: int) -> dict[str, float]:
    """How often two runs of one system are told apart by a share, over sizes and shares of flips."""
    random = np.random.default_rng(seed + 1)
    by_cell = {}
    for n in SIZES:
        for share in (0.02, 0.05, 0.1, 0.2):
            lost, gained = flips(rounds, n, share / 2, share / 2, random)
            by_cell[f"{n} cases, {share:.0%} flip"] = float(np.mean(exact_mcnemar(gained, lost) <= ALPHA))
    return by_cell


def mean_alarms(rounds: int, seed: int) -> dict[str, float]:
    """The same by the mean of scores, and of costs with a long tail; over all sizes, since none is discrete."""
    random = np.random.default_rng(seed + 4)
    found = {}
    for name, draw, a, b in (("scores", random.beta, 5.0, 2.0), ("costs", random.lognormal, 0.0, 1.5)):
        told = [paired_means(draw(a, b, n), draw(a, b, n), margin=MARGIN).p <= ALPHA
                for n in SIZES for _ in range(rounds)]  # fmt: skip
        found[name] = float(np.mean(told))
    return found


def power(rounds: int, seed: int) -> dict[str, dict[str, float]]:
    """How often the drop is found, by the share of cases that besides flip by chance, paired and unpaired."""
    random = np.random.default_rng(seed + 2)
    found = {}
    for chance in (0.0, 0.01, 0.02, 0.03, 0.04):
        lost, gained = flips(rounds, CASES, DROP + chance, chance, random)
        p = exact_mcnemar(gained, lost)
        # An unpaired test of the same runs: those that are right before, and after.
        right_before = random.binomial(CASES - lost - gained, (BEFORE - DROP - chance) / (1 - DROP - 2 * chance)) + lost
        right_after = right_before - lost + gained
        one, other = right_before / CASES, right_after / CASES
        pooled = (one + other) / 2
        z = (other - one) / np.sqrt(2 * pooled * (1 - pooled) / CASES)
        found[f"{DROP + 2 * chance:.0%} flip"] = {
            "paired": float(np.mean((p <= ALPHA) & (lost > gained))),
            "unpaired": float(np.mean(z < -REACH)),
        }
    return found


def decided(rounds: int, seed: int) -> dict[str, dict[str, float]]:
    """What the comparison decides, with its margin: the same system, and the drop."""
    random = np.random.default_rng(seed + 3)
    found = {}
    for name, lost_share, gained_share in (
        ("same system", CHANCE, CHANCE),
        ("drop of five points", DROP + CHANCE, CHANCE),
    ):
        counts = {"better": 0, "worse": 0, "equivalent": 0, "undecided": 0}
        for before, after in _runs(rounds, lost_share, gained_share, random):
            told = paired_shares(before, after, margin=MARGIN)
            counts[decide(told.difference, told.p, told.p_equivalent, higher=True, alpha=ALPHA)] += 1
        found[name] = {word: count / rounds for word, count in counts.items()}
    return found


def _runs(rounds: int, lost: float, gained: float, random: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
    for _ in range(rounds):
        kinds = random.choice(4, size=CASES, p=[lost, gained, BEFORE - lost, 1 - BEFORE - gained])
        yield np.isin(kinds, (0, 2)).astype(np.float64), np.isin(kinds, (1, 2)).astype(np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4_000, help="simulated data sets a cell")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--grids", action="store_true", help="also every cell")
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()
    covered = coverage(arguments.rounds, arguments.seed)
    by_cell = alarms(5 * arguments.rounds, arguments.seed)
    by_flips = power(5 * arguments.rounds, arguments.seed)
    usual = by_flips[f"{DROP + 2 * CHANCE:.0%} flip"]
    told = covered["told"]
    result = {
        **told.pop("ours"),
        "false_alarm_rate": max(by_cell.values()),
        "false_alarm_rate_of": mean_alarms(min(4_000, arguments.rounds), arguments.seed),
        "power": usual["paired"],
        "decided": decided(min(_DECIDED, arguments.rounds), arguments.seed),
        "power_by_flips": {name: one["paired"] for name, one in by_flips.items()},
        **compared(min(_COMPARED, arguments.rounds), arguments.seed),
        "anchors": {
            **told,
            "unpaired test": {
                "power": usual["unpaired"],
                "power_by_flips": {name: one["unpaired"] for name, one in by_flips.items()},
            },
        },
    }
    if arguments.grids:
        result |= {"coverage_by_rate": covered["grid"], "false_alarms_by_cell": by_cell}
    finish("Statistics", result, only_json=arguments.json)


if __name__ == "__main__":
    main()

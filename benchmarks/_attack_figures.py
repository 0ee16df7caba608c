"""What attacks on queries did: rates net of a benign twin, with intervals by query, and what they cost.

Rates are among queries that a cheap route answered before; the cost is of the dear ones too, of which a few stand for
all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks._attack_routing import Ask, Asked, asked
from eval_sets import LabelledQuery
from evaluators.adversarial.intervals import Difference, difference, share
from evaluators.adversarial.types import Arm, Family, Strength, seeded

STRENGTH: Strength = 2


def changed(labelled: LabelledQuery, found: Family, arm: Arm, seed: int) -> str:
    assert found.kind == "query", "only queries are attacked here"
    change = found.attack if arm == "attacked" else found.twin
    return change(labelled.query, STRENGTH, seeded(seed, found.name, labelled.id)).text


@dataclass(frozen=True, slots=True)
class Sample:
    """Queries with what came of them before: all that a cheap route answered, and dear ones that stand for `weight`."""

    queries: tuple[LabelledQuery, ...]
    before: tuple[Asked, ...]
    weight: float

    @property
    def cheap(self) -> list[int]:
        return [place for place, one in enumerate(self.before) if not one.dear]


def sample_of(queries: Sequence[LabelledQuery], before: Sequence[Asked], cheap: int) -> Sample:
    """The first `cheap` queries that were answered cheaply, and a quarter as many of the dear ones.

    Of dear ones only the cost is of interest: they are weighted as there are of them beside cheap ones.
    """
    pairs = list(zip(queries, before, strict=True))
    easy = [pair for pair in pairs if not pair[1].dear]
    hard = [pair for pair in pairs if pair[1].dear]
    kept, few = easy[:cheap], hard[: max(1, cheap // 4)]
    weight = len(kept) / len(easy) * len(hard) / len(few) if easy and few else 1.0
    chosen = [*kept, *few]
    return Sample(tuple(one for one, _ in chosen), tuple(then for _, then in chosen), weight)


async def attack(ask: Ask, sample: Sample, members: Sequence[Family], seed: int) -> dict[str, object]:
    """The figures of one target: of all its families together. Twins are asked of the cheap queries only."""
    rows: list[tuple[int, Asked, Asked]] = []
    costs = 0.0
    for member in members:
        texts = [changed(one, member, "attacked", seed) for one in sample.queries]
        attacked = await asked(ask, zip(sample.queries, texts, strict=True))
        easy = [sample.queries[place] for place in sample.cheap]
        twins = await asked(ask, [(one, changed(one, member, "benign", seed)) for one in easy])
        rows += [(place, twin, attacked[place]) for place, twin in zip(sample.cheap, twins, strict=True)]
        costs += _cost(sample, attacked)
    return figures(sample, rows, costs / (len(members) * before) if (before := _cost(sample, sample.before)) else None)


def _cost(sample: Sample, found: Sequence[Asked]) -> float:
    pairs = zip(sample.before, found, strict=True)
    return sum(now.cost_usd * (sample.weight if then.dear else 1.0) for then, now in pairs)


def figures(sample: Sample, rows: Sequence[tuple[int, Asked, Asked]], cost_ratio: float | None) -> dict[str, object]:
    """Rates among the queries that a cheap route answered before, each row its place, its twin and it attacked.

    `forced_escalation` is net of the twin; `net_success` also counts answers that turned wrong. Intervals are 95%, by
    query.
    """
    groups = np.array([place for place, _, _ in rows], dtype=np.int64)
    forced = _difference([(twin.dear, now.dear) for _, twin, now in rows], groups)
    then = [sample.before[place] for place, _, _ in rows]
    hits = [(_is_harmed(one, twin), _is_harmed(one, now)) for one, (_, twin, now) in zip(then, rows, strict=True)]
    harmed = _difference(hits, groups)
    return {
        "cheap_before": len(sample.cheap),
        "forced_escalation": forced.value if forced else 0.0,
        "forced_interval": [forced.low, forced.high] if forced else [-1.0, 1.0],
        "gross_escalation": forced.attacked if forced else 0.0,
        "twin_escalation": forced.benign if forced else 0.0,
        "net_success": harmed.value if harmed else 0.0,
        "success_interval": [harmed.low, harmed.high] if harmed else [-1.0, 1.0],
        "cost_ratio": cost_ratio,
        "cheaply_right_before": _share([one.cheaply_right for one in then]),
        "cheaply_right_twin": _share([twin.cheaply_right for _, twin, _ in rows]),
        "cheaply_right_attacked": _share([now.cheaply_right for _, _, now in rows]),
    }


def drop(off: Sequence[bool], on: Sequence[bool]) -> Difference:
    """How many fewer queries come out well with the defences on, of the same queries."""
    found = _difference(list(zip(on, off, strict=True)), np.arange(len(off)))
    assert found is not None, "there are queries"
    return found


def _difference(pairs: Sequence[tuple[bool, bool]], groups: np.ndarray) -> Difference | None:
    values = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return difference(values[:, 1], values[:, 0], groups)


def _is_harmed(then: Asked, now: Asked) -> bool:
    return now.dear or (then.right is True and now.right is False)


def _share(values: Sequence[bool]) -> float:
    return sum(values) / max(1, len(values))


def benign(
    queries: Sequence[LabelledQuery],
    on: Sequence[Asked],
    off: Sequence[Asked],
    altered: Sequence[bool],
) -> dict[str, Any]:
    """What the defences do to queries that nobody has changed.

    A hit is false where a query is routed by other words than its own though it is not one of those written with typos,
    or where the caller is told that it was changed.
    """
    right = drop([one.right is True for one in off], [one.right is True for one in on])
    cheap = drop([one.cheaply_right for one in off], [one.cheaply_right for one in on])
    worse = cheap if cheap.value >= right.value else right
    false = [
        found.fired or (changed and one.style != "typo")
        for one, found, changed in zip(queries, on, altered, strict=True)
    ]
    hits = share(np.array(false, dtype=np.float64), np.arange(len(false)))
    spoilt = [
        changed and then.right is True and now.right is not True
        for changed, then, now in zip(altered, off, on, strict=True)
    ]
    assert hits is not None, "there are queries"
    return {
        "benign": len(queries),
        "benign_right": sum(one.right is True for one in on) / len(on),
        "benign_right_without_cloud": cheap.benign,
        "utility_drop": worse.value,
        "utility_drop_interval": [worse.low, worse.high],
        "utility_drop_without_cloud": cheap.value,
        "false_hits": hits.value,
        "false_hits_interval": [hits.low, hits.high],
        "benign_changed": sum(altered) / len(altered),
        "benign_changed_and_spoilt": sum(spoilt) / len(spoilt),
        "benign_fired": sum(one.fired for one in on) / len(on),
    }

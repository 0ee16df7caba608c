"""Is a change better, worse, equivalent or undecided? Paired, case by case, corrected for how many metrics are asked.

Equivalent: the difference is shown to be within the margin, by two one-sided tests. Better or worse: it is shown to be
there, and not shown to be within the margin. Both are corrected by Holm over the metrics that are decided on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.comparing.matching import match, not_comparable
from evaluators.comparing.record import Record, shown
from evaluators.comparing.types import Comparison, Decision, Flip, MetricComparison
from evaluators.comparing.words import explained, headline, overall
from evaluators.contract import Metric, Row
from evaluators.statistics.groups import groups_of
from evaluators.statistics.intervals import Floats, Groups
from evaluators.statistics.missing import missingness_warnings
from evaluators.statistics.multiple import benjamini_hochberg, holm
from evaluators.statistics.paired import Paired, paired_means, paired_shares
from evaluators.statistics.sample_size import cases_to_find_mean, cases_to_show_equal
from signalbox.errors import InvalidInput, UnknownName

MOST_FLIPS = 200
_LONGEST_QUERY = 500
_POWER = 0.8


def compare(
    before: Record,
    after: Record,
    *,
    margin: float | Mapping[str, float],
    alpha: float = 0.05,
    metrics: Sequence[str] | None = None,
) -> Comparison:
    """Compare two runs on the cases that both have, unchanged.

    Args:
        margin: the largest difference that does not matter: of shares and scores as such (0.02 is two points), of
            numbers as a part of the mean before; a mapping gives it by metric, in the metric's own unit, `""` for all
            others.
        alpha: how often, at most, runs that do not differ are told apart, over all metrics together.
        metrics: those to decide on; None: all that have a direction.

    Raises:
        InvalidInput: the runs can't be compared at all, or a margin or alpha is outside its range.
        UnknownName: a metric that neither run measured.
    """
    margins = dict(margin) if isinstance(margin, Mapping) else {"": margin}
    _check(margins, alpha)
    matched = match(before, after)
    known = {metric.name: metric for metric in (*before.metrics, *after.metrics)}
    for name in [*(metrics or ()), *(one for one in margins if one)]:
        if name not in known:
            raise UnknownName(f"No run measured {name!r}; they measured {', '.join(known)}.", field="metric")
    wanted = [known[name] for name in dict.fromkeys(metrics)] if metrics is not None else list(known.values())
    grouping = groups_of([row.case for row, _ in matched.pairs])
    groups = grouping[1] if grouping is not None else None
    found = [_measured(before, after, matched.pairs, metric, margins, alpha, groups) for metric in wanted]
    told = _decided(found, alpha)
    warnings = list(matched.warnings)
    if grouping is not None:
        warnings.append(f"Cases that share the tag {grouping[0]!r} are counted as one group, so intervals are wider.")
    verdict = overall_decision(told)
    return Comparison(
        before=shown(before),
        after=shown(after),
        verdict=verdict,
        headline=headline(verdict, told),
        summary=overall(told),
        alpha=alpha,
        shared=len(matched.pairs),
        only_before=matched.only_before,
        only_after=matched.only_after,
        changed=matched.changed,
        metrics=told,
        warnings=tuple(warnings),
    )


def decide(difference: float, p: float, p_equivalent: float, *, higher: bool, alpha: float) -> Decision:
    """From corrected p-values. A difference shown to be within the margin does not matter, even if it is there."""
    if p_equivalent <= alpha:
        return "equivalent"
    if p <= alpha and difference != 0:
        return "better" if (difference > 0) == higher else "worse"
    return "undecided"


def overall_decision(metrics: Sequence[MetricComparison]) -> Decision:
    """Worse where any metric that may gate is; equivalent where all are within the margin.

    Better where one is, none is worse, and none that is undecided has lost as much as its margin: that may be harm.
    """
    asked = [one for one in metrics if one.metric.gates and one.decision is not None]
    found = [one.decision for one in asked]
    if "worse" in found:
        return "worse"
    if "better" in found:
        return "undecided" if any(_may_harm(one) for one in asked) else "better"
    return "equivalent" if found and all(one == "equivalent" for one in found) else "undecided"


def _may_harm(one: MetricComparison) -> bool:
    if one.decision != "undecided" or one.difference is None or one.margin is None:
        return False
    return one.difference * (1 if one.metric.better == "lower" else -1) >= one.margin


@dataclass(frozen=True, slots=True)
class _Found:
    told: MetricComparison
    paired: Paired | None
    tests: int = 0


def _measured(
    before: Record,
    after: Record,
    pairs: Sequence[tuple[Row, Row]],
    metric: Metric,
    margins: Mapping[str, float],
    alpha: float,
    groups: Groups | None,
) -> _Found:
    why = not_comparable(before, after, metric)
    if why is not None:
        return _Found(MetricComparison(metric=metric, comparable=False, explanation=f"Not comparable: {why}."), None)
    one, other = (_values([pair[side] for pair in pairs], metric.name) for side in (0, 1))
    both = np.isfinite(one) & np.isfinite(other)
    base = MetricComparison(
        metric=metric,
        n=int(both.sum()),
        only_before=int((np.isfinite(one) & ~both).sum()),
        only_after=int((np.isfinite(other) & ~both).sum()),
        neither=int((~np.isfinite(one) & ~np.isfinite(other)).sum()),
        warnings=tuple(missingness_warnings(one, other, names=(before.id, after.id))),
    )
    if not both.any():
        told = base.model_copy(update={"explanation": "No case was measured in both runs."})
        return _Found(told, None)
    first, second = one[both], other[both]
    own_groups = None if groups is None else groups[both]
    limit = margins.get(metric.name)
    if limit is None:
        part = margins.get("", 0.0)
        limit = part * abs(float(first.mean())) if metric.kind == "number" else part
    # A margin of 0, of a metric that was 0 throughout: nothing can be shown to be within it.
    limit = max(limit, 1e-12)
    share = metric.kind == "share" and bool(np.isin(np.concatenate([first, second]), (0.0, 1.0)).all())
    if share:
        paired = paired_shares(first, second, margin=limit, groups=own_groups, level=1 - alpha)
    else:
        paired = paired_means(
            first, second, margin=limit, groups=own_groups, level=1 - alpha, bounded=metric.kind != "number"
        )
    flips = _flips([pair for pair, there in zip(pairs, both.tolist(), strict=True) if there], first, second, metric)
    turned = metric.better == "lower"
    told = base.model_copy(
        update={
            "before": float(first.mean()),
            "after": float(second.mean()),
            "difference": paired.difference,
            "low": paired.low if math.isfinite(paired.low) else None,
            "high": paired.high if math.isfinite(paired.high) else None,
            "margin": limit,
            "p": paired.p,
            "p_no_worse": paired.p_higher if turned else paired.p_lower,
            "gained": paired.lost if turned else paired.gained,
            "lost": paired.gained if turned else paired.lost,
            "method": paired.method,
            "groups": paired.groups,
            "flips": flips,
        }
    )
    return _Found(told, paired)


def _decided(found: Sequence[_Found], alpha: float) -> tuple[MetricComparison, ...]:
    asked = [one for one in found if one.paired is not None and one.told.metric.better is not None]
    p_values = [one.paired.p for one in asked if one.paired is not None]
    corrected, rates = holm(p_values), benjamini_hochberg(p_values)
    equal = holm([one.paired.p_equivalent for one in asked if one.paired is not None])
    places = {one.told.metric.name: place for place, one in enumerate(asked)}
    told = []
    for one in found:
        place = places.get(one.told.metric.name)
        if place is None or one.paired is None:
            told.append(one.told if one.told.explanation else one.told.model_copy(update={
                "explanation": "No direction of it is better, so nothing is decided."}))  # fmt: skip
            continue
        decision = decide(
            one.paired.difference,
            corrected[place],
            equal[place],
            higher=one.told.metric.better == "higher",
            alpha=alpha,
        )
        update = {
            "p_holm": corrected[place],
            "q": rates[place],
            "p_equivalent": equal[place],
            "decision": decision,
            "more_cases": _more(one.paired, one.told.margin or 0.0, alpha, len(asked))
            if decision == "undecided"
            else None,
        }
        done = one.told.model_copy(update=update)
        told.append(done.model_copy(update={"explanation": explained(done, alpha)}))
    return tuple(told)


def _more(paired: Paired, margin: float, alpha: float, tests: int) -> int | None:
    """Cases beyond these with which a difference of the margin would be found, and none be shown to be none."""
    if paired.deviation <= 0 or margin <= 1e-12:
        return None
    # Related cases bring less than a case each.
    size = paired.n / (paired.groups or paired.n)
    own = alpha / tests
    needed = max(
        cases_to_find_mean(margin, deviation=paired.deviation, alpha=own, power=_POWER),
        cases_to_show_equal(margin, deviation=paired.deviation, alpha=own, power=_POWER),
    )
    return max(1, math.ceil(needed * (size if paired.groups and size > 1 else 1)) - paired.n)


def _values(rows: Sequence[Row], name: str) -> Floats:
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        measure = row.measure(name) if row.output is not None else None
        if measure is not None and measure.value is not None:
            found[place] = measure.value
    return found


def _flips(pairs: Sequence[tuple[Row, Row]], before: Floats, after: Floats, metric: Metric) -> tuple[Flip, ...]:
    """The cases that differ most, lost ones and gained ones each up to half of the places."""
    gain = (after - before) * (-1 if metric.better == "lower" else 1)
    order = np.argsort(-np.abs(gain), kind="stable")
    lost = [i for i in order.tolist() if gain[i] < 0][: MOST_FLIPS // 2]
    gained = [i for i in order.tolist() if gain[i] > 0][: MOST_FLIPS // 2]
    return tuple(
        Flip(
            case=pairs[i][0].case.id,
            query=pairs[i][0].case.query[:_LONGEST_QUERY],
            before=float(before[i]),
            after=float(after[i]),
            gained=bool(gain[i] > 0),
        )
        for i in (*lost, *gained)
    )


def _check(margins: Mapping[str, float], alpha: float) -> None:
    if not 0 < alpha < 1:
        raise InvalidInput(f"alpha must lie between 0 and 1, not {alpha}", field="alpha")
    for name, value in margins.items():
        if not value > 0 or not math.isfinite(value):
            where = f" of {name}" if name else ""
            raise InvalidInput(
                f"the margin{where} must be greater than 0, not {value}: the largest difference that does not matter",
                field="margin",
            )

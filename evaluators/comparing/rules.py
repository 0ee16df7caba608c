"""Rules that a run must pass, as text: `right>=0.9`, `right.lower>=0.85`, `cost_usd<=0.01`, `no-worse:right@0.02`."""

from __future__ import annotations

import re
from typing import Literal

from evaluators.contract import Value
from signalbox.errors import InvalidInput
from signalbox.types import Frozen

Part = Literal["value", "lower", "upper", "median", "p95", "unmeasured"]
_BOUND = re.compile(
    r"(?P<metric>[^\s<>=@]+?)(\.(?P<part>value|lower|upper|median|p95|unmeasured))?\s*(?P<sign><=|>=)\s*(?P<bound>\S+)"
)
_PAIRED = re.compile(r"(?P<kind>no-worse|better):(?P<metric>[^\s@]+)@(?P<margin>\S+)")
_HELP = (
    "write METRIC>=0.9, METRIC<=0.01, METRIC.lower>=0.85 (also .upper, .median, .p95, .unmeasured), "
    "no-worse:METRIC@0.02 or better:METRIC@0.02"
)
_LONGEST = 200


class Rule(Frozen):
    """One rule.

    Attributes:
        kind: `bound` holds a part of a metric against `bound`; `no-worse` demands that the metric be shown to be at
            most `bound` (the margin) worse than in the baseline, `better` that it be shown to be better.
        part: of the metric; `unmeasured` is the share of cases without a value.
    """

    text: str
    kind: Literal["bound", "no-worse", "better"]
    metric: str
    part: Part = "value"
    sign: Literal["<=", ">="] = ">="
    bound: Value


def parse_rule(text: str) -> Rule:
    """Read a rule. Raises InvalidInput, with how a rule is written, where it can't be."""
    clean = text.strip()
    if len(clean) > _LONGEST:
        raise InvalidInput(f"A rule of {len(clean):,} characters is too long: {_HELP}.", field="rule")
    if paired := _PAIRED.fullmatch(clean):
        margin = _number(clean, paired["margin"])
        if margin <= 0:
            raise InvalidInput(f"The margin of {clean!r} must be greater than 0.", field="rule")
        kind: Literal["no-worse", "better"] = "better" if paired["kind"] == "better" else "no-worse"
        return Rule(text=clean, kind=kind, metric=paired["metric"], bound=margin)
    if bound := _BOUND.fullmatch(clean):
        return Rule.model_validate(
            {
                "text": clean,
                "kind": "bound",
                "metric": bound["metric"],
                "part": bound["part"] or "value",
                "sign": bound["sign"],
                "bound": _number(clean, bound["bound"]),
            }
        )
    raise InvalidInput(f"{clean!r} is no rule: {_HELP}.", field="rule")


def _number(rule: str, text: str) -> float:
    percent = text.endswith("%")
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        raise InvalidInput(f"{text!r} in {rule!r} is not a number: {_HELP}.", field="rule") from None
    if value != value or abs(value) == float("inf"):
        raise InvalidInput(f"{text!r} in {rule!r} is not a finite number.", field="rule")
    return value / 100 if percent else value

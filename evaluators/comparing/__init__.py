"""Two runs, case by case: better, worse, equivalent or undecided; and the rules that a run must pass."""

from __future__ import annotations

from evaluators.comparing.compare import compare
from evaluators.comparing.gate import GateResult, RuleResult, gate
from evaluators.comparing.record import Record, RunShown, shown
from evaluators.comparing.rules import Rule, parse_rule
from evaluators.comparing.types import Comparison, Decision, Flip, MetricComparison

__all__ = [
    "Comparison",
    "Decision",
    "Flip",
    "GateResult",
    "MetricComparison",
    "Record",
    "Rule",
    "RuleResult",
    "RunShown",
    "compare",
    "gate",
    "parse_rule",
    "shown",
]

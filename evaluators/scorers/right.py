"""How good the answers are that were given without a person, and how many were.

`right` is the share of the given answers (what an accepted error rate is about), `answered` how many were given, and
`wrong` the share of all cases that got a wrong answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import Arguments, FunctionScorer, component, not_asked, read_arguments, share
from evaluators.scorers.resources import Resources
from evaluators.scorers.rightness import judge


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("right", Arguments, arguments)
    metrics = (Metric(name="right"), Metric(name="answered", better=None), Metric(name="wrong", better="lower"))
    return FunctionScorer(component("right", given), metrics, _measure)


def _measure(case: Case, output: Output) -> Sequence[Measure]:
    told = judge(case, output)
    answered = share("answered", told.answered)
    if told.right is None:
        right = not_asked("right", told.reason)
        wrong = not_asked("wrong", told.reason) if told.answered else share("wrong", False, told.reason)
        return [right, answered, wrong]
    return [share("right", told.right, told.reason), answered, share("wrong", not told.right, told.reason)]

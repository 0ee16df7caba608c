"""What calibration is measured by: the squared distance of a confidence from what came true (Brier 1950), a case each.

The details hold confidence and truth, from which reliability curves and expected calibration error are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import Arguments, FunctionScorer, component, not_asked, read_arguments, unmeasured
from evaluators.scorers.resources import Resources
from evaluators.scorers.rightness import judge


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("brier", Arguments, arguments)
    return FunctionScorer(component("brier", given), (Metric(name="brier", kind="score", better="lower"),), _measure)


def _measure(case: Case, output: Output) -> Sequence[Measure]:
    told = judge(case, output)
    if told.right is None:
        return [not_asked("brier", told.reason)]
    if output.prediction is None:
        return [not_asked("brier", "the target is one that says no confidence")]
    confidence = output.prediction.confidence
    if confidence is None:
        return [unmeasured("brier", "the answer came without a confidence")]
    details = {"confidence": confidence, "right": told.right}
    return [Measure(metric="brier", value=(confidence - told.right) ** 2, details=details)]

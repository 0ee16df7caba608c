"""A single label: the one answered with is among those that apply. `task` says of which, where there are several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import (
    NO_ANSWER,
    Arguments,
    FunctionScorer,
    component,
    not_asked,
    read_arguments,
    share,
    unmeasured,
)
from evaluators.scorers.predicted import among, predicted_labels
from evaluators.scorers.resources import Resources


class LabelArguments(Arguments):
    """`task`: whose label is compared; by default that of the first."""

    task: str | None = None


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("label", LabelArguments, arguments)

    def measure(case: Case, output: Output) -> Sequence[Measure]:
        wanted = case.expected.labels
        if not wanted:
            return [not_asked("label", "the case names no labels")]
        found = predicted_labels(output, given.task)
        if found is None:
            return [share("label", False, NO_ANSWER, expected=list(wanted), predicted=None)]
        if not found:
            return [unmeasured("label", f"the answer has no label of the task {given.task!r}")]
        return [share("label", among(found[0], wanted), expected=list(wanted), predicted=found[0][:200])]

    return FunctionScorer(component("label", given), (Metric(name="label"),), measure)

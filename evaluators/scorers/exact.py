"""Exact match: the answer is one of the expected ones, letter for letter; `strip` forgives white space around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import (
    NO_ANSWER,
    Arguments,
    FunctionScorer,
    answer_text,
    component,
    not_asked,
    read_arguments,
    share,
)
from evaluators.scorers.resources import Resources


class ExactArguments(Arguments):
    """`strip`: white space around an answer does not count."""

    strip: bool = True


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("exact", ExactArguments, arguments)

    def measure(case: Case, output: Output) -> Sequence[Measure]:
        if not case.expected.answers:
            return [not_asked("exact", "the case names no whole answers")]
        text = answer_text(output)
        if text is None:
            return [share("exact", False, NO_ANSWER)]
        wanted = {_cut(one) for one in case.expected.answers}
        return [share("exact", _cut(text) in wanted)]

    def _cut(text: str) -> str:
        return text.strip() if given.strip else text

    return FunctionScorer(component("exact", given), (Metric(name="exact"),), measure)

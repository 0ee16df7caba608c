"""Containment: the answer holds one of the expected words or phrases as whole words; `all`: every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from eval_sets.labelled import holds
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


class ContainsArguments(Arguments):
    """`all`: not one of them but all have to be there."""

    all: bool = False


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("contains", ContainsArguments, arguments)
    name = "contains_all" if given.all else "contains"

    def measure(case: Case, output: Output) -> Sequence[Measure]:
        wanted = case.expected.contains
        if not wanted:
            return [not_asked(name, "the case names nothing that a right answer holds")]
        text = answer_text(output)
        if text is None:
            return [share(name, False, NO_ANSWER)]
        found = [one for one in wanted if holds(text, one)]
        missing = [one for one in wanted if one not in found]
        return [share(name, not missing if given.all else bool(found), found=found, missing=missing)]

    return FunctionScorer(component("contains", given), (Metric(name=name),), measure)

"""Normalised match: one of the expected answers but for case, spaces, kinds of dash, and a final full stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_sets.cases import Case
from eval_sets.labelled import plain
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


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("normalised", Arguments, arguments)
    return FunctionScorer(component("normalised", given), (Metric(name="normalised"),), _measure)


def same(text: str, wanted: str) -> bool:
    """Whether two texts are the same when normalised."""
    return _normal(text) == _normal(wanted)


def _measure(case: Case, output: Output) -> Sequence[Measure]:
    if not case.expected.answers:
        return [not_asked("normalised", "the case names no whole answers")]
    text = answer_text(output)
    if text is None:
        return [share("normalised", False, NO_ANSWER)]
    return [share("normalised", any(same(text, wanted) for wanted in case.expected.answers))]


def _normal(text: str) -> str:
    return plain(text).rstrip(" .!?")

"""A number within a tolerance: the answer's own value, else the number its text names.

Right is within the case's own tolerance, or else within `absolute` or `relative` (of the expected value), whichever
allows more. Of a text with several numbers `which` says the one that counts: by default that can't be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.scorers.measuring import (
    NO_ANSWER,
    Arguments,
    FunctionScorer,
    answer_text,
    component,
    declined,
    not_asked,
    read_arguments,
    share,
    unmeasured,
)
from evaluators.scorers.numbers import numbers_in
from evaluators.scorers.resources import Resources

_ROUNDING = 1e-9


class NumericArguments(Arguments):
    """Tolerances, and which number of a text counts: `any` is right where one of them is."""

    absolute: Annotated[float, Field(ge=0)] = 0.0
    relative: Annotated[float, Field(ge=0)] = 0.0
    which: Literal["only", "first", "last", "any"] = "only"


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("numeric", NumericArguments, arguments)
    metrics = (
        Metric(name="numeric"),
        Metric(name="absolute_error", kind="number", better="lower"),
        Metric(name="relative_error", kind="number", better="lower"),
    )
    return FunctionScorer(component("numeric", given), metrics, lambda case, output: _measure(given, case, output))


def allowed(case: Case, given: NumericArguments) -> float:
    """The largest absolute error that is still right."""
    expected = case.expected
    assert expected.value is not None
    if expected.tolerance is not None:
        return expected.tolerance
    return max(given.absolute, given.relative * abs(expected.value), _ROUNDING * abs(expected.value))


def _measure(given: NumericArguments, case: Case, output: Output) -> Sequence[Measure]:
    wanted = case.expected.value
    names = ("numeric", "absolute_error", "relative_error")
    if wanted is None:
        return [not_asked(name, "the case names no number") for name in names]
    found, problem = _found(given, wanted, output)
    if problem:
        return [unmeasured(name, problem) for name in names]
    if found is None:
        reason = NO_ANSWER if declined(output) else "the answer names no number"
        return [share("numeric", False, reason), *(not_asked(name, reason) for name in names[1:])]
    error = abs(found - wanted)
    relative = (
        not_asked("relative_error", "the expected number is 0")
        if wanted == 0
        else Measure(metric="relative_error", value=error / abs(wanted))
    )
    return [
        share("numeric", error <= allowed(case, given), found=found, expected=wanted),
        Measure(metric="absolute_error", value=error),
        relative,
    ]


def _found(given: NumericArguments, wanted: float, output: Output) -> tuple[float | None, str]:
    """The number answered with, or why it can't be told which."""
    answer = output.prediction.answer if output.prediction and not declined(output) else None
    if answer and answer.value:
        return answer.value.estimate, ""
    numbers = numbers_in(answer_text(output) or "")
    if not numbers:
        return None, ""
    if given.which == "any":
        return min(numbers, key=lambda number: abs(number - wanted)), ""
    if given.which == "only" and len(set(numbers)) > 1:
        some = ", ".join(f"{number:g}" for number in numbers[:5])
        return None, f"the answer names {len(numbers)} numbers ({some}): say which counts, as numeric:which=first"
    return numbers[-1 if given.which == "last" else 0], ""

"""A regular expression that a right answer matches, within a bound of time: some patterns would run for years.

`full`: the whole answer has to match, not somewhere in it. A pattern given as an argument holds for cases without one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import regex
from pydantic import Field, field_validator

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
    unmeasured,
)
from evaluators.scorers.resources import Resources


class RegexArguments(Arguments):
    """`timeout_s`: the longest that one match may take."""

    pattern: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    full: bool = False
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 0.5

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                regex.compile(pattern)
            except (regex.error, RecursionError, OverflowError) as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return pattern


def build(arguments: Mapping[str, object], _: Resources) -> Scorer:
    given = read_arguments("regex", RegexArguments, arguments)

    def measure(case: Case, output: Output) -> Sequence[Measure]:
        pattern = case.expected.pattern or given.pattern
        if pattern is None:
            return [not_asked("regex", "the case names no pattern")]
        text = answer_text(output)
        if text is None:
            return [share("regex", False, NO_ANSWER)]
        return [matched("regex", pattern, text, full=given.full, timeout_s=given.timeout_s)]

    return FunctionScorer(component("regex", given), (Metric(name="regex"),), measure, threaded=True)


def matched(metric: str, pattern: str, text: str, *, full: bool = False, timeout_s: float = 0.5) -> Measure:
    """Whether `pattern` matches; unmeasured where that takes too long or the pattern is none."""
    try:
        compiled = regex.compile(pattern)
        match = compiled.fullmatch if full else compiled.search
        found = match(text, timeout=timeout_s, concurrent=True)
    except TimeoutError:
        return unmeasured(metric, f"the pattern took longer than {timeout_s:g} s: simplify it")
    except (regex.error, RecursionError, OverflowError) as error:
        return unmeasured(metric, f"the pattern can't be used: {error}")
    return share(metric, found is not None, **({"match": found.group()[:200]} if found else {}))

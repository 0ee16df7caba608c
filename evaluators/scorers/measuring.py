"""What most scorers share: a scorer made of one function, its arguments checked, and the ways not to measure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from eval_sets.cases import Case
from evaluators.contract import Component, Measure, Metric, Output
from signalbox.errors import InvalidInput

A = TypeVar("A", bound="Arguments")
NO_ANSWER = "no answer was given"


class Arguments(BaseModel):
    """What a scorer may be given; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class FunctionScorer:
    """A scorer that is one function of case and output.

    Attributes:
        threaded: keeps a slow one off the event loop.
        documents: the version of the documents it looks into, beside what the output holds of them.
        live: it measures how the target was asked, so it does not apply to an answer that was remembered.
    """

    component: Component
    metrics: tuple[Metric, ...]
    measure: Callable[[Case, Output], Sequence[Measure]]
    threaded: bool = False
    documents: str = ""
    live: bool = False

    async def score(self, case: Case, output: Output) -> Sequence[Measure]:
        if self.threaded:
            return await asyncio.to_thread(self.measure, case, output)
        return self.measure(case, output)


def read_arguments(name: str, model: type[A], arguments: Mapping[str, object]) -> A:
    """The arguments of the scorer `name`, with defaults.

    Raises:
        InvalidInput: one is unknown or breaks a rule; the message names it and lists those there are.
    """
    try:
        return model.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "arguments"
        takes = ", ".join(model.model_fields) or "no arguments"
        said = "there is no such argument" if first["type"] == "extra_forbidden" else first["msg"]
        said = said.removeprefix("Value error, ").rstrip(".")
        raise InvalidInput(f"The scorer {name!r}: {field}: {said}. It takes {takes}.", field=field) from None


def component(name: str, arguments: BaseModel, version: str = "1", **more: object) -> Component:
    """How a run remembers the scorer: its arguments with defaults, so that it can be built again."""
    return Component(name=name, version=version, arguments=arguments.model_dump(mode="json", exclude_none=True) | more)


def not_asked(metric: str, reason: str) -> Measure:
    """The case does not say what the metric would need."""
    return Measure(metric=metric, value=None, reason=reason, applies=False)


def unmeasured(metric: str, reason: str, **details: Any) -> Measure:
    """It should have been measured and could not be."""
    return Measure(metric=metric, value=None, reason=reason, details=details)


def share(metric: str, is_so: bool, reason: str = "", **details: Any) -> Measure:
    """1 or 0."""
    return Measure(metric=metric, value=float(is_so), reason=reason, details=details)


def declined(output: Output) -> bool:
    """Whether no answer was given without a person."""
    if output.prediction is not None:
        return output.prediction.outcome != "answered"
    return not (output.text and output.text.strip())


def answer_text(output: Output) -> str | None:
    """The text answered with; None where nothing was answered, or without words."""
    return None if declined(output) or not (output.text and output.text.strip()) else output.text

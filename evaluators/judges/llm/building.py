"""The scorers `judge` and `panel` from their arguments, with the latest calibration of each in the data directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from evaluators.contract import Scorer
from evaluators.judges.agreement.calibrating import Calibrated, calibrated
from evaluators.judges.llm.judge import MAX_SAMPLES, LlmJudge
from evaluators.judges.llm.panel import MAX_MEMBERS, Panel, Rule
from evaluators.judges.llm.rubrics import load_rubric
from evaluators.judges.llm.scorers import JudgeScorer, PairScorer
from evaluators.scorers.measuring import Arguments, read_arguments
from evaluators.scorers.resources import Resources
from signalbox.errors import InvalidInput

_Model = Annotated[str, Field(min_length=1, max_length=300)]


class _Asking(Arguments):
    """`rubric`: NAME, NAME@VERSION or a file. The rest as `LlmJudge` has it."""

    rubric: str
    samples: int = Field(1, ge=1, le=MAX_SAMPLES)
    seed: int = 0
    temperature: float | None = Field(None, ge=0, le=2)
    timeout_s: float = Field(60.0, gt=0, le=3_600)
    reask: bool = True


class JudgeArguments(_Asking):
    """`model`: which of the models, else the one that judges."""

    model: _Model | None = None


class PanelArguments(_Asking):
    """`models`: their names, as a list or joined by `+`; without it all there are. The rest as `Panel` has it."""

    models: Annotated[tuple[_Model, ...], Field(max_length=MAX_MEMBERS)] | str = ()
    rule: Rule = "mean"
    apart: float = Field(0.5, ge=0, le=1)


def build_judge(arguments: Mapping[str, object], resources: Resources) -> Calibrated:
    """Raises UnknownName, NotFound, InvalidInput for a rubric or argument, ConfigurationError without the model."""
    given = read_arguments("judge", JudgeArguments, arguments)
    judge = _judge("judge", given, given.model, resources)
    kind = PairScorer if judge.rubric.kind == "pair" else JudgeScorer
    name = f"judge.{judge.rubric.name}" + (f"@{given.model}" if given.model else "")
    return calibrated(kind(judge, name=name, arguments=_written(given)), resources.data_dir)


def build_panel(arguments: Mapping[str, object], resources: Resources) -> Calibrated:
    """Raises as `build_judge`, and InvalidInput where there are fewer than two models."""
    given = read_arguments("panel", PanelArguments, arguments)
    rubric = load_rubric(given.rubric)
    if rubric.kind == "pair":
        raise InvalidInput("A panel judges single answers: give each judge a scorer of its own.", field="rubric")
    named = given.models.split("+") if isinstance(given.models, str) else given.models
    models = tuple(name.strip() for name in named) or tuple(resources.judge_models)
    members: list[Scorer] = [
        calibrated(JudgeScorer(_judge("panel", given, model, resources)), resources.data_dir) for model in models
    ]
    panel = Panel(members, name=f"panel.{rubric.name}", rule=given.rule, apart=given.apart, arguments=_written(given))
    return calibrated(panel, resources.data_dir)


def _written(given: Arguments) -> dict[str, object]:
    return given.model_dump(mode="json", exclude_defaults=True)


def _judge(wanted_by: str, given: _Asking, model: str | None, resources: Resources) -> LlmJudge:
    rubric = load_rubric(given.rubric)  # first: a name spelt wrongly is said even where no model is set up
    return LlmJudge(
        resources.model(wanted_by, model),
        rubric,
        samples=given.samples,
        seed=given.seed,
        temperature=given.temperature,
        timeout_s=given.timeout_s,
        reask=given.reask,
    )

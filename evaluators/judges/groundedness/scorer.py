"""The local judge as a scorer, named `groundedness` in specs: no model is asked and nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from eval_sets.cases import Case
from evaluators.contract import Measure, Metric, Output, Scorer
from evaluators.judges.agreement import with_calibration
from evaluators.judges.groundedness import GroundednessJudge, TokenEncoder, open_judge
from evaluators.scorers import measuring
from evaluators.scorers.measuring import FunctionScorer, component, read_arguments, share, unmeasured
from evaluators.scorers.resources import Resources
from signalbox.errors import ConfigurationError

NAME = "groundedness"
SCORE, SUPPORTED = "groundedness", "supported"


class Arguments(measuring.Arguments):
    """`folder` holds a head fitted for this use; `gates` lets a run be held against the metrics."""

    folder: Path | None = None
    gates: bool = False


def build(arguments: Mapping[str, object], resources: Resources) -> Scorer:
    given = read_arguments(NAME, Arguments, arguments)
    encoder = resources.open_encoder(NAME)
    if not hasattr(encoder, "encode_tokens"):
        raise ConfigurationError(f"The scorer {NAME!r} needs an encoder that gives vectors of tokens.")
    judge = open_judge(cast(TokenEncoder, encoder), folder=given.folder)
    metrics = (
        Metric(name=SCORE, kind="score", gates=given.gates),
        Metric(name=SUPPORTED, kind="share", gates=given.gates),
    )

    def measure(_: Case, output: Output) -> Sequence[Measure]:
        return measures(judge, output)

    scorer = FunctionScorer(component(NAME, given, judge.version), metrics, measure, threaded=True)
    return with_calibration(scorer, resources.data_dir)


def measures(judge: GroundednessJudge, output: Output) -> Sequence[Measure]:
    """The probability that the contexts say all of the answer, and whether they do; unmeasured where it claims none."""
    text, contexts = (output.text or "").strip(), [context for context in output.contexts if context.strip()]
    if not text:
        return _unmeasured(measuring.NO_ANSWER)
    if not contexts:
        return _unmeasured("the answer came with no passages")
    support = judge.score(text, contexts)
    if support.kind != "claims":
        return _unmeasured(
            "the answer says that it can't tell" if support.kind == "abstains" else "the answer claims nothing"
        )
    lacking = [
        {"text": one.text, "start": one.start, "end": one.end, "probability": one.probability, "reason": one.reason}
        for one in support.unsupported
    ]
    reason = "; ".join(one.reason for one in support.unsupported[:3])
    return [
        Measure(metric=SCORE, value=support.probability, reason=reason, details={"unsupported": lacking}),
        share(SUPPORTED, support.supported, reason),
    ]


def _unmeasured(reason: str) -> Sequence[Measure]:
    return [unmeasured(name, reason) for name in (SCORE, SUPPORTED)]

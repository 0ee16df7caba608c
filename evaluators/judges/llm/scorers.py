"""Judges as scorers: from a case and an output to what is judged, from a judgement to a measure.

Their metrics are advisory: only a calibration to people, see `evaluators.judges.agreement`, makes one gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from eval_sets.cases import Case
from evaluators.contract import Component, Measure, Metric, Output, Row
from evaluators.judges.llm.judge import Judgement, LlmJudge
from evaluators.judges.llm.material import Material
from evaluators.judges.llm.pairs import Preference, Winner, prefer
from evaluators.judges.llm.panel import spent_of

_WORTH = {"first": 0.0, "tie": 0.5, "second": 1.0}


class _WithJudge:
    """What scorers by one judge have in common.

    Args:
        name: of the metric, by default `judge.RUBRIC`.
        arguments: what a factory would build it from again.
    """

    def __init__(
        self, judge: LlmJudge, *, name: str | None = None, arguments: Mapping[str, object] | None = None
    ) -> None:
        self._judge = judge
        self.identity = judge.identity
        self.floor = judge.rubric.floor
        self._arguments = {"rubric": judge.rubric.reference} if arguments is None else dict(arguments)
        self._metric = Metric(name=name or f"judge.{judge.rubric.name}", kind="score", gates=False)

    @property
    def component(self) -> Component:
        return Component(name="judge", version=self.identity.key[:16], arguments=self._arguments)

    @property
    def metrics(self) -> Sequence[Metric]:
        return (self._metric,)


class JudgeScorer(_WithJudge):
    """Scores an output with a rubric for single answers, 0 to 1."""

    async def score(self, case: Case, output: Output) -> Sequence[Measure]:
        """One measure; `details` hold the verdict, the scores on the rubric's scale, flags and what was spent."""
        material = material_of(case, output)
        if material is None:
            return (Measure(metric=self._metric.name, value=None, reason="there is no answer to judge"),)
        if "reference" in self._judge.rubric.needs and not material.references:
            lack = f"{self._judge.rubric.reference} needs a reference answer, and the case has none"
            return (Measure(metric=self._metric.name, value=None, reason=lack, applies=False),)
        return (measure_of(self._metric.name, self._judge, await self._judge.assess(material)),)


class PairScorer(_WithJudge):
    """Whether an output is better than the answer the case came with: 1, 0.5 for a tie, 0. Asks in both orders."""

    async def score(self, case: Case, output: Output) -> Sequence[Measure]:
        material = material_of(case, output)
        rivals = [case.given.answer] if case.given is not None else list(case.expected.answers[:1])
        if material is None or not rivals:
            lack = "there is no answer to judge" if rivals else "the case has no other answer to compare with"
            return (Measure(metric=self._metric.name, value=None, reason=lack, applies=bool(rivals)),)
        pair = Material(material.question, rivals[0], passages=material.passages, other=material.answer)
        return (self._measure(await prefer(self._judge, pair)),)

    def _measure(self, found: Preference) -> Measure:
        return Measure(
            metric=self._metric.name,
            value=None if found.winner is None else _WORTH[found.winner],
            reason=found.reason,
            details={
                "winner": {"first": "other", "second": "output"}.get(found.winner or "", found.winner),
                "consistent": found.consistent,
                "shown_first_won": list(found.shown_first_won),
                "lengths": list(found.lengths),
                "flags": list(found.flags),
                **found.spent.model_dump(),
            },
        )


def preferences_in(rows: Iterable[Row]) -> dict[str, list[Preference]]:
    """The preferences that pair scorers left in the rows of a run, by metric: the output is the second answer."""
    found: dict[str, list[Preference]] = {}
    for row in rows:
        for measure in row.measures:
            said = measure.details
            if "shown_first_won" not in said:
                continue
            winner = {"other": "first", "output": "second", "tie": "tie"}.get(str(said.get("winner")))
            one = Preference(
                winner=cast("Winner | None", winner),
                consistent=said.get("consistent"),
                reason=measure.reason,
                shown_first_won=tuple(said["shown_first_won"]),
                lengths=(int(said["lengths"][0]), int(said["lengths"][1])),
                flags=tuple(said.get("flags", ())),
                spent=spent_of(measure),
            )
            found.setdefault(measure.metric, []).append(one)
    return found


def material_of(case: Case, output: Output) -> Material | None:
    """What is to be judged of an output; None where it says nothing."""
    if output.text is None or not output.text.strip():
        return None
    turns = [f"{message.role}: {message.content}" for message in case.history]
    passages = output.contexts or (case.given.contexts if case.given is not None else ())
    references = case.expected.answers or case.expected.contains
    question = "\n".join([*turns, f"user: {case.query}"]) if turns else case.query
    return Material(question, output.text, references=references, passages=passages)


def measure_of(metric: str, judge: LlmJudge, found: Judgement) -> Measure:
    """A judgement as a measure, not calibrated: its value is where the score lies on the scale."""
    scale = judge.rubric.scale
    return Measure(
        metric=metric,
        value=found.verdict.score,
        reason=found.verdict.reason,
        details={
            "verdict": found.verdict.verdict,
            "scores": list(found.scores),
            "scale": [scale.low, scale.high],
            "rubric": judge.rubric.reference,
            "model": judge.model_name,
            "flags": list(found.flags),
            **found.spent.model_dump(),
        },
    )

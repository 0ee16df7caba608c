"""A panel: several judges of one text, best of different models. Where they are too far apart it says nothing.

Its members are scorers of one metric each, so calibrated ones give their calibrated probability. How far they agree
over many texts is figured in `evaluators.judges.agreement.raters`, from the votes in the details.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

from eval_sets.cases import Case
from evaluators.contract import Component, Measure, Metric, Output, Scorer, Spent
from signalbox.errors import InvalidInput

Rule = Literal["mean", "majority"]
MAX_MEMBERS = 9
_FEWEST = 2


class Panel:
    """Scores with all members at once: the metric `panel.NAME`, 0 to 1.

    Args:
        members: two to nine scorers; their order doesn't matter for the value.
        rule: `mean` of their values, or the share of `majority` votes for right.
        apart: how far their values may lie from each other (`mean`), or how large the outvoted share may be
            (`majority`), before it abstains.
        arguments: what a factory would build it from again.
    """

    def __init__(
        self,
        members: Sequence[Scorer],
        *,
        name: str = "panel",
        rule: Rule = "mean",
        apart: float = 0.5,
        arguments: Mapping[str, object] | None = None,
    ) -> None:
        if not _FEWEST <= len(members) <= MAX_MEMBERS:
            raise InvalidInput(f"A panel has 2 to {MAX_MEMBERS} judges, not {len(members)}.", field="models")
        if rule not in ("mean", "majority"):
            raise InvalidInput(f"There is no rule {rule!r}; there are mean, majority.", field="rule")
        if not 0 <= apart <= 1:
            raise InvalidInput(f"apart is {apart}; give 0 to 1.", field="apart")
        keys = [getattr(member, "identity", member.component).key for member in members]
        if len(set(keys)) < len(keys):
            raise InvalidInput("The same judge sits on the panel twice; give each model once.", field="models")
        self._members, self._rule, self._apart = tuple(members), rule, apart
        self._metric = Metric(name=name, kind="score", gates=False)
        known = [member.component.model_dump(mode="json") for member in members]
        self.identity = Component(name="panel", arguments={"members": known, "rule": rule, "apart": apart})
        self._arguments = {"rule": rule, "apart": apart} if arguments is None else dict(arguments)

    @property
    def component(self) -> Component:
        return Component(name="panel", version=self.identity.key[:16], arguments=self._arguments)

    @property
    def metrics(self) -> Sequence[Metric]:
        return (self._metric,)

    async def score(self, case: Case, output: Output) -> Sequence[Measure]:
        """One measure; `details["votes"]` says of each judge whether it holds the answer right, None where unmeasured.

        Raises whatever a member raises.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_one(member, case, output)) for member in self._members]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        found = [task.result() for task in tasks]
        votes = {self._name_of(place): vote(measure) for place, measure in enumerate(found)}
        values = {self._name_of(place): measure.value for place, measure in enumerate(found)}
        spent = sum((spent_of(measure) for measure in found), Spent())
        flags = sorted({flag for measure in found for flag in measure.details.get("flags", ())})
        details = {"votes": votes, "values": values, "flags": flags, **spent.model_dump()}
        measured = [measure for measure in found if measure.value is not None]
        if len(measured) < max(_FEWEST, (len(found) + 1) // 2):
            failed = next(measure for measure in found if measure.value is None)
            reason = f"{len(measured)} of {len(found)} judges gave a verdict; one not because {failed.reason}"
            applies = any(measure.applies for measure in found)
            return (self._measure(None, reason, details, applies=applies),)
        value, spread = self._together(measured)
        if spread > self._apart + 1e-9:
            return (self._measure(None, f"the judges disagree: {_said(values)}", details),)
        right = "right" if value >= 0.5 else "wrong"
        reason = next((one.reason for one in measured if (vote(one) is True) == (right == "right")), "")
        return (self._measure(value, reason, details | {"verdict": right}),)

    def _together(self, measured: Sequence[Measure]) -> tuple[float, float]:
        """The value, and how far from agreeing they are; a tie of votes is as far apart as can be."""
        if self._rule == "majority":
            share = sum(vote(measure) is True for measure in measured) / len(measured)
            return share, 1.0 if share == 0.5 else min(share, 1 - share)
        values = [measure.value for measure in measured if measure.value is not None]
        return sum(values) / len(values), max(values) - min(values)

    def _measure(
        self, value: float | None, reason: str, details: dict[str, object], *, applies: bool = True
    ) -> Measure:
        return Measure(metric=self._metric.name, value=value, reason=reason, applies=applies, details=details)

    def _name_of(self, place: int) -> str:
        name = _model_of(self._members[place])
        others = [_model_of(member) for member in self._members]
        return name if others.count(name) == 1 else f"{name} ({place + 1})"


def vote(measure: Measure) -> bool | None:
    """Whether a judge holds the answer right: by its calibrated probability, else by its own verdict."""
    if measure.value is None:
        return None
    said = measure.details.get("verdict")
    if measure.details.get("calibration") is None and said in ("right", "wrong"):
        return bool(said == "right")
    return measure.value >= 0.5


def spent_of(measure: Measure) -> Spent:
    """What the details of a measure say was spent on it."""
    return Spent(**{name: measure.details[name] for name in Spent.model_fields if name in measure.details})


def _model_of(member: Scorer) -> str:
    identity: Component = getattr(member, "identity", member.component)
    return str(identity.arguments.get("model", identity.name))


async def _one(member: Scorer, case: Case, output: Output) -> Measure:
    measures = await member.score(case, output)
    return measures[0]


def _said(values: dict[str, float | None]) -> str:
    return ", ".join(f"{name} {'-' if value is None else f'{value:.2f}'}" for name, value in values.items())

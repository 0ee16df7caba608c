"""Calibrating a judge to people, and using it so: the probability of "right" in place of the judge's score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval_sets.cases import Case
from evaluators.contract import Component, Measure, Metric, Output, Scorer
from evaluators.judges.agreement.artefact import GoldenRow, JudgeCalibration, JudgeStore
from evaluators.judges.agreement.curve import fit_curve
from evaluators.judges.agreement.labels import row_hash, rows_hash
from evaluators.judges.agreement.rating import Rating, judged_metric
from evaluators.judges.agreement.report import agreement_of
from evaluators.judges.llm.rubrics import Floor
from evaluators.statistics.groups import groups_of


def calibrate(
    scorer: Scorer, ratings: Sequence[Rating], *, data_dir: Path, floor: Floor | None = None, seed: int = 0
) -> JudgeCalibration:
    """Fit a curve on what a judge said of rows that people judged, measure it on rows left out, and keep both.

    Args:
        scorer: the judge that made `ratings`; with or without an earlier calibration.
        floor: below it the judge is advisory.

    Raises:
        InvalidInput: too few rows were measured, or people said the same of all.
        ConfigurationError: the data directory can't be written.
    """
    judge = uncalibrated(scorer)
    found = agreement_of(identity_of(judge), ratings, seed=seed)
    known = [one for one in ratings if one.signal is not None]
    signal = np.array([one.signal for one in known], dtype=np.float64)
    right = np.array([one.right for one in known], dtype=np.float64)
    grouped = groups_of([one.case for one in known])
    return JudgeStore(data_dir).add(
        judge=identity_of(judge),
        metric=judged_metric(judge).name,
        rows_hash=rows_hash([one.case for one in ratings]),
        curve=fit_curve(signal, right, groups=None if grouped is None else grouped[1], seed=seed),
        floor=floor or floor_of(judge),
        agreement=found,
        golden=[
            GoldenRow(id=one.case.id, hash=row_hash(one.case), right=one.right, signal=one.signal, own=one.own)
            for one in ratings
        ],
    )


def calibrated(scorer: Scorer, data_dir: Path | None) -> Calibrated:
    """The judge with the latest calibration of it in a data directory; without one it is advisory.

    Raises:
        CorruptArtefact: the calibration can't be read.
    """
    judge = uncalibrated(scorer)
    store = JudgeStore(data_dir) if data_dir is not None else None
    found = store.find(identity_of(judge)) if store is not None else None
    stale = store.stale(identity_of(judge)) if store is not None and found is None else None
    return Calibrated(judge, found, stale)


def with_calibration(scorer: Scorer, data_dir: Path | None) -> Scorer:
    """The judge calibrated where there is a calibration of it, else as it is: for judges that don't need one."""
    found = calibrated(scorer, data_dir)
    return scorer if found.calibration is None else found


def uncalibrated(scorer: Scorer) -> Scorer:
    """The judge itself."""
    return scorer.judge if isinstance(scorer, Calibrated) else scorer


def identity_of(scorer: Scorer) -> Component:
    """What a calibration is found by: the scorer's `identity` where it has one, else its component."""
    judge = uncalibrated(scorer)
    found = getattr(judge, "identity", None)
    return found if isinstance(found, Component) else judge.component


def floor_of(scorer: Scorer) -> Floor:
    """What the judge's rubric demands; the usual where it has none."""
    floor = getattr(uncalibrated(scorer), "floor", None)
    return floor if isinstance(floor, Floor) else Floor()


@dataclass(frozen=True)
class Calibrated:
    """A scorer whose first metric is the calibrated probability that people would call the answer right.

    It gates only where there is a calibration that falls short of nothing. `stale` names one of the same name that is
    of another judge.
    """

    judge: Scorer
    calibration: JudgeCalibration | None
    stale: str | None = None

    @property
    def component(self) -> Component:
        """The judge's own with the calibration: what was measured with another one is another measure."""
        own = self.judge.component
        if self.calibration is None:
            return own
        found = self.calibration
        return own.model_copy(update={"version": f"{own.version}+{found.reference}.{found.rows_hash[:8]}"})

    @property
    def identity(self) -> Component:
        """Of the judge itself, whatever its calibration."""
        return identity_of(self.judge)

    @property
    def metrics(self) -> Sequence[Metric]:
        wanted = judged_metric(self.judge).name
        return tuple(
            metric.model_copy(update={"kind": "score", "gates": not self.advisory}) if metric.name == wanted else metric
            for metric in self.judge.metrics
        )

    @property
    def advisory(self) -> tuple[str, ...]:
        """Why it may not gate; empty where it may."""
        if self.calibration is not None:
            return self.calibration.shortfalls
        if self.stale is not None:
            return (f"{self.stale} calibrates another rubric, model, host or way of asking: calibrate this judge too",)
        return ("it was never calibrated to people: run `signalbox judge calibrate`",)

    async def score(self, case: Case, output: Output) -> Sequence[Measure]:
        """As the judge does; `details["signal"]` is what it said itself."""
        wanted = judged_metric(self.judge).name
        return tuple(
            self._of(measure) if measure.metric == wanted else measure
            for measure in await self.judge.score(case, output)
        )

    def _of(self, measure: Measure) -> Measure:
        details = measure.details | {"calibration": self.calibration.reference if self.calibration else None}
        if self.advisory:
            details["advisory"] = list(self.advisory)
        if measure.value is None or self.calibration is None:
            return measure.model_copy(update={"details": details})
        value = float(self.calibration.curve.predict(measure.value))
        return measure.model_copy(update={"value": value, "details": details | {"signal": measure.value}})

"""Whether a judge is still the one that was calibrated: the same frozen rows judged again, and compared.

A model behind an API may change without its name. Single flips happen by chance; the alarm is for what is proven.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.judges.agreement.artefact import JudgeCalibration
from evaluators.judges.agreement.cohen import kappa_change
from evaluators.judges.agreement.labels import row_hash
from evaluators.judges.agreement.rating import Rating
from evaluators.statistics.groups import groups_of
from signalbox.calibration import clopper_pearson
from signalbox.types import Frozen

FEWEST_ROWS = 10


class Drift(Frozen):
    """Since the calibration.

    Attributes:
        rows: frozen rows that were judged again, with the same texts and people's same verdict.
        flips: ids of those on which the judge's own verdict is another one now; `share` with its 95% interval.
        change: kappa with people now less kappa then, with its 95% interval.
        lost: rows it gave a verdict on then and gives none on now.
        alarms: what is proven to be worse; empty where nothing is.
    """

    calibration: str
    rows: int
    flips: tuple[str, ...]
    share: float
    share_low: float
    share_high: float
    change: float
    change_low: float
    change_high: float
    lost: tuple[str, ...]
    alarms: tuple[str, ...]


def drift_since(calibration: JudgeCalibration, ratings: Sequence[Rating], *, seed: int = 0) -> Drift | None:
    """Compare ratings of now with those frozen in a calibration; None where fewer than ten rows are the same."""
    frozen = {row.hash: row for row in calibration.golden}
    again = [(frozen[key], one) for one in ratings if (key := row_hash(one.case)) in frozen]
    lost = tuple(one.case.id for row, one in again if row.own is not None and one.own is None)
    both = [(row, one) for row, one in again if row.own is not None and one.own is not None]
    if len(both) < FEWEST_ROWS:
        return None
    right = np.array([row.right for row, _ in both])
    before, now = np.array([bool(row.own) for row, _ in both]), np.array([bool(one.own) for _, one in both])
    grouped = groups_of([one.case for _, one in both])
    change = kappa_change(right, before, now, groups=None if grouped is None else grouped[1], seed=seed)
    value = 0.0 if change.value is None else change.value
    flips = tuple(one.case.id for row, one in both if row.own != one.own)
    low, high = clopper_pearson(len(flips), len(both))
    alarms = []
    if change.high < 0:
        alarms.append(f"its kappa with people fell by {-value:.2f} (at least {-change.high:.2f})")
    measured_before = sum(row.own is not None for row, _ in again)
    if clopper_pearson(len(lost), measured_before)[0] > calibration.floor.unmeasured:
        alarms.append(f"it gives no verdict on {len(lost)} of {measured_before} rows it gave one on before")
    return Drift(
        calibration=calibration.reference,
        rows=len(both),
        flips=flips,
        share=len(flips) / len(both),
        share_low=low,
        share_high=high,
        change=value,
        change_low=change.low,
        change_high=change.high,
        lost=lost,
        alarms=tuple(alarms),
    )

"""What a judge is worth, measured against people: agreement, a calibrated probability of "right", drift.

Works with any scorer as the judge. Without a calibration, or below its floor, a judge is advisory and can't gate.
"""

from __future__ import annotations

from evaluators.judges.agreement.artefact import JudgeCalibration, JudgeStore
from evaluators.judges.agreement.calibrating import (
    Calibrated,
    calibrate,
    calibrated,
    floor_of,
    identity_of,
    with_calibration,
)
from evaluators.judges.agreement.cohen import Kappa, cohen_kappa, kappa, kappa_change
from evaluators.judges.agreement.curve import Curve, cross_fitted, fit_curve
from evaluators.judges.agreement.drift import Drift, drift_since
from evaluators.judges.agreement.labels import from_reviews, from_verdicts, read_labels
from evaluators.judges.agreement.raters import Among, among
from evaluators.judges.agreement.rating import Rating, rate
from evaluators.judges.agreement.report import Agreement, agreement_of

__all__ = [
    "Agreement",
    "Among",
    "Calibrated",
    "Curve",
    "Drift",
    "JudgeCalibration",
    "JudgeStore",
    "Kappa",
    "Rating",
    "agreement_of",
    "among",
    "calibrate",
    "calibrated",
    "cohen_kappa",
    "cross_fitted",
    "drift_since",
    "fit_curve",
    "floor_of",
    "from_reviews",
    "from_verdicts",
    "identity_of",
    "kappa",
    "kappa_change",
    "rate",
    "read_labels",
    "with_calibration",
]

"""How far a text expert may be believed: honest probabilities, confidence, label sets, intervals, scope.

Everything is fitted on what models said of texts they had not seen, and serves with numpy only.
"""

from classifiers.calibration.confidence import Confidence, cross_confidence, fit_confidence
from classifiers.calibration.conformal import LabelSets, cross_label_sets, fit_label_sets
from classifiers.calibration.intervals import NumberIntervals, cross_intervals, fit_intervals
from classifiers.calibration.labels import LabelCalibrator, cross_probabilities, fit_labels
from classifiers.calibration.state import State

__all__ = [
    "Confidence",
    "LabelCalibrator",
    "LabelSets",
    "NumberIntervals",
    "State",
    "cross_confidence",
    "cross_intervals",
    "cross_label_sets",
    "cross_probabilities",
    "fit_confidence",
    "fit_intervals",
    "fit_label_sets",
    "fit_labels",
]

"""The report's words and numbers: what each figure is called, and how a value with its interval is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signalbox.charts import number, percent

Figure = Mapping[str, Any]

TITLES = {
    "accuracy": "Label right",
    "macro_f1": "F1, mean over labels",
    "log_loss": "Log-loss",
    "ece": "Calibration error of the probability",
    "right_auroc": "Probability tells right from wrong (AUROC)",
    "set_coverage": "Label sets that hold the true label",
    "set_size": "Labels in a set, mean",
    "steps_off": "Steps off, mean",
    "quadratic_kappa": "Agreement by steps (quadratic kappa)",
    "mae": "Error, mean (MAE)",
    "rmse": "Error, root mean square (RMSE)",
    "rmsle": "Error of the logarithm (RMSLE)",
    "r2": "Variance explained (R²)",
    "spearman": "Order of the texts (Spearman)",
    "interval_coverage": "Intervals that hold the true number",
    "interval_width": "Width of an interval, mean",
    "confidence_ece": "Calibration error of the confidence",
    "confidence_auroc": "Confidence tells right from wrong (AUROC)",
    "risk_coverage_area": "Share wrong, mean over all shares answered",
    "out_of_scope_auroc": "In scope told from out of scope (AUROC)",
    "gain_over_tfidf": "Gain over TF-IDF alone, on the same rows",
}
_SHARES = {"accuracy", "set_coverage", "interval_coverage", "accuracy of the most frequent label"}


def title_of(key: str) -> str:
    """The name of a figure for people; an anchor's own name where it has none."""
    return TITLES.get(key, key)


def is_share(key: str) -> bool:
    return key in _SHARES


def value_of(key: str, figure: Figure) -> str:
    return percent(figure["value"]) if is_share(key) else number(figure["value"])


def interval_of(key: str, figure: Figure) -> str:
    """The 95% interval, as `94.1% to 95.9%`."""
    low, high = figure["low"], figure["high"]
    return f"{percent(low)} to {percent(high)}" if is_share(key) else f"{number(low)} to {number(high)}"


def counted(count: int, word: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")

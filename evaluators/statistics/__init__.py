"""What can be said of a run, and of two: means with intervals, paired decisions, how many cases a question needs.

Unmeasured is counted apart and never wrong; NaN goes in nowhere and comes out nowhere.
"""

from __future__ import annotations

from evaluators.statistics.groups import GROUP_TAGS, groups_of
from evaluators.statistics.intervals import Interval, mean_interval, share_interval
from evaluators.statistics.missing import missingness_warnings
from evaluators.statistics.multiple import benjamini_hochberg, holm
from evaluators.statistics.paired import Paired, paired_means, paired_shares
from evaluators.statistics.prediction_powered import (
    Powered,
    estimate_with_people,
    labels_worth,
    prediction_powered,
    verdicts_of,
)
from evaluators.statistics.sample_size import (
    cases_for_width,
    cases_to_find,
    cases_to_find_mean,
    cases_to_show_equal,
    smallest_difference,
)
from evaluators.statistics.summary import MetricSummary, Reason, Slice, Spread, Summary, Totals, summarise

__all__ = [
    "GROUP_TAGS",
    "Interval",
    "MetricSummary",
    "Paired",
    "Powered",
    "Reason",
    "Slice",
    "Spread",
    "Summary",
    "Totals",
    "benjamini_hochberg",
    "cases_for_width",
    "cases_to_find",
    "cases_to_find_mean",
    "cases_to_show_equal",
    "estimate_with_people",
    "groups_of",
    "holm",
    "labels_worth",
    "mean_interval",
    "missingness_warnings",
    "paired_means",
    "paired_shares",
    "prediction_powered",
    "share_interval",
    "smallest_difference",
    "summarise",
    "verdicts_of",
]

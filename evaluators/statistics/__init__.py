"""What can be said of a run, and of two: means with intervals, paired decisions, how many cases a question needs.

Unmeasured is counted apart and never wrong; NaN goes in nowhere and comes out nowhere.
"""

from __future__ import annotations

from evaluators.statistics.groups import GROUP_TAGS, groups_of
from evaluators.statistics.intervals import Interval, mean_interval, share_interval
from evaluators.statistics.summary import MetricSummary, Reason, Slice, Spread, Summary, Totals, summarise

__all__ = [
    "GROUP_TAGS",
    "Interval",
    "MetricSummary",
    "Reason",
    "Slice",
    "Spread",
    "Summary",
    "Totals",
    "groups_of",
    "mean_interval",
    "share_interval",
    "summarise",
]

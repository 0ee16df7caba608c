"""Figures with their 95% intervals, and what two systems on the same rows differ by.

What both the experts and the evaluators count with; it knows nothing of what is counted.
"""

from signalbox.statistics.figures import Figure, bootstrapped, mean, share
from signalbox.statistics.paired import mcnemar, paired_difference

__all__ = ["Figure", "bootstrapped", "mcnemar", "mean", "paired_difference", "share"]

"""What a training found, as one page to show: how good, beside what, how far to be trusted, what would help.

Made from the JSON object that a training leaves behind, so a page can be made again without training.
"""

from classifiers.training_report.page import to_html

__all__ = ["to_html"]

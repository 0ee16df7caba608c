"""What is to be known of a labelled file before anything is trained on it: one check a module, one report.

`data_report` finds, `to_html` shows, `fix` repairs what can be repaired without judging a text.
"""

from classifiers.data.report.fixing import Change, Fixed, fix, write_beside, write_fixed
from classifiers.data.report.label_errors import LabelErrors, find_label_errors
from classifiers.data.report.model import DataReport, Section, Suspect
from classifiers.data.report.page import to_html
from classifiers.data.report.run import data_report

__all__ = [
    "Change",
    "DataReport",
    "Fixed",
    "LabelErrors",
    "Section",
    "Suspect",
    "data_report",
    "find_label_errors",
    "fix",
    "to_html",
    "write_beside",
    "write_fixed",
]

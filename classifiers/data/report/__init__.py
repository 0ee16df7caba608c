"""What is to be known of a labelled file before anything is trained on it: one check a module, one report."""

from classifiers.data.report.model import DataReport, Section, Suspect
from classifiers.data.report.run import data_report

__all__ = ["DataReport", "Section", "Suspect", "data_report"]

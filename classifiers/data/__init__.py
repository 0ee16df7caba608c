"""Labelled files: read them within limits, pick texts and targets, and say what was assumed, changed or left out."""

from classifiers.data.findings import Example, Finding
from classifiers.data.guess import guess_columns
from classifiers.data.labelled import LabelledData, labelled
from classifiers.data.table import Table, read_table

__all__ = ["Example", "Finding", "LabelledData", "Table", "guess_columns", "labelled", "read_table"]

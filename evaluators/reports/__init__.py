"""Runs and comparisons for people and machines: one HTML file, Markdown for pull requests, JUnit XML, JSON."""

from __future__ import annotations

from evaluators.reports.comparison_page import comparison_page
from evaluators.reports.junit import gate_junit, run_junit
from evaluators.reports.markdown import comparison_markdown, gate_markdown, run_markdown
from evaluators.reports.page import run_page
from evaluators.reports.write import write_reports

__all__ = [
    "comparison_markdown",
    "comparison_page",
    "gate_junit",
    "gate_markdown",
    "run_junit",
    "run_markdown",
    "run_page",
    "write_reports",
]

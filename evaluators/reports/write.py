"""Everything that is written beside a run's log once it is done."""

from __future__ import annotations

from pathlib import Path

from evaluators.comparing.record import Record
from evaluators.reports.junit import run_junit
from evaluators.reports.markdown import run_markdown
from evaluators.reports.page import run_page
from evaluators.statistics.summary import Summary, summarise
from signalbox.files import write_atomically

SUMMARY, HTML, MARKDOWN, JUNIT = "summary.json", "report.html", "report.md", "junit.xml"


def write_reports(record: Record, folder: Path) -> Summary:
    """Write summary.json, report.html, report.md and junit.xml. Needs the lock of the run's folder.

    Raises:
        ConfigurationError: the folder can't be written or the disk is full; each file is as before or new.
    """
    summary = summarise(record.rows, record.metrics)
    for name, text in (
        (SUMMARY, summary.model_dump_json(indent=1) + "\n"),
        (MARKDOWN, run_markdown(record, summary)),
        (JUNIT, run_junit(record)),
        (HTML, run_page(record, summary)),
    ):
        # What no file can hold, half of a surrogate pair, becomes a question mark.
        write_atomically(folder / name, text.encode("utf-8", "replace"))
    return summary

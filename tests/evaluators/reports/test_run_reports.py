"""Reports: JSON, Markdown, JUnit XML and one HTML file, with whatever cases and models say harmless in all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from run_samples import EVIL, HOSTILE, Run, case_of, manifest, row_of, sample_run

from evaluators.comparing import compare, gate
from evaluators.contract import Measure, Metric, Row
from evaluators.reports import (
    comparison_markdown,
    comparison_page,
    gate_junit,
    gate_markdown,
    run_junit,
    run_page,
    write_reports,
)
from evaluators.reports.markdown import plain
from evaluators.reports.ranking import standing
from evaluators.statistics import Summary, summarise


def page_of(run: Run) -> str:
    return run_page(run, summarise(run.rows, run.metrics))


def test_a_run_is_written_in_every_form(tmp_path: Path) -> None:
    run = sample_run()
    summary = write_reports(run, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["junit.xml", "report.html", "report.md", "summary.json"]
    assert Summary.model_validate_json((tmp_path / "summary.json").read_bytes()) == summary
    json.loads((tmp_path / "summary.json").read_text(), parse_constant=lambda name: AssertionError(name))
    assert write_reports(run, tmp_path) == summary


def test_the_page_runs_nothing_and_asks_nobody() -> None:
    page = page_of(sample_run())
    assert "default-src 'none'" in page
    assert EVIL not in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "\x00" not in page
    assert "\u202e" not in page
    assert page.count("<h1>") == page.count("</html>") == 1


def test_every_case_opens_to_its_trace_the_wrong_ones_first() -> None:
    page = page_of(sample_run(hostile=False))
    assert page.count('<details class="case"') == 60
    for told in ("below 0.70", "the day is wrong", "It arrives tomorrow. Unless it snows.", "No output: 2"):
        assert told in page
    assert page.index("No output: 2") < page.index("Wrong:") < page.index("Right:")


def test_a_large_run_shows_what_says_most_and_says_what_it_leaves_out() -> None:
    page = page_of(sample_run(n=3_000, hostile=False))
    assert page.count('<details class="case"') == 400
    assert "400 of 3,000 are shown" in page
    assert len(page) < 1_500_000


def test_charts_are_there_where_there_is_something_to_draw() -> None:
    page = page_of(sample_run(n=120))
    for title in ("Shares and scores", "right by language", "Reliability", "Time to an answer", "Cost of an answer"):
        assert title in page
    bare = Run("evl_9", tuple(row_of(case_of(i), cost=0.0, right=None) for i in range(3)), manifest=manifest("evl_9"))
    assert "Cost of an answer" not in page_of(bare)
    assert page_of(Run("evl_8", (), manifest={}))


def test_junit_has_a_case_each_with_its_reason() -> None:
    suite = ElementTree.fromstring(run_junit(sample_run(hostile=False))).find("testsuite")
    assert suite is not None
    counts = {key: int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped")}
    assert counts["tests"] == len(suite) == 60
    assert counts["errors"] == 2
    assert counts["skipped"] == 3
    assert counts["failures"] == sum(one.find("failure") is not None for one in suite) > 0
    failure = next(one.find("failure") for one in suite if one.find("failure") is not None)
    assert failure is not None
    assert "the day is wrong" in failure.attrib["message"]
    assert "expected:" in (failure.text or "")


def test_junit_holds_texts_that_no_xml_can() -> None:
    rows = [row_of(case_of(0, query=HOSTILE + "\uffff\x1b"), right=0.0, reason=HOSTILE + "\x0b")]
    suite = ElementTree.fromstring(run_junit(Run("e", tuple(rows), manifest=manifest("e"))).encode("utf-8"))
    assert "window.pwned" in (suite.find(".//failure").text or "")  # type: ignore[union-attr]


def test_a_lower_is_better_share_fails_where_it_is_one() -> None:
    leaked = Metric(name="flagged", better="lower")
    rows = (row_of(case_of(0), flagged=1.0), row_of(case_of(1), flagged=0.0))
    suite = ElementTree.fromstring(run_junit(Run("e", rows, (leaked,), manifest=manifest("e")))).find("testsuite")
    assert suite is not None
    assert suite.attrib["failures"] == "1"


def test_a_case_stands_by_the_first_metric_that_applies_to_it() -> None:
    first, second = Metric(name="right"), Metric(name="cheapest")

    def row(number: int, *measures: Measure) -> Row:
        return row_of(case_of(number)).model_copy(update={"measures": measures})

    right = row(0, Measure(metric="right", value=1.0), Measure(metric="cheapest", value=0.0))
    other = row(1, Measure(metric="right", value=None, applies=False), Measure(metric="cheapest", value=0.0))
    unsaid = row(2, Measure(metric="right", value=None), Measure(metric="cheapest", value=1.0))
    nothing = row(3)
    found = [standing(one, (first, second)) for one in (right, other, unsaid, nothing)]
    assert found == ["right", "wrong", "unmeasured", "other"]


def test_a_case_left_to_a_person_is_neither_right_nor_wrong() -> None:
    """Unless a metric says that it was to be left: no wrong answer was given, which makes none right."""
    run = sample_run()
    wrong, right = Metric(name="wrong", better="lower"), Metric(name="declined_rightly")
    row = next(row for row in run.rows if row.output and row.output.prediction)
    left = row.output.prediction.model_copy(update={"outcome": "in_review"})  # type: ignore[union-attr]
    output = row.output.model_copy(update={"prediction": left})  # type: ignore[union-attr]

    def said(**values: float) -> str:
        measures = tuple(Measure(metric=name, value=value) for name, value in values.items())
        return standing(row.model_copy(update={"output": output, "measures": measures}), (wrong, right))

    assert said(wrong=0.0) == "declined"
    assert said(wrong=0.0, declined_rightly=0.0) == "declined"
    assert said(wrong=0.0, declined_rightly=1.0) == "right"


def test_markdown_mentions_nobody_and_links_nowhere() -> None:
    said = plain(HOSTILE + " https://evil.example\n# head")
    for mark in ("<img", "@everyone", "](", "://", "\n", "\x1b"):
        assert mark not in said
    assert re.search(r"\\\|", said)


def test_a_comparison_is_told_with_its_flips() -> None:
    before, after = sample_run("evl_1", 300), sample_run("evl_2", 300, drop=0.1, seed=1)
    found = compare(before, after, margin=0.02)
    page = comparison_page(found, before, after)
    assert "right → wrong" in page
    assert "<script" not in page
    assert page.count('<div class="sides">') > 5
    assert '<div class="sides">' not in comparison_page(found)
    told = comparison_markdown(found)
    assert "**worse**" in told
    assert "cases got worse by right" in told


def test_a_gate_is_told_with_its_reasons() -> None:
    run = sample_run()
    result = gate(run, ["right>=0.99", "overlap>=0.1"])
    assert "Gate failed" in gate_markdown(result)
    suite = ElementTree.fromstring(gate_junit(result)).find("testsuite")
    assert suite is not None
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("2", "1")

"""Evaluations in the browser: listed with figures, a run with its cases and traces, two runs compared."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from ui_site import EVIL, Site, started

_SAMPLES = Path(__file__).parents[1] / "evaluators" / "run_samples.py"
_spec = importlib.util.spec_from_file_location("run_samples", _SAMPLES)
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
sys.modules["run_samples"] = samples
_spec.loader.exec_module(samples)

BEFORE, AFTER, RUNNING = "evl_01A", "evl_01B", "evl_01C"


def fill(data_dir: Path) -> None:
    """Two runs on the same cases, one under way, one damaged, and an attack run."""
    from evaluators.harness import open_run
    from evaluators.reports import write_reports

    target = {"name": "service", "version": "2", "arguments": {}}
    for run in (
        samples.sample_run(BEFORE, 120),
        samples.sample_run(AFTER, 120, drop=0.15, seed=1, target=target, created_at="2026-11-20T11:00:00+00:00"),
    ):
        folder = samples.write_run(data_dir / "evals", run)
        write_reports(open_run(folder), folder)
    stopped = samples.sample_run(RUNNING, 20)
    samples.write_run(data_dir / "evals", samples.Run(RUNNING, stopped.rows[:5], state="running",
                                                      manifest=stopped.manifest))  # fmt: skip
    (data_dir / "evals" / "evl_01D").mkdir()
    (data_dir / "evals" / "evl_01D" / "run.json").write_text("{")
    attack = samples.sample_run("atk_01A", 40, kind="attack")
    samples.write_run(data_dir / "attacks", attack)


@pytest.fixture(scope="module")
def evaluated(encoder_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data_dir = Path(shutil.copytree(encoder_data, tmp_path_factory.mktemp("evals") / "data"))
    fill(data_dir)
    with started(data_dir, 0) as site:
        yield site


def test_runs_are_listed_with_their_figures_and_what_is_wrong_with_one(page: Page, evaluated: Site) -> None:
    page.goto(f"{evaluated.url}/ui/evals")
    row = page.locator(".eval-row").filter(has_text=AFTER)
    expect(row.get_by_role("img", name=re.compile("right: .* 95% interval .* cases"))).to_be_visible()
    expect(page.locator(".eval-row").filter(has_text=RUNNING)).to_contain_text("interrupted")
    expect(page.locator(".eval-row").filter(has_text="evl_01D")).to_contain_text("can't be read")
    expect(page.locator(".eval-row").filter(has_text="atk_01A")).to_contain_text("attack")
    page.keyboard.press("/")
    page.keyboard.type(BEFORE)
    expect(page.locator(".eval-row")).to_have_count(1)
    page.get_by_role("link", name=BEFORE).click()
    expect(page.get_by_role("heading", name=BEFORE)).to_be_visible()


def test_a_case_is_found_by_how_it_did_and_opens_to_its_trace(page: Page, evaluated: Site) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{evaluated.url}/ui/evals/{BEFORE}")
    expect(page.get_by_role("region", name="Key figures")).to_contain_text("advisory only")
    page.get_by_role("button", name=re.compile("Wrong")).click()
    cases = page.locator(".eval-case")
    expect(cases.first.locator(".eval-standing")).to_have_text("wrong")
    cases.first.locator("summary").click()
    trace = cases.first.locator(".trace")
    expect(trace).to_contain_text("the day is wrong")
    expect(trace).to_contain_text("below 0.70")
    expect(trace.get_by_role("row").filter(has_text="overlap")).to_contain_text("words")
    page.get_by_role("button", name=re.compile("^All")).click()
    page.keyboard.press("/")
    page.keyboard.type("pwned")
    expect(cases).to_have_count(1)
    cases.first.locator("summary").click()
    expect(cases.first.locator(".trace")).to_contain_text(EVIL)
    page.get_by_label("Slice").select_option("language: de")
    expect(page.get_by_text("No case is like that.")).to_be_visible()
    expect(page.locator(".report svg.chart").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the phone"


def test_two_runs_are_compared_and_the_cases_that_flipped_are_shown(page: Page, evaluated: Site) -> None:
    page.goto(f"{evaluated.url}/ui/evals")
    page.get_by_label("Run to judge").select_option(AFTER)
    page.get_by_label("Run to compare with").select_option(AFTER)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("Choose two different runs.")).to_be_visible()
    page.get_by_label("Run to compare with").select_option(BEFORE)
    page.get_by_role("button", name="Compare").click()
    verdict = page.get_by_role("region", name="Verdict")
    expect(verdict).to_contain_text("Worse")
    flips = page.locator(".report .case")
    expect(flips.first).to_contain_text("right → wrong")
    flips.first.locator("summary").first.click()
    expect(flips.first).to_contain_text("Before")
    page.keyboard.press("x")
    expect(verdict).to_contain_text("right better")  # what else differs is undecided, and said
    page.goto(f"{evaluated.url}/ui/evals/{AFTER}/against/{AFTER}")
    expect(page.get_by_role("alert")).to_contain_text("can't be compared with itself")
    page.goto(f"{evaluated.url}/ui/evals/nothing")
    expect(page.get_by_role("heading", name="No such run")).to_be_visible()


def test_a_run_that_did_not_end_says_so_and_what_to_do(page: Page, evaluated: Site) -> None:
    page.goto(f"{evaluated.url}/ui/evals/{RUNNING}")
    expect(page.get_by_text(f"signalbox eval run --resume {RUNNING}")).to_be_visible()
    page.goto(f"{evaluated.url}/ui/evals/evl_01D")
    expect(page.get_by_role("alert")).to_contain_text("can't be read")


def test_a_run_is_followed_until_it_ends_and_says_why_it_failed(page: Page, evaluated: Site) -> None:
    asked = {"set": "judging", "target": "given", "scorers": ["latency"], "limit": 30}
    page.goto(f"{evaluated.url}/ui/evals")
    page.get_by_label("Filter by run, set or target").fill("evl_")
    expect(page.locator(".eval-row").filter(has_text="atk_01A")).to_have_count(0)
    started_run = page.request.post(f"{evaluated.url}/evals", data=asked)
    assert started_run.status == 202, started_run.text()
    run = started_run.json()["run"]
    row = page.locator(".eval-row").filter(has_text=run)
    # Answers that were given before have taken no time that could be measured.
    expect(row.locator(".eval-state")).to_have_text("failed")
    expect(row).to_contain_text("latency_ms")
    expect(page.get_by_label("Filter by run, set or target")).to_have_value("evl_")
    page.get_by_role("button", name="Begun").click()
    expect(page.get_by_role("columnheader", name="Begun")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator(".eval-row").last).to_contain_text(run)
    page.goto(f"{evaluated.url}/ui/evals/{run}")
    expect(page.get_by_role("alert").filter(has_text="This run failed")).to_contain_text("latency_ms")
    expect(page.locator(".eval-case")).to_have_count(30)


def test_before_the_first_run_the_page_says_how_to_start_one(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/ui/evals")
    expect(page.get_by_role("heading", name="No evaluations yet")).to_be_visible()
    expect(page.get_by_text("signalbox eval run eval_sets/helpdesk")).to_be_visible()

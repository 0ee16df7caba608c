"""The report says what was found, also the bad news, and no text of the data can become markup."""

from __future__ import annotations

import copy
import json
from functools import cache
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from classifiers.metrics import confidence_figures, label_figures, number_figures
from classifiers.training_report import to_html
from classifiers.training_report.trust import answerable
from signalbox.charts.bins import reliability_bins
from signalbox.statistics import share

HOSTILE = "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x00\u202e"
FREQUENT = "accuracy of the most frequent label"


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "br"} and not self.get_starttag_text().endswith("/>"):  # type: ignore[union-attr]
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def content(*, labels: int = 20, label: str = "label", better: bool = True) -> dict[str, Any]:
    return copy.deepcopy(_content(labels, label, better))


@cache
def _content(labels: int, label: str, better: bool) -> dict[str, Any]:
    random = np.random.default_rng(0)
    names = [f"{label} {i}" for i in range(labels)]
    truth = random.integers(labels, size=400)
    logits = random.normal(size=(400, labels)) + (4 if better else 0) * np.eye(labels)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    said, best = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = (said == truth).astype(float)
    numbers = np.exp(random.normal(size=300))
    estimates = numbers * np.exp(random.normal(scale=0.2, size=300)) if better else np.exp(random.normal(size=300)) + 3
    intervals = np.column_stack([estimates * 0.6, estimates * 1.6])
    figures, anchors = number_figures(estimates, numbers, intervals=intervals)
    task = {"name": f"{label} task", "kind": "classification", "labels": names, "rows": 400}
    return {
        "name": "helpdesk",
        "version": 2,
        "rows": 400,
        "out_of_scope": 7,
        "trained_on": f"{label}.csv",
        "learner": "embeddings",
        "held_out": "5 of 5 parts",
        "level": 0.9,
        "notes": [label],
        "tried": [{"learner": "tfidf", "gain": None, "kept": True, "why": label}],
        "tasks": [task, {"name": "votes", "kind": "regression", "labels": [], "rows": 300}],
        "metrics": {
            task["name"]: label_figures(probabilities, truth),
            "votes": figures,
            "expert": confidence_figures(best, right),
        },
        "anchors": {
            task["name"]: {FREQUENT: share(truth == 0)},
            "votes": anchors,
            "expert": {"gain_over_tfidf": {"value": 0.01, "low": -0.02, "high": 0.04, "n": 400}},
        },
        "drawn": {
            "tasks": {
                task["name"]: {
                    "truth": truth.tolist(),
                    "said": said.tolist(),
                    "probability": best.tolist(),
                    "doubtful": [{"text": label, "label": names[0], "said": names[1], "probability": 0.01}],
                },
                "votes": {
                    "truth": numbers.tolist(),
                    "estimates": estimates.tolist(),
                    "intervals": intervals.tolist(),
                },
            },
            "confidence": best.tolist(),
            "right": right.tolist(),
            "curve": [
                {
                    "per_label": n,
                    "rows": n * labels,
                    "accuracy": {"value": v, "low": v - 0.05, "high": v + 0.05, "n": 80},
                }
                for n, v in ((2, 0.4), (5, 0.6), (10, 0.8))
            ],
        },
    }


def test_the_page_shows_figures_beside_their_anchors() -> None:
    given = content()
    page = Page(to_html(json.loads(json.dumps(given))))
    assert not page.open
    accuracy = given["metrics"]["label task"]["accuracy"]["value"]
    assert f"{100 * accuracy:.1f}".removesuffix(".0") + "%" in page.text
    assert "better than always saying the most frequent label" in page.text
    assert "By absolute error better than always saying the median" in page.text
    assert "Not surely better than words alone (TF-IDF)" in page.text
    assert "Answering only the surest" in page.text
    assert "Still rising" in page.text
    assert page.tags.count("svg") == 9
    assert len([value for name, value in page.attributes if name == "aria-label"]) == 10


def test_bad_news_is_told() -> None:
    text = Page(to_html(content(better=False))).text
    assert "Do not use the numbers as they are" in text
    assert "not surely better than always saying the most frequent label" in text
    assert "No text out of scope was given" not in text
    assert "No text out of scope was given" in Page(to_html({**content(), "out_of_scope": 0})).text


def test_hostile_texts_stay_text() -> None:
    html = to_html(content(label=HOSTILE))
    page = Page(html)
    assert not {"script", "img", "a href"} & set(page.tags)
    assert not page.open
    assert not any(name.startswith("on") or name == "src" for name, _ in page.attributes)
    assert all(value is None or value.startswith("#") for name, value in page.attributes if name == "href")
    assert "\u202e" not in html
    assert "default-src 'none'" in html


@pytest.mark.parametrize("missing", ["drawn", "tried", "notes", "anchors", "metrics", "trained_on", "level", "version"])
def test_what_is_missing_is_left_out(missing: str) -> None:
    given = content()
    del given[missing]
    page = Page(to_html(given))
    assert "helpdesk" in page.text
    assert "nan" not in page.text.lower().split()


def test_positions_that_do_not_fit_and_empty_tasks_are_left_out() -> None:
    given = content()
    broken = copy.deepcopy(given)
    broken["drawn"]["tasks"]["label task"]["truth"][0] = 99
    broken["drawn"]["tasks"]["votes"]["intervals"].pop()
    assert Page(to_html(broken)).tags.count("svg") < Page(to_html(given)).tags.count("svg")


def test_few_labels_and_two_labels_are_drawn() -> None:
    for labels in (2, 3):
        assert "Labels most confused" in Page(to_html(content(labels=labels, better=False))).text


def test_bins_hold_every_row_once_and_equal_ones_together() -> None:
    random = np.random.default_rng(1)
    probability = random.random(500).round(1)
    bins = reliability_bins(probability, (random.random(500) < probability).astype(float))
    assert sum(one.n for one in bins) == 500
    assert all(one.low <= one.seen <= one.high for one in bins)
    assert len(reliability_bins(np.full(9, 0.5), np.ones(9))) == 1


def test_too_few_rows_promise_nothing() -> None:
    assert "too few" in answerable([{"coverage": 1.0, "risk": 0.0, "low": 0.0, "high": 0.3}])

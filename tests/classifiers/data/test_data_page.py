"""The page: whole, self-contained, and nothing from the data becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from intent_files import LetterEncoder
from labelled_rows import texts, write

from classifiers.data import labelled, read_table
from classifiers.data.report import data_report, to_html

HOSTILE = ["</svg><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</td></table><h1>owned", "\u202eevil"]


class Elements(HTMLParser):
    """All elements with their attributes, and whether each was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, encoder: LetterEncoder) -> str:
    """Of a file whose name, columns, labels and texts are all markup, with something found by most checks."""
    folder: Path = tmp_path_factory.mktemp("page")
    draw = np.random.default_rng(1)
    names = {topic: HOSTILE[i] for i, topic in enumerate(("garden", "kitchen", "travel"))}
    rows = [
        [f"{text} {HOSTILE[i % 4]}", names[str(topic)], f"{HOSTILE[0]} {topic}", "" if i % 3 else HOSTILE[1]]
        for i, (text, topic) in enumerate(texts(200))
    ]
    rows += [[rows[i][0], rows[i + 1][1], rows[i][2], ""] for i in range(12)]
    for i in draw.choice(200, 12, replace=False).tolist():
        rows[i][1] = names["garden"]
    header = (HOSTILE[0], HOSTILE[1], HOSTILE[2], f"{HOSTILE[3]}<b>")
    table = read_table(write(folder / "<script>alert(1)<.csv", header, rows), header=True)
    data = labelled(table, text=[table.columns[0]], targets=[table.columns[1]])
    report = data_report(data, encoder=encoder)
    assert {"duplicates/conflicting", "label-errors/suspected", "leaks/column"} <= {f.id for f in report.findings}
    return to_html(report)


def test_nothing_of_the_data_is_markup(page: str) -> None:
    elements = Elements()
    elements.feed(page)
    names = {name for name, _ in elements.found}
    assert not names & {"script", "img", "iframe", "object", "link"}
    assert sum(name == "h1" for name, _ in elements.found) == 1
    assert not [key for _, attributes in elements.found for key in attributes if key.startswith("on")]
    assert not elements.crossed
    assert not elements.open
    assert "\u202e" not in page


def test_the_page_loads_nothing_and_says_so(page: str) -> None:
    elements = Elements()
    elements.feed(page)
    assert not [
        value
        for _, attributes in elements.found
        for key, value in attributes.items()
        if key in ("src", "href", "action") and not str(value).startswith("#")
    ]
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_charts_are_drawn_and_every_section_can_be_jumped_to(page: str) -> None:
    elements = Elements()
    elements.feed(page)
    ids = {str(attributes["id"]) for _, attributes in elements.found if "id" in attributes}
    links = {str(attributes["href"])[1:] for name, attributes in elements.found if name == "a"}
    assert links <= ids
    assert {"balance", "duplicates", "leaks", "label-errors", "suspects"} <= ids
    assert sum(name == "svg" for name, _ in elements.found) >= 5
    assert "prefers-color-scheme:dark" in page

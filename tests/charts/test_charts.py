"""Charts are well-formed, say in words what they show, and no label can become markup."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox.charts import (
    Axis,
    Bar,
    ReliabilityBin,
    Series,
    bars,
    escaped,
    heat_map,
    histogram,
    lines,
    number,
    percent,
    reliability,
    scatter,
)
from signalbox.errors import InvalidInput, TooLarge

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x00\u202e\ud800 ]]>"
SVG = "{http://www.w3.org/2000/svg}"
X, Y = Axis("Texts", unit="per label"), Axis("Accuracy", low=0, high=1, share=True)


def every(label: str, values: list[float]) -> list[str]:
    axis = Axis(label, unit=label)
    return [
        bars([Bar(label, value, value, value, strong=True) for value in values], title=label, axis=axis),
        histogram(list(range(len(values) + 1)), values, title=label, x=axis, y=axis, description=label),
        lines([Series(label, values, values, values, values, dots=True)] * 2, title=label, x=axis, y=axis),
        scatter(values, values, title=label, x=axis, y=axis, diagonal=True, description=label),
        reliability([ReliabilityBin(0.5, value, value, value, 3) for value in values], title=label, description=label),
        heat_map(
            [label] * len(values), [label], [[v] for v in values], title=label, row_title=label, column_title=label
        ),
    ]


def test_hostile_labels_stay_text() -> None:
    for chart in every(HOSTILE, [0.2, 0.7]):
        root = ElementTree.fromstring(chart)
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            *("svg", "title", "desc", "text", "rect", "line", "path", "circle", "polygon", "polyline")
        }
        assert not any(name.startswith("on") or "href" in name for element in root.iter() for name in element.attrib)
        assert "<script" not in chart
        assert "\u202e" not in chart
        chart.encode("utf-8")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=6),
    st.text(max_size=30),
    st.booleans(),
)
def test_any_values_give_a_picture_without_nan(values: list[float], label: str, log: bool) -> None:
    axis = Axis(label, log=log)
    charts = [*every(label, values), scatter(values, values, title=label, x=axis, y=axis)]
    charts.append(bars([Bar(label, value) for value in values], title=label, axis=axis))
    for chart in charts:
        ElementTree.fromstring(chart)
        coordinates = [value for e in ElementTree.fromstring(chart).iter() for value in e.attrib.values()]
        assert not any(value.lower() in {"nan", "inf", "-inf"} for value in coordinates)


def test_a_chart_speaks() -> None:
    chart = lines(
        [Series("learning", [1, 2, 4], [0.5, 0.7, 0.8])], title="Learning curve", description="Rises.", x=X, y=Y
    )
    root = ElementTree.fromstring(chart)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "Learning curve. Rises."
    assert root.findtext(f"{SVG}title") == "Learning curve"
    assert root.findtext(f"{SVG}desc") == "Rises."
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "Texts (per label)" in texts
    assert "60%" in texts


def test_bars_are_as_long_as_their_values() -> None:
    root = ElementTree.fromstring(bars([Bar("a", 4), Bar("b", 2), Bar("c", -2)], title="t", axis=Axis("n")))
    first, second, third = (float(rect.attrib["width"]) for rect in root.iter(f"{SVG}rect"))
    assert first == pytest.approx(2 * second, abs=0.2)
    assert second == pytest.approx(third, abs=0.2)


def test_log_axes_have_powers_of_ten() -> None:
    chart = scatter([1, 1_000], [0.1, 100], title="t", x=Axis("x", log=True), y=Axis("y", log=True))
    texts = {element.text for element in ElementTree.fromstring(chart).iter(f"{SVG}text")}
    assert {"1", "10", "100", "1,000", "0.1"} <= texts


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *[(0, "0"), (0.01234, "0.0123"), (0.5, "0.5"), (12.34, "12.3"), (1234.5, "1,234"), (123_456, "123k")],
        *[
            (1.5e6, "1.5M"),
            (-2.5e9, "-2.5G"),
            (1e-7, "1e-07"),
            (math.nan, "–"),
            (math.inf, "–"),
            (1, "1"),
            (100, "100"),
        ],
    ],
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_shares_and_cuts() -> None:
    assert percent(0.9731) == "97.3%"
    assert percent(1.0) == "100%"
    assert escaped("abcdef", 4) == "abc…"


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InvalidInput):
        histogram([0, 1], [1, 2], title="t", x=X, y=Y)
    with pytest.raises(InvalidInput):
        scatter([1], [], title="t", x=X, y=Y)
    with pytest.raises(InvalidInput):
        heat_map(["a"], ["b"], [[1, 2]], title="t", row_title="r", column_title="c")
    with pytest.raises(TooLarge):
        bars([Bar("a", 1)] * 61, title="t", axis=X)

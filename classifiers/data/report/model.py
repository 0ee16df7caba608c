"""The report as data: sections with findings, and charts as numbers. How they are drawn is known to the page."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from classifiers.contract import Kind
from classifiers.data.findings import Figure, Finding, by_severity
from signalbox.types import Frozen


class Bar(Frozen):
    """`note` is written after the bar; `marked` bars stand out."""

    label: str
    value: float
    note: str = ""
    marked: bool = False


class Bars(Frozen):
    """Counts or shares by name, in their order."""

    kind: Literal["bars"] = "bars"
    title: str
    x_label: str
    bars: tuple[Bar, ...]
    left_out: int = 0


class Histogram(Frozen):
    """Counts between edges, one edge more than counts; `limit` is a line drawn across."""

    kind: Literal["histogram"] = "histogram"
    title: str
    x_label: str
    y_label: str = "rows"
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    limit: float | None = None
    limit_label: str = ""


class Matrix(Frozen):
    """Counts by row and column."""

    kind: Literal["matrix"] = "matrix"
    title: str
    row_label: str
    column_label: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int, ...], ...]


class Interval(Frozen):
    """An estimate between its bounds."""

    label: str
    low: float
    value: float
    high: float
    marked: bool = False


class Intervals(Frozen):
    """Estimates with intervals against a value that means nothing was found."""

    kind: Literal["intervals"] = "intervals"
    title: str
    x_label: str
    low: float
    high: float
    reference: float
    reference_label: str
    intervals: tuple[Interval, ...]


Chart = Bars | Histogram | Matrix | Intervals


class Section(Frozen):
    """What one check found.

    Attributes:
        said: one or two sentences that hold whether or not there are findings.
        skipped: why the check could not be made; None where it was.
    """

    id: str
    title: str
    said: str
    skipped: str | None = None
    findings: tuple[Finding, ...] = ()
    charts: tuple[Chart, ...] = ()
    figures: dict[str, Figure] = Field(default_factory=dict)
    seconds: float = 0.0


class Target(Frozen):
    """A target as it was read."""

    name: str
    kind: Kind
    labels: int
    rows: int


class Suspect(Frozen):
    """A row whose label is probably wrong.

    Attributes:
        confidence: the probability of the given label by models that have not seen the row.
        suggested_confidence: that of the likeliest label.
    """

    line: int
    task: str
    given: str
    suggested: str
    confidence: float = Field(ge=0, le=1)
    suggested_confidence: float = Field(ge=0, le=1)
    text: str


class DataReport(Frozen):
    """What is to be known of a labelled file before anything is trained on it.

    Attributes:
        rows: rows with a text and a target.
        outside: rows labelled as belonging to no label.
        set_aside: rows not used, by the reason.
        suspects: rows whose label is probably wrong, the most doubtful first.
    """

    format: Literal[1] = 1
    name: str
    sha256: str
    created: datetime
    rows: int
    outside: int
    set_aside: dict[str, int]
    columns: tuple[str, ...]
    text_columns: tuple[str, ...]
    targets: tuple[Target, ...]
    test_name: str | None = None
    test_rows: int | None = None
    sections: tuple[Section, ...]
    suspects: tuple[Suspect, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the most serious first."""
        return by_severity([finding for section in self.sections for finding in section.findings])

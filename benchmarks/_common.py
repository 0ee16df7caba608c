"""What all benchmarks share: progress on standard error, a table, and one JSON object as the last line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track as _track
from rich.table import Table

T = TypeVar("T")


def track(items: Sequence[T], description: str) -> Iterable[T]:
    """Iterate with a bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    return _track(items, description, console=console, transient=True, disable=not console.is_terminal)


def finish(title: str, result: Mapping[str, object], *, only_json: bool = False) -> None:
    """Print ours and the anchors as columns of a table, then everything as JSON. NaN is an error, not a result."""
    anchors = result.get("anchors", {})
    columns: dict[str, Mapping[str, object]] = {"ours": {k: v for k, v in result.items() if k != "anchors"}}
    if isinstance(anchors, Mapping):
        columns |= {name: value for name, value in anchors.items() if isinstance(value, Mapping)}
    columns = {name: dict(_flat(values)) for name, values in columns.items()}
    if not only_json:
        table = Table(title=title, box=None, title_justify="left", header_style="dim")
        table.add_column("")
        for name in columns:
            table.add_column(name, justify="right")
        for key in dict.fromkeys(key for column in columns.values() for key in column):
            table.add_row(key, *(_shown(column.get(key)) for column in columns.values()))
        Console().print(table)
    print(json.dumps(result, allow_nan=False))


def _flat(values: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Figures within figures get the names of both."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name} ")
        else:
            yield f"{before}{name}", value


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}" if math.isfinite(value) else "not a number"
    if isinstance(value, list | tuple):
        return " to ".join(_shown(item) for item in value)
    return str(value)


def quantile(values: Sequence[float], q: float) -> float:
    """The `q` quantile of `values`, interpolated linearly between neighbours, as NumPy does.

    Raises:
        ValueError: there are no values, or `q` is not within 0 and 1.
    """
    if not values or not 0 <= q <= 1:
        raise ValueError(f"There is no quantile {q} of {len(values)} values.")
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def silent(_share: float, _stage: str) -> None:
    """Progress nobody looks at."""


def write_readme_section(name: str, text: str) -> None:
    """Replace what stands between `<!-- NAME -->` and `<!-- /NAME -->` in README.md."""
    path = Path(__file__).resolve().parents[1] / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, mark, after = rest.partition(f"<!-- /{name} -->")
    if not mark:
        raise SystemExit(f"README.md has no section <!-- {name} --> … <!-- /{name} -->.")
    path.write_text(f"{before}<!-- {name} -->\n{text}{mark}{after}", encoding="utf-8")

"""`signalbox bench`: the comparisons in `benchmarks`, by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from signalbox.errors import UnknownName

_FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; without a name, the quick board of all.")] = None,
) -> None:
    """Measure Signalbox beside its anchors; a table, then one JSON object. Arguments after the name are passed on."""
    names = sorted(path.stem for path in _FOLDER.glob("[a-z]*.py"))
    if name is not None and name not in names:
        raise UnknownName(f"There is no benchmark {name!r}; there are {', '.join(names)}.", field="name")
    module, arguments = (f"benchmarks.{name}", context.args) if name else ("benchmarks.all", ["--quick"])
    # A process of its own: what it measures must not depend on what this one has loaded.
    done = subprocess.run([sys.executable, "-m", module, *arguments], check=False)  # noqa: S603 - one of `names`
    raise typer.Exit(done.returncode)

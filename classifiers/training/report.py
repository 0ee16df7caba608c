"""The report of a training beside its card: what was measured, as JSON and as one page of HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classifiers.training.figures import Figures
from classifiers.training_report import to_html

REPORT = "report"


def write_report(folder: Path, described: Mapping[str, Any], found: Figures) -> None:
    """Write `report.json` and `report.html` into an existing folder."""
    content = {**described, "drawn": found.drawn}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    (folder / f"{REPORT}.json").write_text(text + "\n", encoding="utf-8")
    (folder / f"{REPORT}.html").write_text(to_html(content), encoding="utf-8")

"""What a training found, within the page and in its colours: charts and tables made from the version's `report.json`.

They are made with every text escaped, and cleaned once more in the browser before they are put in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from nicegui import ui

from api.service.wiring import Service
from api.ui.experts.reading import reading
from api.ui.parts.elements import el
from classifiers.registry import Registry
from classifiers.registry.version import Version
from signalbox.errors import CorruptArtefact, NotFound, TooLarge

REPORT = "report.json"
_MOST_BYTES = 60_000_000


async def report_parts(service: Service, reference: str) -> list[tuple[str, str]]:
    """Titles, and HTML of what is below them.

    Raises:
        NotFound: the training left no report.
        CorruptArtefact: the report is not what was written.
        TooLarge: it is larger than a page could show.
    """

    def read(registry: Registry) -> list[tuple[str, str]]:
        return _parts(_content(registry.resolve(reference)))

    return await reading(service, read)


def draw_parts(parts: list[tuple[str, str]]) -> None:
    for title, html in parts:
        with el("section", "", "report stack"):
            el("h3", title, "report-title", dir="auto")
            ui.html(html, sanitize=True).classes("report-body")


def _content(version: Version) -> Mapping[str, Any]:
    digest = version.manifest.get("files", {}).get(REPORT)
    path = version.path / REPORT
    if digest is None or not path.is_file():
        raise NotFound(f"The training of {version.reference} left no report.")
    if path.stat().st_size > _MOST_BYTES:
        raise TooLarge(f"The report of {version.reference} is larger than {_MOST_BYTES:,} bytes.")
    written = path.read_bytes()
    if hashlib.sha256(written).hexdigest() != digest:
        raise CorruptArtefact(
            f"The report of {version.reference} differs from the checksum in its manifest: train the expert again."
        )
    content: Mapping[str, Any] = json.loads(written)
    return content


def _parts(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    from classifiers.training_report.labels import label_parts
    from classifiers.training_report.numbers import number_parts
    from classifiers.training_report.trust import learning, trust

    drawn = content.get("drawn", {})
    found = []
    for task in content.get("tasks", ()):
        own = drawn.get("tasks", {}).get(task["name"], {})
        level = float(content.get("level", 0.9))
        html = label_parts(task, own) if task.get("labels") else number_parts(task, own, level)
        found.append((str(task["name"]), html))
    found += [("", trust(drawn)), ("", learning(drawn.get("curve", ())))]
    return [(title, html) for title, html in found if html]

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
from classifiers.registry.version import Version
from signalbox.errors import CorruptArtefact, NotFound, TooLarge

REPORT = "report.json"
_MOST_BYTES = 60_000_000


async def report_of(service: Service, reference: str) -> str:
    """The report's body as HTML.

    Raises:
        NotFound: the training left no report.
        CorruptArtefact: the report is not what was written.
        TooLarge: it is larger than a page could show.
    """
    return await reading(service, lambda registry: _body(_content(registry.resolve(reference))))


def draw_report(body: str) -> None:
    ui.html(body, sanitize=True).classes("report")


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


def _body(content: Mapping[str, Any]) -> str:
    """The report is a page of its own; its frame and style stay out of this one."""
    from classifiers.training_report import to_html

    return to_html(content).partition("<main>")[2].rpartition("</main>")[0]

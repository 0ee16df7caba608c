"""The report of a version, as it was written."""

from __future__ import annotations

import hashlib

from classifiers.registry import Registry
from signalbox.errors import CorruptArtefact, NotFound, TooLarge

REPORT = "report.html"
_MOST_BYTES = 50_000_000


def report_of(registry: Registry, reference: str) -> bytes:
    """The page.

    Raises:
        NotFound: there is no such version, or it has no report.
        CorruptArtefact: the page is not what was written.
    """
    version = registry.resolve(reference)
    files = version.manifest.get("files", {})
    path = version.path / REPORT
    if REPORT not in files or not path.is_file():
        raise NotFound(f"{version.reference} has no report.")
    if path.stat().st_size > _MOST_BYTES:
        raise TooLarge(f"The report of {version.reference} is larger than {_MOST_BYTES:,} bytes; read {path}.")
    page = path.read_bytes()
    if hashlib.sha256(page).hexdigest() != files[REPORT]:
        raise CorruptArtefact(f"{path} differs from the checksum in its manifest: train the expert again.")
    return page

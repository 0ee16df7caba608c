"""A service with its pages as a process of its own, and what is in the small shop that it serves."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
OLD_PREDICTIONS = 1_000
EVIL = "<img src=x onerror=\"window.pwned = 'yes'\">"
DOCUMENTS = {
    "refunds.md": ("Refunds", "# Refunds\n\nWe refund you within 14 days of your return reaching our warehouse. "
                   "The money goes back to the payment method you used.\n\n## Partial refunds\n\nWe reduce a refund "
                   "when an item shows signs of use."),
    "delivery.md": ("Delivery", "# Delivery\n\n## What it costs\n\nStandard delivery costs EUR 4.90 and is free from "
                    "EUR 75. Bulky items are delivered by two people."),
    "evil.md": (EVIL, f"# Odd things\n\nThe watchword of the odd things is {EVIL} and nothing else."),
}  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A running service: where its pages are, its data directory, and its process."""

    url: str
    data_dir: Path
    process: subprocess.Popen[str]


def started(data_dir: Path, old: int) -> _Started:
    """A service of its own for `data_dir`, with `old` predictions in it."""
    return _Started(data_dir, old)


class _Started:
    def __init__(self, data_dir: Path, old: int) -> None:
        self._data_dir = data_dir
        self._log = data_dir.parent / "service.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "ui_serving.py"), str(data_dir), str(old)],
                stdout=log,
                stderr=log,
                text=True,
                cwd=HERE.parents[1],
            )

    def __enter__(self) -> Site:
        end = time.monotonic() + 180
        while time.monotonic() < end and self._process.poll() is None:
            _, found, rest = self._log.read_text().partition("ready at ")
            if found and rest.split():
                return Site(rest.split()[0], self._data_dir, self._process)
            time.sleep(0.1)
        self._process.kill()
        raise AssertionError(f"the service did not start: {self._log.read_text()}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        said = self._log.read_text()
        assert "Traceback" not in said, said

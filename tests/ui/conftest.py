"""One service with its pages for the whole session, and a real Chromium to look at them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from retriever import Document, upsert
from signalbox.encoder import load_encoder
from signalbox.settings import Settings

HERE = Path(__file__).parent
OLD_PREDICTIONS = 1_000
PATIENCE_MS = 45_000
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


@pytest.fixture(scope="session")
def shop_data(encoder_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with an encoder and three documents, one of which has markup for a title."""
    data_dir = Path(shutil.copytree(encoder_data, tmp_path_factory.mktemp("shop") / "data"))
    encoder = load_encoder(Settings(data_dir=data_dir))
    documents = [Document.make(name, text, title=title) for name, (title, text) in DOCUMENTS.items()]
    upsert(documents, index_folder=data_dir / "index", encoder=encoder)
    return data_dir


@pytest.fixture(scope="session")
def site(shop_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The service that all tests share; what it says is in the failure when it does not start."""
    data_dir = shutil.copytree(shop_data, tmp_path_factory.mktemp("served") / "data")
    with started(data_dir, OLD_PREDICTIONS) as running:
        yield running


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright keeps an event loop running in this thread, so it ends before other modules' coroutines are run."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.fail("The pages are tested in Chromium, and there is none: install it, as with `apt install chromium`.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser with nothing kept; light, 1,280 pixels wide."""
    opened = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must run without script errors, ask nothing of other hosts and run no markup that was a text."""
    opened = context.new_page()
    errors: list[str] = []
    hosts: set[str | None] = set()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    yield opened
    assert opened.evaluate("window.pwned") is None, "a text was run as markup"
    assert not errors, errors
    assert hosts <= {"127.0.0.1", "localhost", "", None}, hosts

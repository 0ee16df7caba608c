"""One service with its pages for the whole session, and a real Chromium to look at them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from ui_site import DOCUMENTS, OLD_PREDICTIONS, Site, started

from retriever import Document, upsert
from signalbox.encoder import load_encoder
from signalbox.settings import Settings

PATIENCE_MS = 45_000


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

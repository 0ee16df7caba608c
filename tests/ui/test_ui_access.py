"""Who gets in: signing in leads to where one wanted, a viewer looks and is told why not more, signing out ends it."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from ui_site import HERE, Site, started

from signalbox.settings import Settings
from signalbox.storage import KeyStore, open_database
from signalbox.storage.tokens import ROLES


async def _make_keys(data_dir: Path) -> dict[str, str]:
    database = await open_database(Settings(data_dir=data_dir))
    store = KeyStore(database)
    tokens = {role: (await store.create(f"a {role}", role)).token for role in ROLES}
    await database.close()
    return tokens


@pytest.fixture(scope="module")
def guarded(shop_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str]]]:
    """A service that asks for keys, and a token for each role."""
    data_dir = Path(shutil.copytree(shop_data, tmp_path_factory.mktemp("guarded") / "data"))
    with ThreadPoolExecutor(1) as elsewhere:  # in this thread, the browser's event loop is running
        tokens = elsewhere.submit(asyncio.run, _make_keys(data_dir)).result()
    with started(data_dir, 3) as site:
        yield site, tokens


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("API key").fill(token)
    page.get_by_role("button", name="Sign in").click()


def test_signing_in_leads_to_the_page_asked_for_and_signing_out_ends_it(
    page: Page, guarded: tuple[Site, dict[str, str]]
) -> None:
    site, tokens = guarded
    page.goto(f"{site.url}/ui/predictions?q=old&route=cloud")
    expect(page).to_have_url(re.compile("/sign-in"))
    sign_in(page, tokens["reviewer"])
    expect(page).to_have_url(f"{site.url}/ui/predictions?q=old&route=cloud")
    expect(page.get_by_text("Old question number 0001")).to_be_visible()
    expect(page.get_by_text("a reviewer · reviewer")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    page.goto(f"{site.url}/ui/")
    expect(page).to_have_url(re.compile("/sign-in"))


POLLING = "/ui/_nicegui_ws/socket.io/?EIO=4&transport=polling"


@pytest.mark.parametrize("path", ["/", "/ui", "/ui/", "/ui/predictions", "/ui/nowhere", POLLING])
def test_what_makes_up_the_pages_is_for_those_who_may_look(guarded: tuple[Site, dict[str, str]], path: str) -> None:
    site, tokens = guarded
    for role in (*ROLES, None):
        headers = {"X-API-Key": tokens[role]} if role else {}
        status = httpx.get(f"{site.url}{path}", headers=headers).status_code
        assert status in ((200, 303, 404) if role in ("viewer", "reviewer", "admin") else ((403,) if role else (401,)))


def test_no_other_origin_may_read_what_the_pages_connection_says(guarded: tuple[Site, dict[str, str]]) -> None:
    site, tokens = guarded
    headers = {"X-API-Key": tokens["viewer"], "Origin": "http://evil.example"}
    answer = httpx.get(f"{site.url}{POLLING}", headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_viewer_is_told_why_asking_is_not_possible(page: Page, guarded: tuple[Site, dict[str, str]]) -> None:
    site, tokens = guarded
    page.goto(f"{site.url}/ui/")
    sign_in(page, tokens["viewer"])
    expect(page.get_by_text("Your key has the role viewer.")).to_be_visible()
    expect(page.get_by_label("Question")).to_be_disabled()
    page.goto(f"{site.url}/ui/predictions")
    page.get_by_role("link", name="Old question number 0001").click()
    expect(page.get_by_text("Old answer 1", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Right")).to_be_hidden()


def test_a_page_ends_when_somebody_else_signs_in(
    page: Page, context: BrowserContext, guarded: tuple[Site, dict[str, str]]
) -> None:
    """What was made for one is never driven by another: when its connection comes back, the page is loaded anew."""
    site, tokens = guarded
    page.goto(f"{site.url}/ui/")
    sign_in(page, tokens["reviewer"])
    expect(page.get_by_text("a reviewer · reviewer")).to_be_visible()
    other = context.new_page()
    other.goto(f"{site.url}/sign-in")
    sign_in(other, tokens["viewer"])
    expect(other.get_by_text("a viewer · viewer")).to_be_visible()
    page.evaluate("window.socket.io.engine.close()")
    expect(page.get_by_text("a viewer · viewer")).to_be_visible()
    expect(page.get_by_label("Question")).to_be_disabled()


def test_what_a_reviewer_asks_is_kept_with_the_key(page: Page, guarded: tuple[Site, dict[str, str]]) -> None:
    site, tokens = guarded
    page.goto(f"{site.url}/ui/")
    sign_in(page, tokens["reviewer"])
    page.get_by_label("Question").fill("hello with a key")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?p=prd_"))
    id_ = page.url.partition("?p=")[2]
    headers = {"Authorization": f"Bearer {tokens['reviewer']}"}
    kept = httpx.get(f"{site.url}/predictions/{id_}", headers=headers, trust_env=False).json()
    assert kept["caller"] == tokens["reviewer"].split("_")[1]


def test_a_page_says_what_a_starting_service_is_doing(page: Page, tmp_path: Path) -> None:
    command = [sys.executable, str(HERE.parent / "api" / "serving.py"), str(tmp_path), "0", "1000", "hangs"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=HERE.parents[1]) as process:
        try:
            assert process.stderr is not None
            assert "Opening takes long." in process.stderr.readline()
            url = _url_of(process.pid)
            page.goto(f"{url}/ui/predictions")
            expect(page.get_by_role("heading", name="Signalbox is starting")).to_be_visible()
            expect(page.get_by_text("It is starting (Opening takes long).")).to_be_visible()
            html = {"Accept": "text/html", "X-Request-ID": "mine-1"}
            answer = httpx.get(f"{url}/ui/", headers=html, trust_env=False)
            assert (answer.status_code, answer.headers["x-request-id"]) == (503, "mine-1")
            assert answer.headers["x-content-type-options"] == "nosniff"
            foreign = httpx.get(f"{url}/ui/", headers=html | {"Host": "evil.example"}, trust_env=False)
            assert foreign.status_code == 421
            page.goto("about:blank")  # it would load itself again while it is looked at
        finally:
            process.kill()


def _url_of(pid: int) -> str:
    connections = psutil.Process(pid).net_connections("tcp")
    port = next(each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN)
    return f"http://127.0.0.1:{port}"


def test_reviewers_decide_but_do_not_upload_and_viewers_do_neither(
    page: Page, guarded: tuple[Site, dict[str, str]]
) -> None:
    site, tokens = guarded
    page.goto(f"{site.url}/ui/review")
    sign_in(page, tokens["viewer"])
    expect(page.get_by_role("heading", name="You may not decide")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{site.url}/ui/review")
    sign_in(page, tokens["reviewer"])
    expect(page.get_by_role("heading", name="Nothing waits for a person")).to_be_visible()
    page.goto(f"{site.url}/ui/documents")
    expect(page.locator(".grid-row a").first).to_be_visible()
    expect(page.get_by_text("Choose files")).to_have_count(0)
    page.goto(f"{site.url}/ui/documents/refunds.md")
    expect(page.locator(".chunk-text").first).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)

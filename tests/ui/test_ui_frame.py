"""What all pages share: themes, narrow screens, contrast, the lost connection, who may look, what may run."""

from __future__ import annotations

import itertools
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from ui_site import Site

from api.ui.theme import DARK, LIGHT

PAGES = ("/ui/", "/ui/predictions", "/ui/review", "/ui/documents")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways_on_a_phone(page: Page, site: Site, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(site.url + path)
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    box = page.get_by_role("navigation", name="Pages").bounding_box()
    assert box is not None
    assert box["y"] > 700, "the rail is a bar at the bottom"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("path", PAGES)
def test_every_control_has_a_name_and_every_page_one_heading(page: Page, site: Site, path: str) -> None:
    page.goto(site.url + path)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], input, select, textarea, summary')]
            .filter((item) => item.tabIndex >= 0 && item.checkVisibility() && !(item.ariaLabel
                || item.textContent.trim() || item.title || item.labels?.length)).map((item) => item.outerHTML)"""
    )
    assert nameless == []


def test_a_page_is_sent_whole_so_that_no_key_pressed_on_it_is_lost(site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False, timeout=30) as client:
        shown = client.post("/predict", json={"query": "hello, is this page whole?"}).json()["id"]
        for path, last in ((f"/ui/predictions/{shown}", '"data-key":"b"'), ("/ui/", '"See what was asked before"'),
                           ("/ui/predictions", '"id":"export"')):  # fmt: skip
            assert all(last in client.get(path).text for _ in range(5)), path


def test_the_theme_is_the_systems_until_somebody_chooses(browser: Browser, site: Site) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{site.url}/ui/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == _rgb(DARK["ground"])
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == _rgb(LIGHT["ground"])
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == _rgb(LIGHT["ground"])
    context.close()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_contrast_on_every_ground(theme: dict[str, str]) -> None:
    texts = ("text", "muted", "accent", "classifier", "grounded", "cloud", "review", "right", "wrong")
    for text, ground in itertools.product(texts, ("ground", "surface", "hover", "sunken")):
        assert _contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
    for text, ground in (("on-accent", "accent"), ("on-accent", "accent-hover"), ("on-mark", "mark"),
                         ("text", "wrong-soft"), ("muted", "wrong-soft"), ("text", "warn-soft"),
                         ("muted", "warn-soft")):  # fmt: skip
        assert _contrast(theme[text], theme[ground]) >= 4.5, (text, ground)


def test_a_lost_connection_is_said_quietly_and_nothing_typed_is_lost(page: Page, site: Site) -> None:
    with cable(site) as (url, cut, mend):
        page.goto(f"{url}/ui/")
        page.get_by_label("Question").fill("half a question")
        cut()
        banner = page.get_by_text("Connection lost.")
        expect(banner).to_be_visible()
        page.get_by_label("Question").type(" and more")
        mend()
        expect(banner).to_be_hidden()
        expect(page.get_by_label("Question")).to_have_value("half a question and more")
        page.reload()
        expect(page.get_by_label("Question")).to_have_value("half a question and more")
        cut()
        expect(banner).to_be_visible()
        page.get_by_label("Question").fill("hello, are you back?")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Your question is asked once it is back.")).to_be_visible()
        mend()
        expect(page.get_by_role("region", name="The answer")).to_be_visible()


def test_the_frame_is_there_before_any_script(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/ui/predictions")
    expect(page.locator(".ghost .rail").get_by_text("Predictions")).to_be_visible()
    expect(page.locator(".ghost .head")).to_have_text("Predictions")
    context.close()


def test_pages_run_no_script_but_their_own_and_reach_no_other_host(page: Page, site: Site) -> None:
    answered = page.goto(f"{site.url}/ui/")
    assert answered is not None
    policy = answered.headers["content-security-policy"]
    assert re.search(r"script-src 'self' 'nonce-\S{20,}' 'unsafe-eval';", policy)
    assert "connect-src 'self';" in policy
    assert answered.headers["x-frame-options"] == "DENY"
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None


def test_only_pages_of_this_service_may_open_its_socket(site: Site) -> None:
    address = httpx.URL(site.url)
    ask = (
        "GET /ui/_nicegui_ws/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    host = f"127.0.0.1:{address.port}"
    for origin, status in ((f"http://{host}", b"101"), ("http://evil.example", b"403"), ("null", b"403")):
        with socket.create_connection(("127.0.0.1", address.port or 0)) as connection:
            connection.sendall(ask.format(host=host, origin=origin).encode())
            assert connection.recv(100).split()[1] == status, origin


def test_what_is_not_there_is_a_problem_outside_the_pages_and_a_page_within(page: Page, site: Site) -> None:
    missing = httpx.get(f"{site.url}/nothing", trust_env=False)
    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    page.goto(f"{site.url}/ui/nothing")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.get_by_role("link", name="Ask something").click()
    expect(page).to_have_url(f"{site.url}/ui/")


def _rgb(colour: str) -> str:
    return f"rgb({', '.join(str(part) for part in bytes.fromhex(colour[1:]))})"


def _contrast(one: str, other: str) -> float:
    """WCAG 2.1, relative luminance."""

    def luminance(colour: str) -> float:
        parts = [part / 255 for part in bytes.fromhex(colour[1:])]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@contextmanager
def cable(site: Site) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """A way to the service that can be cut and mended: its URL, and the two to do so."""
    target = ("127.0.0.1", httpx.URL(site.url).port or 0)
    listener = socket.create_server(("127.0.0.1", 0))
    whole = threading.Event()
    whole.set()
    ends: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                if not whole.is_set():
                    near.close()
                    continue
                far = socket.create_connection(target)
                ends.extend((near, far))
                threading.Thread(target=pump, args=(near, far), daemon=True).start()
                threading.Thread(target=pump, args=(far, near), daemon=True).start()

    def cut() -> None:
        whole.clear()
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", cut, whole.set
    finally:
        listener.close()
        cut()

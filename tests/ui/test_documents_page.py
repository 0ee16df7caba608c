"""Documents in the browser: brought in, found, opened at a place, deleted; and what is said of files that are bad."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import FilePayload, Page, expect
from ui_site import DOCUMENTS, EVIL, Site

KAYAK = """# Kayaks 🚣

We send kayaks to Greenland by ship, never by Donaudampfschifffahrtsgesellschaftskapitänskajütenkurier.

## How long it takes

A kayak takes six weeks. In winter it takes eight.
"""


@pytest.fixture(autouse=True)
def _only_the_shops_documents(site: Site) -> Iterator[None]:
    """Other pages show examples made from the documents, so what a test brings in goes with it."""
    yield
    with httpx.Client(base_url=site.url, timeout=30, trust_env=False) as client:
        for document in client.get("/documents").raise_for_status().json()["items"]:
            if document["id"] not in DOCUMENTS:
                client.delete(f"/documents/{quote(document['id'], safe='')}").raise_for_status()


def file(name: str, text: str | bytes) -> FilePayload:
    return {"name": name, "mimeType": "", "buffer": text if isinstance(text, bytes) else text.encode()}


def open_documents(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/ui/documents")
    expect(page.locator(".grid-row a").first).to_be_visible()


def upload(page: Page, *files: FilePayload) -> None:
    page.locator("input[type=file]").set_input_files(list(files))


def row(page: Page, name: str) -> Any:
    return page.locator(".file").filter(has_text=name)


def test_a_document_is_uploaded_found_opened_at_the_place_and_deleted(page: Page, site: Site) -> None:
    open_documents(page, site)
    upload(page, file("kayaks.md", KAYAK))
    expect(row(page, "kayaks.md")).to_contain_text("added")
    expect(page.locator(".grid-row").filter(has_text="Kayaks 🚣")).to_contain_text("Markdown")

    page.keyboard.press("/")
    expect(page.get_by_label("Search the passages")).to_be_focused()
    # At once, so that no search for a part of it draws the passages anew under the click.
    page.keyboard.insert_text("how long does a kayak take")
    best = page.locator(".passage").filter(has_text="A kayak takes six weeks.")
    expect(best.locator(".score-fill")).to_have_count(3)
    expect(best.locator("mark.hit")).to_have_text(["kayak", "takes", "takes"])
    best.get_by_role("link").first.click()
    marked = page.locator("mark.place")
    expect(marked).to_have_text("A kayak takes six weeks. In winter it takes eight.")
    expect(marked).to_be_in_viewport()
    expect(page.locator(".chunk-number").filter(has_text=re.compile(r"\d"))).to_have_count(2)

    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete this document?")
    expect(dialog).to_contain_text("kayaks.md")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(f"{site.url}/ui/documents")
    expect(page.locator(".grid-row a").first).to_be_visible()
    expect(page.locator(".grid-row").filter(has_text="Kayaks")).to_have_count(0)
    page.goto(f"{site.url}/ui/documents/kayaks.md")
    expect(page.get_by_role("heading", name="No such document")).to_be_visible()


def test_each_bad_file_is_named_with_the_rule_and_the_remedy_and_the_good_one_comes_in(page: Page, site: Site) -> None:
    open_documents(page, site)
    upload(
        page,
        file("broken.pdf", b"%PDF-1.7 not really"),
        file("empty.txt", " \n"),
        file("setup.exe", "MZ"),
        file("good.txt", "The spare key hangs behind the barometer."),
    )
    expect(row(page, "broken.pdf")).to_contain_text(re.compile("can't be read as PDF.*save it again"))
    expect(row(page, "empty.txt")).to_contain_text("empty.txt is empty: put text into it, or remove it.")
    expect(row(page, "setup.exe")).to_contain_text(re.compile(r"not supported\. Convert it to one of .*\.pdf"))
    expect(row(page, "good.txt")).to_contain_text("added")
    # What needs a person comes first, and all of it is summed up.
    expect(page.locator(".file").last).to_contain_text("good.txt")
    expect(page.locator(".upload-sum")).to_contain_text("1 of 4 files are in, 3 failed.")
    page.get_by_role("button", name="Clear the list").click()
    expect(page.locator(".file")).to_have_count(0)
    upload(page, file("good.txt", "The spare key hangs behind the barometer."))
    expect(row(page, "good.txt")).to_contain_text("was there already")
    upload(page, file("good.txt", "The spare key hangs in the hall."), file("new.txt", "The hall is behind the door."))
    expect(row(page, "good.txt").first).to_contain_text("replaced the one before")
    expect(row(page, "new.txt")).to_contain_text("added")


def test_texts_are_shown_and_never_run(page: Page, site: Site) -> None:
    open_documents(page, site)
    upload(page, file(f"{EVIL[:30]}.txt", f"Nothing to see. {EVIL}"))
    expect(page.locator(".file")).to_contain_text("added")
    page.get_by_label("Filter by title or id").fill("onerror")
    expect(page.locator(".grid-row a")).to_have_count(2)
    page.get_by_label("Search the passages").fill("the watchword of the odd things")
    expect(page.locator(".passage").first).to_contain_text("<img src=x")
    page.goto(f"{site.url}/ui/documents/evil.md")
    expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
    expect(page.locator(".chunk-text").filter(has_text="watchword")).to_contain_text("<img src=x")


def test_a_place_that_is_not_there_is_said(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/ui/documents/refunds.md?start=90000&end=90010")
    expect(page.get_by_role("alert")).to_contain_text("This place is not in the document")
    expect(page.locator(".chunk-text").first).to_contain_text("We refund you within 14 days")


def test_the_table_is_sorted_and_filtered(page: Page, site: Site) -> None:
    open_documents(page, site)
    page.get_by_role("button", name="Characters").click()
    expect(page.get_by_role("columnheader", name="Characters")).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".grid-row a").first).to_have_text("Refunds")
    page.keyboard.press("f")
    page.keyboard.type("DELIV")
    expect(page.locator(".grid-row a")).to_have_text(["Delivery"])
    page.keyboard.type("zzz")
    expect(page.get_by_text("No document has this in its title or id.")).to_be_visible()


def test_thousands_of_documents_scroll_within_the_window_and_are_exported(page: Page, site: Site) -> None:
    open_documents(page, site)
    page.set_viewport_size({"width": 1280, "height": 620})
    upload(page, *(file(f"many{number}.txt", f"This is number {number}.") for number in range(45)))
    upload(page, file("old.md", "---\nstatus: outdated\n---\n# Old\n\nReturns took 90 days."))
    expect(page.locator(".grid-count")).to_have_text(f"{46 + len(DOCUMENTS)} rows")
    assert page.locator(".grid").evaluate("grid => grid.clientHeight < innerHeight")
    assert page.locator(".grid-row").count() < 40
    page.get_by_label("Filter by title or id").fill("old")
    expect(page.locator(".grid-row a")).to_have_text(["Old"])
    expect(page.locator(".grid-row .status")).to_have_text("outdated")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Old,old.md,Markdown,")
    page.locator(".grid-row a").click()
    expect(page.get_by_role("alert")).to_contain_text("This document is outdated")


def test_a_long_document_is_shown_in_parts(page: Page, site: Site) -> None:
    open_documents(page, site)
    lines = "\n\n".join(f"Paragraph {number} says that number {number} is mine." for number in range(1_500))
    upload(page, file("long.txt", lines))
    expect(row(page, "long.txt")).to_contain_text("added", timeout=120_000)
    start = lines.index("Paragraph 1400")
    page.goto(f"{site.url}/ui/documents/long.txt?start={start}&end={start + 14}")
    expect(page.locator("mark.place")).to_have_text("Paragraph 1400")
    expect(page.locator("mark.place")).to_be_in_viewport()
    page.get_by_role("link", name="Earlier").first.click()
    expect(page.get_by_text(re.compile(r"Characters \d")).first).to_be_visible()


def test_a_file_that_is_too_large_is_refused_at_the_door(site: Site) -> None:
    connection = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/ui/_nicegui/client/any/upload/1")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    refused = connection.getresponse()
    assert refused.status == 413
    assert "raise SIGNALBOX_MAX_DOCUMENT_BYTES" in refused.read().decode()
    connection.close()

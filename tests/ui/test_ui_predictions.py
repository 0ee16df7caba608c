"""Going through predictions in the browser: scrolling, filtering, sorting, exporting, and opening one as a trace."""

from __future__ import annotations

import csv
import io
import re

import httpx
from playwright.sync_api import Page, expect
from ui_site import EVIL, OLD_PREDICTIONS, Site


def predict(site: Site, query: str, **constraints: object) -> str:
    answered = httpx.post(f"{site.url}/predict", json={"query": query, **constraints}, trust_env=False, timeout=30)
    assert answered.status_code == 200, answered.text
    return str(answered.json()["id"])


def open_list(page: Page, site: Site, parameters: str = "") -> None:
    page.goto(f"{site.url}/ui/predictions{parameters}")
    expect(page.get_by_role("row").nth(1)).to_be_visible()


def test_a_thousand_rows_scroll_and_only_those_in_view_are_in_the_page(page: Page, site: Site) -> None:
    open_list(page, site, "?q=Old+question")
    grid = page.locator(".grid")
    count = page.get_by_text(re.compile(rf"^{OLD_PREDICTIONS:,} rows$"))
    for _ in range(60):
        if count.is_visible():
            break
        grid.evaluate("(box) => { box.scrollTop = box.scrollHeight }")
        page.wait_for_timeout(100)
    expect(count).to_be_visible()
    grid.evaluate("(box) => { box.scrollTop = box.scrollHeight }")
    expect(page.get_by_text(f"Old question number {OLD_PREDICTIONS - 1:04d}")).to_be_visible()
    assert page.get_by_role("row").count() < 80


def test_filters_and_order_are_the_databases_and_stay_in_the_address(page: Page, site: Site) -> None:
    open_list(page, site)
    page.get_by_role("combobox", name="Outcome").select_option("refused")
    expect(page.locator(".cell-outcome").first).to_have_text("refused")
    page.get_by_label("Search queries and answers").fill("question number 00")
    expect(page.get_by_text("20 rows")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=question\+number\+00&outcome=refused$"))
    page.get_by_role("button", name="Cost").click()
    expect(page.get_by_role("columnheader", name="Cost")).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".cell-query").first).to_have_text("Old question number 0095")
    page.get_by_role("button", name="Cost").click()
    expect(page.locator(".cell-query").first).to_have_text("Old question number 0000")
    page.reload()
    expect(page.get_by_text("20 rows")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Cost")).to_have_attribute("aria-sort", "ascending")


def test_a_session_is_a_filter_and_a_phone_can_order_too(page: Page, site: Site) -> None:
    for number in range(3):
        predict(site, f"hello from the session {number}", session_id="one visit")
    page.set_viewport_size({"width": 390, "height": 800})
    open_list(page, site, "?session=one+visit")
    expect(page.get_by_text("3 rows")).to_be_visible()
    expect(page.locator(".cell-query").first).to_have_text("hello from the session 2")
    page.get_by_role("combobox", name="Order").select_option("Oldest first")
    expect(page.locator(".cell-query").first).to_have_text("hello from the session 0")
    expect(page).to_have_url(re.compile(r"\?session=one\+visit&up=1$"))
    page.get_by_role("combobox", name="Session").select_option("Any session")
    expect(page.locator(".cell-query").first).not_to_have_text("hello from the session 0")


def test_every_column_that_is_shown_at_first_is_in_view_on_a_small_laptop(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    open_list(page, site)
    expect(page.get_by_role("columnheader", name="When")).to_be_in_viewport(ratio=1)
    assert page.locator(".grid").evaluate("(box) => box.scrollWidth <= box.clientWidth")


def test_nothing_found_says_what_to_do(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/ui/predictions?q=no-query-has-these-words")
    expect(page.get_by_text("No prediction matches. Widen the filters.")).to_be_visible()


def test_columns_can_be_chosen_and_the_choice_is_kept(page: Page, site: Site) -> None:
    open_list(page, site)
    page.get_by_label("Choose columns").click()
    page.get_by_role("checkbox", name="Policy").check()
    expect(page.get_by_role("columnheader", name="Policy")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("checkbox", name="Policy")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("columnheader", name="Policy")).to_be_visible()


def test_rows_are_walked_and_opened_by_keyboard(page: Page, site: Site) -> None:
    open_list(page, site, "?q=Old+question+number+001")
    page.locator(".grid-row").first.focus()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".grid-row:focus")).to_contain_text("0012")
    page.keyboard.press("Enter")
    expect(page.locator(".trace-query")).to_have_text("Old question number 0012")
    page.keyboard.press("b")
    expect(page).to_have_url(f"{site.url}/ui/predictions")


def test_the_export_is_what_the_view_shows_and_runs_no_formula(page: Page, site: Site) -> None:
    predict(site, '=HYPERLINK("http://example.org","hello export")')
    open_list(page, site, "?q=hello+export")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Export CSV").click()
    text = downloading.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["query"] for row in rows] == ['\'=HYPERLINK("http://example.org","hello export")']
    assert float(rows[0]["confidence"]) == 0.97


def test_a_trace_shows_the_whole_of_a_prediction(page: Page, site: Site) -> None:
    id_ = predict(site, "How many days do I wait for the money that you refund?", session_id="visitor-7")
    page.goto(f"{site.url}/ui/predictions/{id_}")
    way = page.get_by_role("list", name="The way of the query")
    expect(way.get_by_text("Classifier", exact=True)).to_be_visible()
    durations = page.get_by_role("list", name="Durations")
    expect(durations.get_by_text("Everything else")).to_be_visible()
    expect(durations.get_by_role("listitem").first).to_contain_text(re.compile(r"Classifier.*ms"))
    facts = page.get_by_role("complementary", name="Facts")
    expect(facts.get_by_role("link", name="visitor-7")).to_have_attribute("href", "/ui/predictions?session=visitor-7")
    page.get_by_role("heading", name="Features").click()
    expect(page.get_by_role("rowheader", name="max_probability")).to_be_visible()
    page.get_by_role("heading", name="Raw JSON").click()
    expect(page.get_by_label("The prediction as JSON")).to_contain_text(f'"id": "{id_}"')


def test_markup_stays_text_in_the_list_and_in_the_trace(page: Page, site: Site) -> None:
    id_ = predict(site, f"{EVIL} hello", session_id=EVIL[:50])
    open_list(page, site, "?q=onerror")
    expect(page.get_by_role("link", name=f"{EVIL} hello")).to_be_visible()
    page.goto(f"{site.url}/ui/predictions/{id_}")
    expect(page.locator(".trace-query")).to_have_text(f"{EVIL} hello")
    assert page.locator("img").count() == 0


def test_an_unknown_prediction_is_an_error_that_can_be_acted_on(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/ui/predictions/prd_{EVIL[:10]}")
    expect(page.get_by_role("alert")).to_contain_text("No such prediction")
    expect(page.get_by_role("alert")).to_contain_text("Request req_")

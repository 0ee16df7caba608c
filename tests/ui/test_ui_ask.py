"""Asking in the browser: the way, the answer, what is said when there is none."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Page, expect
from ui_site import EVIL, Site


def open_ask(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/ui/")
    expect(page.get_by_label("Question")).to_be_visible()


def ask(page: Page, query: str) -> None:
    field = page.get_by_label("Question")
    field.fill(query)
    field.press("Enter")


def test_the_root_leads_to_the_question(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(page).to_have_url(f"{site.url}/ui/")
    expect(page).to_have_title("Ask · Signalbox")


def test_a_question_shows_the_way_the_answer_and_its_quote_in_the_paragraph(page: Page, site: Site) -> None:
    open_ask(page, site)
    ask(page, "Within how many days do you refund me after my return reached the warehouse?")
    way = page.get_by_role("list", name="The way of the query")
    expect(way.get_by_text("Classifier")).to_be_visible()
    expect(way.get_by_text("moved on").first).to_be_visible()
    expect(way.get_by_text("Grounded")).to_be_visible()
    answer = page.get_by_role("region", name="The answer")
    expect(answer.locator("mark")).to_have_text(re.compile("We refund you within 14 days"))
    expect(answer.locator("blockquote")).to_contain_text("The money goes back to the payment method you used.")
    source = answer.get_by_role("link", name="Refunds")
    expect(source).to_have_attribute("href", re.compile(r"^/ui/documents/refunds\.md\?start=\d+&end=\d+$"))
    confidence = way.get_by_role("img", name=re.compile("right")).first
    expect(confidence).to_have_attribute(
        "data-tip", re.compile(r"Of answers marked like this, (over |under )?\d+% were right\.")
    )


def test_an_answer_can_be_called_right_and_that_is_kept(page: Page, site: Site) -> None:
    open_ask(page, site)
    ask(page, "hello, is anybody there")
    page.get_by_role("button", name="Right").click()
    expect(page.get_by_role("button", name="Right")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.get_by_role("button", name="Right")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Wrong")).to_have_attribute("aria-pressed", "false")


def test_why_this_way_shows_estimates_and_thresholds(page: Page, site: Site) -> None:
    open_ask(page, site)
    ask(page, "hello to all of you")
    page.get_by_text("Why this way?").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Classifier"))
    expect(row).to_contain_text("0.70")
    expect(row).to_contain_text("tried first")
    expect(page.get_by_text("carries no guarantee")).to_be_visible()
    estimate = row.get_by_role("img")
    estimate.scroll_into_view_if_needed()
    estimate.hover()
    tip = page.locator(".tip")
    expect(tip).to_contain_text("answers to such a query were expected to be right")
    assert tip.evaluate("(tip) => tip.closest('.table-scroll')") is None, "the table cuts off what it holds"


def test_words_of_a_writing_model_appear_as_they_come_and_the_query_can_be_cancelled(page: Page, site: Site) -> None:
    open_ask(page, site)
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Route").select_option("cloud")
    ask(page, "When is the mountain hut open?")
    expect(page.locator(".provisional-tokens")).to_contain_text("The mountain")
    expect(page.get_by_role("list", name="The way of the query")).to_contain_text(re.compile(r"trying\d\.\d s"))
    page.keyboard.press("c")
    expect(page.get_by_text("Cancelled.")).to_be_visible()
    expect(page.get_by_label("Question")).to_have_value("When is the mountain hut open?")
    expect(page.get_by_label("Question")).to_be_focused()


def test_a_query_in_review_says_so_and_marks_what_it_has_as_provisional(page: Page, site: Site) -> None:
    open_ask(page, site)
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Route").select_option("grounded")
    ask(page, "Who painted the ceiling of the chapel?")
    expect(page.get_by_role("heading", name="A person decides")).to_be_visible()
    expect(page.get_by_text("Provisional, and not given to anyone")).to_be_visible()


def test_a_persons_answer_appears_on_the_page_that_waits_for_it(page: Page, site: Site) -> None:
    open_ask(page, site)
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Route").select_option("grounded")
    ask(page, "Who painted the door of the showroom?")
    expect(page.get_by_role("heading", name="A person decides")).to_be_visible()
    with httpx.Client(base_url=site.url, trust_env=False) as client:
        id_ = page.url.partition("?p=")[2]
        review = client.get(f"/predictions/{id_}").json()["review"]["id"]
        version = client.post("/reviews/claim", json={"id": review}).json()["items"][0]["version"]
        decision = {"item_version": version, "verdict": "wrong", "correction": "Painted by Ada <b>Lovelace</b>."}
        assert client.post(f"/reviews/{review}/decide", json=decision).status_code == 200
    expect(page.get_by_text("Painted by Ada <b>Lovelace</b>.")).to_be_visible()
    expect(page.get_by_role("heading", name="A person decides")).to_be_hidden()


def test_an_option_out_of_its_range_is_explained_and_nothing_typed_is_lost(page: Page, site: Site) -> None:
    open_ask(page, site)
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Error rate alpha").evaluate("(field) => { field.type = 'text'; field.value = '7' }")
    ask(page, "Does alpha seven work?")
    expect(page.get_by_role("alert")).to_contain_text("alpha")
    expect(page.get_by_role("alert")).to_contain_text("Request req_")
    expect(page.get_by_label("Question")).to_have_value("Does alpha seven work?")


def test_an_empty_question_is_explained(page: Page, site: Site) -> None:
    open_ask(page, site)
    ask(page, "   ")
    expect(page.get_by_role("alert")).to_contain_text("The query is empty")


def test_an_example_is_asked_with_one_click(page: Page, site: Site) -> None:
    open_ask(page, site)
    examples = page.get_by_role("list", name="Examples").get_by_role("button")
    expect(examples).to_have_count(3)
    examples.filter(has_text="Delivery").click()
    expect(page.get_by_role("region", name="The answer")).to_be_visible()
    expect(page.get_by_label("Question")).to_have_value(re.compile("Delivery"))


def test_markup_in_queries_and_titles_stays_text(page: Page, site: Site) -> None:
    open_ask(page, site)
    ask(page, f"What is the watchword of the odd things? {EVIL}")
    answer = page.get_by_role("region", name="The answer")
    expect(answer.get_by_text(EVIL).first).to_be_visible()
    page.get_by_role("link", name="Open the trace").click()
    expect(page.locator(".trace-query")).to_contain_text(EVIL)
    assert page.locator("img").count() == 0


def test_all_of_asking_works_by_keyboard(page: Page, site: Site) -> None:
    open_ask(page, site)
    expect(page.get_by_label("Question")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    page.keyboard.type("hello by keyboard?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Right")).to_be_visible()
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="Wrong")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("/")
    page.keyboard.type("hello again")
    expect(page.get_by_label("Question")).to_have_value("hello again")


def test_an_answer_has_an_address_that_shows_it_again(page: Page, site: Site) -> None:
    open_ask(page, site)
    ask(page, "hello, remember me")
    expect(page).to_have_url(re.compile(r"/ui/\?p=prd_"))
    expect(page).to_have_title("hello, remember me · Signalbox")
    ask(page, "hello, me too")
    expect(page).to_have_title("hello, me too · Signalbox")
    page.go_back()
    expect(page.get_by_role("heading", name="hello, remember me")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="hello, remember me")).to_be_visible()
    expect(page).to_have_title("hello, remember me · Signalbox")
    page.goto(f"{site.url}/ui/")
    lately = page.get_by_role("region", name="Asked in this browser")
    expect(lately.get_by_role("link")).to_have_text(["hello, me too", "hello, remember me"])
    expect(page.get_by_label("Question")).to_have_value("")
    page.goto(f"{site.url}/ui/?p=prd_none")
    expect(page.get_by_role("alert")).to_contain_text("There is no prediction 'prd_none'")


def test_an_experts_answer_says_what_it_rests_on_and_what_would_change_it(page: Page, site: Site) -> None:
    open_ask(page, site)
    ask(page, "How can I cancel?")
    expect(page.get_by_text("Without “cancel” the intent would be hello (0.61).")).to_be_visible()
    expect(page.get_by_text("No few words decide it: mood stays the same without any of them.")).to_be_visible()
    examples = page.get_by_role("region", name="Examples like it")
    expect(examples).to_contain_text("<b>Cancel</b> my order")
    expect(examples).to_contain_text("0.84 alike")
    expect(examples).to_contain_text("2.5")


def test_a_link_can_bring_a_question_that_is_asked_by_hand(page: Page, site: Site) -> None:
    id_ = httpx.post(f"{site.url}/predict", json={"query": "hello, ask & <b>again</b>"}, trust_env=False).json()["id"]
    page.goto(f"{site.url}/ui/predictions/{id_}")
    expect(page).to_have_title("hello, ask & <b>again</b> · Signalbox")
    page.get_by_role("link", name="Ask again").click()
    expect(page.get_by_label("Question")).to_have_value("hello, ask & <b>again</b>")
    expect(page.get_by_role("region", name="The answer")).to_have_count(0)
    page.get_by_label("Question").press("End")
    page.keyboard.type(", and more")
    page.reload()
    expect(page.get_by_label("Question")).to_have_value("hello, ask & <b>again</b>, and more")

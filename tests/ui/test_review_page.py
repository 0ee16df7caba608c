"""Reviewing in the browser, by keyboard: what is decided is what the asker gets, and nobody gets another's item."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from ui_site import EVIL, Site, started

ARABIC = "كم يستغرق رد الأموال بعد إرجاع البضاعة؟"
LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"


@pytest.fixture(scope="module")
def desk(shop_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of these tests' own: what waits in its queue is known."""
    data_dir = shutil.copytree(shop_data, tmp_path_factory.mktemp("reviewed") / "data")
    with started(data_dir, 0) as running:
        yield running


class Asker:
    """Asks over HTTP; `ask` puts a query into review, and everything left there is decided at the end."""

    def __init__(self, site: Site) -> None:
        self._client = httpx.Client(base_url=site.url, timeout=60, trust_env=False)

    def ask(self, query: str, **constraints: Any) -> dict[str, Any]:
        wanted = {"query": query, "local_only": True, "alpha": 0.001, **constraints}
        answered = self._client.post("/predict", json=wanted)
        assert answered.status_code == 200, answered.text
        prediction: dict[str, Any] = answered.json()
        assert prediction["outcome"] == "in_review", prediction
        return prediction

    def prediction(self, made: dict[str, Any]) -> dict[str, Any]:
        prediction: dict[str, Any] = self._client.get(f"/predictions/{made['id']}").json()
        return prediction

    def waiting(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._client.get("/reviews", params={"state": "waiting"}).json()["items"]
        return items

    def decide(self, review_id: str, reviewer: str = "ben") -> None:
        item = self._client.get(f"/reviews/{review_id}").json()
        decision = {"item_version": item["version"], "verdict": "unanswerable"}
        self._client.post(f"/reviews/{review_id}/decide", json=decision)

    def settle(self) -> None:
        for state in ("waiting", "claimed"):
            for item in self._client.get("/reviews", params={"state": state}).json()["items"]:
                self.decide(item["id"])
        self._client.close()


@pytest.fixture
def asker(desk: Site) -> Iterator[Asker]:
    asker = Asker(desk)
    yield asker
    asker.settle()


def open_review(page: Page, site: Site, path: str = "") -> None:
    page.goto(f"{site.url}/ui/review{path}")
    expect(query(page).or_(page.locator(".review-body .notice"))).to_be_visible()


def query(page: Page) -> Locator:
    return page.locator(".review-query")


def saved(page: Page) -> None:
    expect(page.locator(".review-last")).to_contain_text("saved")


def test_a_query_is_answered_by_keyboard_and_its_asker_gets_the_answer(page: Page, desk: Site, asker: Asker) -> None:
    made = asker.ask("How long do refunds to the moon take?")
    open_review(page, desk)
    expect(query(page)).to_have_text("How long do refunds to the moon take?")
    expect(page.locator(".quote-mark").first).to_be_visible()
    expect(page.get_by_label("Why it is here")).to_contain_text("No route was sure enough")
    page.keyboard.press("2")
    page.keyboard.type("stops skips and jumps: 14 days")
    page.keyboard.press("Control+Enter")
    saved(page)
    expect(page.locator(".review-last")).to_contain_text("Wrong")
    answered = asker.prediction(made)
    assert answered["outcome"] == "answered"
    assert answered["route"] == "review"
    assert answered["answer"]["text"] == "stops skips and jumps: 14 days"
    expect(page.get_by_role("heading", name="Nothing waits for a person")).to_be_visible()


def test_right_shows_the_next_item_and_undo_takes_it_back(page: Page, desk: Site, asker: Asker) -> None:
    made = {asker.ask(words)["query"]: words for words in ("What does delivery cost?", "Are bulky items delivered?")}
    assert len(made) == 2
    open_review(page, desk)
    first = query(page).inner_text()
    page.keyboard.press("1")
    expect(query(page)).not_to_have_text(first)
    saved(page)
    page.keyboard.press("u")
    expect(query(page)).to_have_text(first)
    expect(page.get_by_role("button", name="Right")).to_be_enabled()
    page.keyboard.press("3")
    expect(query(page)).not_to_have_text(first)
    saved(page)
    expect(page.locator(".review-progress")).to_contain_text("by you")


def test_a_skipped_item_is_left_to_others(page: Page, desk: Site, asker: Asker) -> None:
    made = asker.ask("Do you deliver pianos?")
    open_review(page, desk)
    page.keyboard.press("s")
    saved(page)
    expect(page.get_by_role("heading", name="Nothing is left for you")).to_be_visible()
    assert asker.prediction(made)["outcome"] == "in_review"
    assert [item["id"] for item in asker.waiting()] == [made["review"]["id"]]
    page.keyboard.press("u")
    expect(query(page)).to_have_text("Do you deliver pianos?")


def test_two_browsers_never_get_the_same_item(page: Page, browser: Browser, desk: Site, asker: Asker) -> None:
    for number in range(4):
        asker.ask(f"What does delivery number {number} cost?")
    open_review(page, desk)
    other_context = browser.new_context()
    other = other_context.new_page()
    open_review(other, desk)
    seen = [query(page).inner_text(), query(other).inner_text()]
    for each in (page, other):
        each.keyboard.press("j")
        expect(query(each)).not_to_have_text(re.compile("|".join(map(re.escape, seen))))
        seen.append(query(each).inner_text())
    assert len(set(seen)) == 4
    other_context.close()


def test_what_is_left_open_goes_back_to_the_queue(page: Page, browser: Browser, desk: Site, asker: Asker) -> None:
    asker.ask("What does leaving cost?")
    open_review(page, desk)
    expect(query(page)).to_be_visible()
    assert asker.waiting() == []
    page.goto(f"{desk.url}/ui/")
    context = browser.new_context()
    other = context.new_page()
    open_review(other, desk)
    expect(query(other)).to_have_text("What does leaving cost?", timeout=20_000)
    context.close()


def test_an_item_that_another_decided_meanwhile_comes_back_with_that(page: Page, desk: Site, asker: Asker) -> None:
    made = asker.ask("What does being late cost?")
    open_review(page, desk)
    page.keyboard.press("2")
    page.keyboard.type("five euros")
    asker.decide(made["review"]["id"])
    page.keyboard.press("Control+Enter")
    notice = page.locator(".review .notice")
    expect(notice).to_contain_text("This item has been decided")
    expect(notice).to_contain_text("Documents don't answer")
    assert asker.prediction(made)["outcome"] == "refused"


def test_wrong_asks_for_the_right_answer_and_what_is_typed_stays(page: Page, desk: Site, asker: Asker) -> None:
    asker.ask("What does nothing cost?")
    asker.ask("What does everything cost?")
    open_review(page, desk)
    first = query(page).inner_text()
    field = page.get_by_label("Correct answer")
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.keyboard.type("Nothing at all, 1 2 3 4 s u j k")
    expect(query(page)).to_have_text(first)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(query(page)).not_to_have_text(first)
    expect(field).to_have_value("")
    page.keyboard.press("k")
    expect(query(page)).to_have_text(first)
    expect(field).to_have_value("Nothing at all, 1 2 3 4 s u j k")
    # Typing goes on where it was when the page loads again: no word of it is taken for a key.
    field.focus()
    page.keyboard.press("End")
    page.reload()
    expect(field).to_be_focused()
    page.keyboard.type(", 3 times")
    expect(query(page)).to_have_text(first)
    expect(field).to_have_value("Nothing at all, 1 2 3 4 s u j k, 3 times")


def test_words_meant_for_an_item_that_is_gone_decide_no_other(page: Page, desk: Site, asker: Asker) -> None:
    made = asker.ask("What does typing slowly cost?")
    other = asker.ask("What does typing fast cost?")
    open_review(page, desk, f"?id={made['review']['id']}")
    page.keyboard.press("2")
    page.keyboard.type("Half a word")
    asker.decide(made["review"]["id"])
    page.evaluate("emitEvent('review_seen', {visible: false}); emitEvent('review_seen', {visible: true})")
    expect(page.locator(".review-panel.settled").or_(page.locator(".review .notice"))).to_be_visible()
    page.keyboard.type(" 3 1 j j 4")
    expect(page.get_by_label("What you typed")).to_have_value("Half a word 3 1 j j 4")
    expect(query(page)).to_have_text("What does typing slowly cost?")
    assert asker.prediction(other)["outcome"] == "in_review"


def test_a_decision_without_a_connection_is_made_when_the_page_is_back(page: Page, desk: Site, asker: Asker) -> None:
    made = asker.ask("What does a tunnel cost?")
    open_review(page, desk)
    page.evaluate("window.socket.disconnect()")
    page.keyboard.press("4")
    expect(page.locator(".review[data-sent=unsafe]")).to_be_visible()
    page.reload()
    saved(page)
    expect(page.locator(".review-last")).to_contain_text("What does a tunnel cost?")
    assert asker.prediction(made)["outcome"] == "refused"


def test_a_held_key_does_not_decide_one_item_after_another(page: Page, desk: Site, asker: Asker) -> None:
    for number in range(3):
        asker.ask(f"What does holding key {number} cost?")
    open_review(page, desk)
    page.keyboard.down("3")
    for _ in range(5):
        page.keyboard.down("3")
    page.keyboard.up("3")
    saved(page)
    expect(query(page)).to_be_visible()
    assert len([item for item in asker.waiting() if item]) == 0, "two are held by the page"


def test_the_queue_can_be_searched(page: Page, desk: Site, asker: Asker) -> None:
    for words in ("Where is Ghent?", "Where is Bruges?", "Where is the zeppelin?"):
        asker.ask(words, route="grounded")
    open_review(page, desk)
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Search the queue")).to_be_focused()
    page.keyboard.type("ZEPPELIN")
    expect(page.locator(".finder-item")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_placeholder("Search the queue")).to_be_hidden()
    expect(query(page)).to_have_text("Where is the zeppelin?")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("Skip: leave it to others")


def test_an_item_can_be_linked_to(page: Page, desk: Site, asker: Asker) -> None:
    asker.ask("Which item is first?")
    wanted = asker.ask("Which item is linked?")
    open_review(page, desk, f"?id={wanted['review']['id']}")
    expect(query(page)).to_have_text("Which item is linked?")
    open_review(page, desk, "?id=rev_none")
    expect(page.get_by_text("There is no review 'rev_none'.")).to_be_visible()


def test_texts_are_shown_and_never_run(page: Page, desk: Site, asker: Asker) -> None:
    made = asker.ask(f"What is the watchword of the odd things? {EVIL} {ARABIC} {LONG}")
    open_review(page, desk)
    expect(query(page)).to_contain_text("<img src=x")
    page.keyboard.press("2")
    page.keyboard.type(EVIL)
    page.keyboard.press("Control+Enter")
    saved(page)
    assert asker.prediction(made)["answer"]["text"] == EVIL
    asker.ask(f"What is the watchword of odd things? {EVIL}")
    expect(query(page)).to_be_visible()
    expect(page.get_by_label("Similar past verdicts")).to_contain_text("<img src=x")


def test_an_item_that_comes_shows_itself(page: Page, desk: Site, asker: Asker) -> None:
    page.goto(f"{desk.url}/ui/review")
    expect(page.get_by_role("heading", name="Nothing waits for a person")).to_be_visible()
    asker.ask("Who comes so late?")
    expect(query(page)).to_have_text("Who comes so late?")


def test_it_fits_a_phone(browser: Browser, desk: Site, asker: Asker) -> None:
    asker.ask(f"{LONG} {ARABIC}")
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    phone = context.new_page()
    open_review(phone, desk)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    right = phone.locator(".verdict").first.bounding_box()
    assert right is not None
    assert right["height"] >= 44
    phone.get_by_role("button", name="Unsafe").tap()
    saved(phone)
    context.close()

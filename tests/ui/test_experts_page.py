"""Experts in the browser: shown with their figures, tried, compared, promoted; trained from a file and followed."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from ui_site import EVIL, Site, started

from classifiers import Registry, TrainOptions, TrainRequest, train_text
from classifiers.registry import Version
from signalbox.encoder import load_encoder
from signalbox.settings import Settings
from signalbox.storage import KeyStore, open_database

GERMAN = "Donaudampfschifffahrtsgesellschaftskapitänspatent"
WORDS = {
    EVIL: ["refund", "money back", "reimburse", "pay me back"],
    GERMAN: ["parcel", "delivery", "shipping", "courier"],
    "حساب 🔑": ["password", "log in", "account", "username"],
}
FRAMES = ["Where is my {}?", "a question about the {} please", "{} problem again", "I am unhappy with {} today"]


def rows(count: int = 48) -> list[dict[str, Any]]:
    chance = random.Random(5)
    labels = [label for label in WORDS for _ in range(count // len(WORDS))]
    texts = [f"{chance.choice(FRAMES).format(chance.choice(WORDS[label]))} {n}" for n, label in enumerate(labels)]
    return [
        {"text": text, "topic": label, "words": len(text.split())} for text, label in zip(texts, labels, strict=True)
    ]


def as_csv(values: list[dict[str, Any]]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(values[0]))
    writer.writeheader()
    writer.writerows(values)
    return file.getvalue().encode()


def again(folder: Path, first: Version) -> None:
    """A second version with the files of the first, and figures that are a little better."""
    manifest = {key: value for key, value in first.manifest.items() if key not in ("files", "metrics")}
    metrics = json.loads(json.dumps(first.manifest["metrics"]))
    metrics["topic"]["accuracy"]["value"] = 1.0

    def fill(target: Path, number: int) -> Mapping[str, Any]:
        shutil.copytree(first.path, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("manifest.json"))
        return {**manifest, "metrics": metrics}

    Registry(folder).add("topics", kind=first.kind, format=first.format, fill=fill)


async def make_keys(data_dir: Path) -> dict[str, str]:
    database = await open_database(Settings(data_dir=data_dir))
    store = KeyStore(database)
    tokens = {role: (await store.create(f"an {role}", role)).token for role in ("viewer", "admin")}
    await database.close()
    return tokens


@pytest.fixture(scope="module")
def serving(encoder_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, dict[str, str]]]:
    """A service with two versions of an expert and one that is broken, and a key for each role."""
    data_dir = Path(shutil.copytree(encoder_data, tmp_path_factory.mktemp("experts") / "data"))
    file = data_dir.parent / "topics.csv"
    file.write_bytes(as_csv(rows()))
    request = TrainRequest(
        ("text",),
        ("topic", "words"),
        kinds={"words": "regression"},
        units={"words": "words"},
        options=TrainOptions(learner="tfidf", curve=False),
    )
    folder = data_dir / "experts"
    encoder = load_encoder(Settings(data_dir=data_dir))
    again(folder, train_text(file, request, encoder, name="topics", folder=folder, trained_on=EVIL))
    (folder / "broken" / "1").mkdir(parents=True)
    (folder / "broken" / "aliases.json").write_text("{")
    with ThreadPoolExecutor(1) as elsewhere:  # in this thread, the browser's event loop is running
        tokens = elsewhere.submit(asyncio.run, make_keys(data_dir)).result()
    with started(data_dir, 0) as site:
        yield site, tokens


def open_as(page: Page, serving: tuple[Site, dict[str, str]], role: str, path: str) -> None:
    site, tokens = serving
    page.goto(f"{site.url}{path}")
    page.get_by_label("API key").fill(tokens[role])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}{path}")


def test_the_table_shows_how_good_each_expert_is_and_what_is_wrong_with_one(
    page: Page, serving: tuple[Site, dict[str, str]]
) -> None:
    open_as(page, serving, "viewer", "/ui/experts")
    topics = page.locator(".expert-row").filter(has_text="topics")
    expect(topics).to_contain_text("3 labels")
    expect(topics).to_contain_text("challenger 2")
    expect(topics.get_by_role("img", name=re.compile("Label right: .* 95% interval .* 48 texts"))).to_be_visible()
    expect(page.locator(".expert-row").filter(has_text="broken").locator(".trouble")).to_contain_text("aliases")
    expect(page.get_by_text("Choose a labelled file")).to_have_count(0)
    page.get_by_role("link", name="topics").click()
    expect(page.get_by_text("Your key has the role viewer.")).to_be_visible()
    expect(page.get_by_role("button", name="Promote")).to_have_count(0)
    page.goto(page.url.replace("topics", "nothing"))
    expect(page.get_by_role("heading", name="No such expert")).to_be_visible()


def test_a_text_is_tried_and_every_part_of_the_answer_is_explained(
    page: Page, serving: tuple[Site, dict[str, str]]
) -> None:
    open_as(page, serving, "admin", "/ui/experts/topics")
    expect(page.get_by_label("Text to try topics@1 on")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(f"Where is my refund? Pay me back {EVIL}")
    page.keyboard.press("Enter")
    said = page.get_by_role("region", name="topic", exact=True)
    expect(said.locator(".answer-label")).to_have_text(EVIL)
    expect(said.locator(".label-bar")).to_have_count(3)
    expect(said).to_contain_text("Can't rule out")
    expect(page.get_by_role("img", name=re.compile(r"words, .* to .* words, covering 90%"))).to_be_visible()
    expect(page.locator(".shade.more").filter(has_text="refund").first).to_have_attribute(
        "title", re.compile(r"^\+[\d.]+ log-odds$")
    )
    expect(page.get_by_text(re.compile("Without “.*” the topic would be"))).to_be_visible()
    expect(page.get_by_role("region", name="Examples like it")).to_contain_text("alike")


def test_a_version_is_compared_promoted_and_rolled_back_once_confirmed(
    page: Page, serving: tuple[Site, dict[str, str]]
) -> None:
    open_as(page, serving, "admin", "/ui/experts/topics")
    compared = page.get_by_role("table", name="Figures of both versions")
    expect(compared.get_by_role("row").filter(has_text="Label right")).to_contain_text("100%")
    page.get_by_role("button", name="Promote version 2").click()
    dialog = page.get_by_role("dialog", name="Promote topics@2?")
    expect(dialog).to_contain_text("topics@2 answers from the next query on, instead of topics@1.")
    expect(dialog).to_contain_text("Label right: 100%")
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Promote version 2").click()
    dialog.get_by_label("Why").fill(f"newer {EVIL}")
    dialog.get_by_role("button", name="Promote it").click()
    champion = page.locator(".version-row").filter(has_text="champion")
    expect(champion).to_contain_text("Version 2")
    page.get_by_text(re.compile("History")).click()
    expect(page.locator(".history")).to_contain_text(f"newer {EVIL}")
    page.get_by_role("button", name="Roll back").click()
    dialog = page.get_by_role("dialog", name="Roll back to topics@1?")
    dialog.get_by_role("button", name="Roll back to version 1").click()
    expect(champion).to_contain_text("Version 1")


def test_the_report_and_the_card_are_read_and_nothing_in_them_runs(
    page: Page, serving: tuple[Site, dict[str, str]]
) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    open_as(page, serving, "admin", "/ui/experts/topics?version=1")
    expect(page.locator(".report svg.chart").first).to_be_visible()
    page.get_by_text("Every label (3), the hardest first").click()
    expect(page.get_by_role("cell", name=EVIL).first).to_be_visible()
    page.locator("summary").filter(has_text="Card").click()
    expect(page.get_by_role("heading", name="topics@1")).to_be_visible()
    expect(page.locator(".prose table").first).to_contain_text("Label right")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the phone"


def test_a_training_is_started_from_a_file_cancelled_resumed_and_led_to_its_expert(
    page: Page, serving: tuple[Site, dict[str, str]]
) -> None:
    open_as(page, serving, "admin", "/ui/experts")
    expect(page.locator(".expert-row").first).to_be_visible()
    page.keyboard.press("t")
    choose = page.locator("input[type=file]")
    choose.set_input_files({"name": "empty.csv", "mimeType": "", "buffer": b" \n"})
    expect(page.get_by_role("alert")).to_contain_text("empty.csv is empty")
    choose.set_input_files({"name": f"{EVIL[:20]} Über Größe.csv", "mimeType": "", "buffer": as_csv(rows())})
    form = page.get_by_role("form", name="Training")
    expect(form.get_by_label("text", exact=True)).to_have_value("text")
    form.get_by_label("topic", exact=True).select_option("none")
    form.get_by_label("Name").fill("fresh")
    form.get_by_label("Learns from").select_option("tfidf")
    form.get_by_role("button", name="Start the training").click()
    expect(form.get_by_role("alert")).to_contain_text("No column is the target to tell.")
    form.get_by_label("topic", exact=True).select_option("target")
    form.get_by_role("button", name="Start the training").click()
    job = page.locator(".job").filter(has_text="fresh")
    expect(job.get_by_role("progressbar")).to_be_visible()
    job.get_by_role("button", name="Cancel the training").click()
    expect(job).to_contain_text("cancelled")
    job.get_by_role("button", name="Resume").click()
    expect(job).to_contain_text("it answers now", timeout=120_000)  # the training gives way to all else
    expect(page.locator(".expert-row").filter(has_text="fresh")).to_contain_text("3 labels")
    job.get_by_role("link", name="Open fresh@1").click()
    expect(page.locator(".version-row")).to_contain_text("champion")

"""What a query is routed by: typos, disguises, padding and gadgets, and what stays as it was asked."""

from __future__ import annotations

import base64
import codecs
import random
from dataclasses import replace

import pytest
from small_shop import DOCUMENTS, Kept

from agents.defences import LONG_WORDS, Defences, Language, focus, read_query
from agents.router import Router
from agents.state import Parts
from evaluators.adversarial.families import family
from signalbox.encoder import OnnxEncoder
from signalbox.models.scripted import ScriptedModel
from signalbox.types import Constraints, Query

SHOP = (
    *DOCUMENTS.values(),
    "Where is my parcel? Track your parcel in your account. Cancel your order within sixty minutes.",
    "How do I return a tent? Print the return label and bring the parcel to a parcel shop. Reset your password.",
    "How long does a refund take? The refund of your order takes five days. Gift cards never expire.",
)
ASKED = ("Where is my parcel?", "How do I return a tent?", "How long does a refund take?", "Can I cancel my order?")


@pytest.fixture(scope="module")
def language(encoder: OnnxEncoder) -> Language:
    return Language([text for text in SHOP for _ in range(100)], encoder.common_words)


def routed(text: str, language: Language, *on: str) -> str:
    defences = Defences(frozenset(on), language) if on else Defences(language=language)  # type: ignore[arg-type]
    return read_query(text, defences, max_chars=8_000).routed


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("wher is my parcle", "where is my parcel"),
        ("How long does a refudn take?", "How long does a refund take?"),
        ("reset my pasword", "reset my password"),
    ],
)
def test_typos_are_read_as_the_words_of_the_workspace(language: Language, written: str, meant: str) -> None:
    assert routed(written, language) == meant


@pytest.mark.parametrize(
    "asked", [*ASKED, "Wo ist mein Paket gerade?", "Do you ship to Reykjavik?", "LL-24418830", "?"]
)
def test_ordinary_queries_stay_as_they_are(language: Language, asked: str) -> None:
    assert routed(asked, language) == asked


@pytest.mark.parametrize("name", ["padding", "homoglyphs", "zero_width"])
@pytest.mark.parametrize("asked", ASKED)
def test_padding_and_invisible_letters_change_nothing(language: Language, name: str, asked: str) -> None:
    found = family(name)
    assert found.kind == "query"
    attacked = found.attack(asked, 2, random.Random(3)).text
    assert routed(attacked, language).rstrip(".") == asked


def test_a_gadget_before_the_question_is_left_aside(language: Language) -> None:
    gadget = "theorem lemma zzt brk photosynthesis [[ polymer senator"
    assert routed(f"{gadget} Where is my parcel?", language) == "Where is my parcel?"


@pytest.mark.parametrize(
    "disguised",
    [
        "Wh3r3 i5 my p4rc3l",
        "Where is " + base64.b64encode(b"my parcel today").decode(),
        "Where is my %70%61%72%63%65%6C",
        codecs.encode("Where is my parcel", "rot13"),
        "Where is my parcel"[::-1],
        "wHeRe iS mY pArCeL",
    ],
)
def test_disguises_are_read_past(language: Language, disguised: str) -> None:
    assert "parcel" in routed(disguised, language).lower()


def test_each_defence_can_be_switched_off(language: Language) -> None:
    assert routed("wher is my parcle", language, "salience") == "wher is my parcle"
    assert read_query("ｗｈｅｒｅ", Defences(frozenset(), language), max_chars=100).text == "ｗｈｅｒｅ"
    assert read_query("ｗｈｅｒｅ", Defences(language=language), max_chars=100).text == "where"


def test_without_texts_nothing_is_corrected_or_cut() -> None:
    text = "polymer senator theorem. wher is my parcle"
    assert read_query(text, Defences(), max_chars=100).routed == text


@pytest.mark.parametrize("text", ["a" * 8_000, "a b " * 2_000, "((((" * 500, "x1" * 2_000, "%41" * 2_000])
def test_odd_texts_are_read_in_bounded_time(language: Language, text: str) -> None:
    assert routed(text, language)


def test_of_a_long_text_the_part_nearest_to_what_is_known_is_taken() -> None:
    parts = ["The moon was full and the sea was calm that night."] * 4
    text = " ".join([*parts[:2], "Where is my parcel now?", *parts[2:]])

    def nearness(texts: list[str]) -> list[float]:
        return [len({"parcel", "where"} & set(one.lower().split())) / len(one.split()) for one in texts]

    assert focus(text, nearness) == "Where is my parcel now?"  # type: ignore[arg-type]
    assert len(text.split()) > LONG_WORDS


async def test_what_is_stored_and_sent_is_what_was_asked(parts: Parts, language: Language) -> None:
    cloud = ScriptedModel("In your account.")
    parts = replace(parts, cloud=cloud, defences=Defences(language=language))
    asked = "theorem lemma photosynthesis polymer senator. Wher is my parcle?"
    query = Query(text=asked, constraints=Constraints(route="cloud"))
    prediction = await Router(parts, Kept()).predict(query)
    assert prediction.query == asked
    assert asked in cloud.requests[0].messages[-1].content
    assert any(warning.startswith("defence salience") for warning in prediction.warnings)

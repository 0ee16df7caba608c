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


@pytest.mark.parametrize(
    "asked",
    [
        "Does the parcel contain latex? I am allergic to latex.",
        "the tint of the return label",
        "what colour is teal",
        "The return code RETUNR10 does not work.",
        "Is the parcle-shop XL retunr_7 open?",
        "My order is A4-B7/C 43 1/3.",
        "Does a Retunr-a-Rest fit?",
    ],
)
def test_words_that_are_no_typos_and_codes_stay(language: Language, asked: str) -> None:
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


OTHER_WORDS = "pencil window castle lobster curtain mirror puzzle ladder pepper whistle tractor pyramid feather pillow"
OWN_WORDS = "parcel order refund gift card password tent label account shop minutes days return expire"


@pytest.mark.parametrize("words", [OTHER_WORDS, OWN_WORDS])
@pytest.mark.parametrize("asked", ASKED)
def test_of_a_heap_of_words_the_question_is_kept(language: Language, words: str, asked: str) -> None:
    rng = random.Random(5)

    def heap() -> str:
        return " ".join(rng.choice(words.split()) for _ in range(40))

    assert routed(f"{heap()}. {asked} {heap()}.", language) == asked
    assert routed(f"{OTHER_WORDS}. {asked}", language) == asked


@pytest.mark.parametrize(
    "asked",
    [
        "I lost my keyboard at the castle last summer and my guitar was soaked. Can I return the tent?",
        "My neighbour's goat, a stubborn animal called Hannibal, ate half of it. Do you sell another tent?",
        "The boots are too small. I sent them back on Monday. When do I get my refund?",
        "Can I use the tent in -20 °C? And in +45?",
        "Bern, Basel or Chur: where is my parcel?",
        "If I live in Reykjavik or Trondheim, how long does a parcel take?",
        "The courier left them with the neighbour, who has since moved to Portugal, and nobody at the depot picks up. "
        "My sister is getting married on Saturday. I am quite upset. Could you please send another tent by express? I "
        "will pay the difference. Kind regards, Benedikt Achterberg, Senior Lecturer in Comparative Literature",
    ],
)
def test_ordinary_sentences_stay_however_far_off_they_are(language: Language, asked: str) -> None:
    assert routed(asked, language) == asked


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


def test_each_word_in_leetspeak_is_tried_a_bounded_number_of_times(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    nearest = Language.nearest
    monkeypatch.setattr(Language, "nearest", lambda *given: (tried.append(given[1]), nearest(*given))[1])
    routed("1i1l1o1e1a1s1t1r1n1d1u1y " * 300, language)
    assert len(tried) <= 200


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


def test_a_part_that_asks_is_never_left_out_for_a_nearer_one() -> None:
    told = "The tent that I rented for a trip with my sister was soaked in the very first night out there."
    text = f"{told} {told[:-1]} again. Could you please send another one to us by express? I will pay the difference."

    def nearness(texts: list[str]) -> list[float]:
        return [1.0 - len(one) / 1_000 if "rented" in one else 0.0 for one in texts]

    assert "by express?" in focus(text, nearness)  # type: ignore[arg-type]


async def test_what_is_stored_and_sent_is_what_was_asked(parts: Parts, language: Language) -> None:
    cloud = ScriptedModel("In your account.")
    parts = replace(parts, cloud=cloud, defences=Defences(language=language))
    asked = "theorem lemma photosynthesis polymer senator. Wher is my parcle?"
    query = Query(text=asked, constraints=Constraints(route="cloud"))
    prediction = await Router(parts, Kept()).predict(query)
    assert prediction.query == asked
    assert asked in cloud.requests[0].messages[-1].content
    assert any(warning.startswith("defence salience") for warning in prediction.warnings)

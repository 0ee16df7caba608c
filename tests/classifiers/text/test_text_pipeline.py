"""Preparing text: what each step does to real texts, and that training and serving can't come apart."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifiers.text import VERSION, Pipeline
from signalbox.errors import CorruptArtefact, InvalidInput

PIPELINE = Pipeline()
OFF = Pipeline(
    repair=False, html=False, unicode=False, urls="keep", handles=False, personal_data=False, emoji=False,
    elongations=False,
)  # fmt: skip
GOLDEN = Path(__file__).parents[2] / "formats" / f"text-preparation-{VERSION}.json"


@pytest.mark.parametrize(
    "text",
    [
        "I am still waiting on my card?",
        "Why was I charged an extra £1.00 (or €1,20) on 12/03/2021 at 10:30?",
        "I <3 you, List<String> beats <your name>; AT&T and R&D, a < b > c",
        "World War III, IEEE 802.11, AAA batteries, XXVIII, Schifffahrt, 1000000 times",
        "node.js and/or C++ 50/50, e.g./i.e. see section 3.2/4",
        "Meet @ 5 or @9pm...",
        "Wo ist meine Überweisung geblieben? Ich warte seit 3 Tagen.",
        "Où est passé mon virement ? C'est l'été à Noël.",
        "¿Cuándo llegará mi tarjeta? ¡Mañana!",
        "Как вернуть деньги за заказ?",
        "Πού είναι η κάρτα μου;",
        "كيف يمكنني استرداد أموالي؟",
        "मेरा कार्ड कब आएगा?",
        "如何申请退款?",
        "払い戻しはどうすればいいですか",
    ],
)
def test_ordinary_texts_stay_as_they_are(text: str) -> None:
    assert PIPELINE.prepare(text) == text


@pytest.mark.parametrize("text", [b"bytes", None, 3, float("nan"), ["a"]])
def test_what_is_no_string_is_refused_by_name(text: object) -> None:
    with pytest.raises(InvalidInput, match=type(text).__name__):
        PIPELINE.prepare(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", " \n\t", "\x00\x07", "\u200b\ufeff", "<p></p>", "<!-- hidden -->", "&nbsp;"])
def test_nothing_left_is_the_empty_string(text: str) -> None:
    assert PIPELINE.prepare(text) == ""


def test_halves_of_surrogate_pairs_are_joined_or_marked() -> None:
    assert OFF.prepare("a \ud83d\ude00 b \ud800 c\x00") == "a \U0001f600 b \ufffd c"
    PIPELINE.prepare("a \ud83d").encode()


def test_a_megabyte_is_cut_where_the_declaration_says() -> None:
    assert PIPELINE.prepare("word " * 200_000) == ("word " * 4_000).strip()
    assert Pipeline(max_chars=7).prepare("word " * 200_000) == "word wo"
    grown = PIPELINE.prepare("\ufdfa😀" * 10_000)
    assert len(grown) <= PIPELINE.max_chars
    assert PIPELINE.prepare(grown) == grown


# What the steps treat specially, so that Hypothesis meets their interplay.
PIECES = st.one_of(
    st.sampled_from(
        ["<", ">", "&", ";", "amp;", "lt;", "gt;", "#38;", "<b>", "</b>", "<br/>", "<!--", "-->", "&#x26;"]
    ),
    st.sampled_from(
        ["<script>", "</script>", "&amp;lt;", "Ã©", "â€™", "Â", "\x92", "\xa0", "ﬁ", "＜", "＆", "ｗｗｗ", "о"]
    ),
    st.sampled_from(
        ["http://", "www.", "t.co/", "x.com", "/", ".", ",", ")", "(", "@", "@user", "u/", "abc", "a@b.de"]
    ),
    st.sampled_from(
        ["4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "+44 7700 900123", "0", "1", "-", "00", "+"]
    ),
    st.sampled_from(
        ["👍", "🏽", "👩\u200d💻", "❤", "\ufe0f", "🇩", "🇪", "1\ufe0f\u20e3", "🤷", "♀", "\u200d", "\u0301"]
    ),
    st.sampled_from(
        ["ooo", "oooo", "S", "ſſſ", "!!!!", "a", "b", "x", "İ", "मी", "ى", "漢", " ", "\n", "\x00", "\u2800"]
    ),
    st.sampled_from(["\ud83d", "\ude00", "mailto:", "е"]),
    st.characters(),
)
MIXED = st.lists(PIECES, max_size=14).map("".join)


@settings(max_examples=600, deadline=None)
@given(MIXED, st.sampled_from([PIPELINE, dataclasses.replace(PIPELINE, urls="domain", lower=True), OFF]))
@example("<<b></b>b>", PIPELINE)
@example("&amp;amp;amp;lt;b&amp;gt;", PIPELINE)
@example("<" * 40 + "b>" * 40, PIPELINE)
def test_preparing_twice_changes_nothing_more(text: str, pipeline: Pipeline) -> None:
    once = pipeline.prepare(text)
    assert pipeline.prepare(once) == once
    once.encode()
    assert once == " ".join(once.split())


def test_a_declaration_survives_being_stored() -> None:
    pipeline = Pipeline(urls="domain", lower=True, emoji=False, max_chars=500)
    assert Pipeline.from_json(pipeline.to_json()) == pipeline
    assert Pipeline.from_json(PIPELINE.to_json()).prepare("&lt;b&gt;Hi") == "Hi"
    assert hash(pipeline) != hash(PIPELINE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        pipeline.lower = False  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": VERSION + 1}, f"version {VERSION + 1}.*reads up to {VERSION}"),
        ({"version": VERSION + 1, "stemming": True}, "version"),
        ({"version": 0}, "version 0"),
        ({"version": "1"}, "version"),
        ({"stemming": True}, "stemming"),
        ({"lower": 1}, "lower"),
        ({"urls": "drop"}, "urls"),
        ({"max_chars": 0}, "max_chars"),
    ],
)
def test_a_declaration_of_another_release_is_refused(change: dict[str, object], message: str) -> None:
    stored = json.loads(PIPELINE.to_json()) | change
    with pytest.raises(CorruptArtefact, match=message):
        Pipeline.from_json(json.dumps(stored))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '"version"', '{"version": 1}'])
def test_a_damaged_declaration_is_refused(text: str) -> None:
    with pytest.raises(CorruptArtefact):
        Pipeline.from_json(text)


@pytest.mark.parametrize("options", [{"lower": "yes"}, {"urls": "x"}, {"max_chars": 2.5}, {"version": 2}])
def test_options_that_mean_nothing_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        Pipeline(**options)  # type: ignore[arg-type]

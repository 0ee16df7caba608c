"""Stored text has no invisible characters, so that what is quoted is what a person sees."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever import Document, Limits
from retriever.documents import normalise
from signalbox.errors import InvalidInput
from signalbox.settings import Settings


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("page one\fpage two", "page one\n\npage two"),
        ("re\u00adfund\u200b\u2060 \ufeffday\u202es", "refund days"),
        ("tag\U000e0041\U000e007f", "tag"),
        ("cafe\u0301", "café"),
        ("4.90\u00a0EUR\u2009net", "4.90 EUR net"),
        ("bell\x07 nul\x00", "bell nul"),
        ("a  \n\n\n\n\nb\t\n", "a\n\nb"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # a joiner that spelling needs
        ("a\u200db", "ab"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
    ],
)
def test_normalise(raw: str, stored: str) -> None:
    assert normalise(raw) == stored


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    once.encode()


def test_the_hash_follows_the_content() -> None:
    document = Document.make("a", "Text.", title="T", metadata={"lang": "en"})
    assert document.hash == Document.make("b", " Text.\n", title="T", metadata={"lang": "en"}).hash
    assert document.hash != Document.make("a", "Text!", title="T", metadata={"lang": "en"}).hash
    assert document.hash != Document.make("a", "Text.", title="T", metadata={"lang": "de"}).hash


@pytest.mark.parametrize(
    ("document_id", "text"),
    [
        ("", "Text."),
        (" ", "Text."),
        ("a\n", "Text."),
        ("\ud800", "Text."),
        ("a" * 1_001, "Text."),
        ("a", ""),
        ("a", "\u200b\n"),
    ],
)
def test_a_document_needs_an_id_and_text(document_id: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        Document.make(document_id, text)


def test_limits_come_from_the_settings() -> None:
    assert Limits.of(Settings(max_document_bytes=2_000, max_documents=3)) == Limits(2_000, 3)

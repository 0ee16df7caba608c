"""Chunks are verbatim, fit the encoder, lose nothing and know their place."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever import Document, Limits, read_bytes
from retriever.chunking import BUDGET, chunk_document, weight

WORDS = st.sampled_from(
    ["refund", "Dr.", "it.", "days", "\n", "\n\n", "- ", "x" * 400, "中文。", "Б" * 80, "…", "a;b,c", " ", "end."]
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=120).map(" ".join)), st.integers(5, 60))
def test_chunks_are_verbatim_within_budget_and_lose_no_letter(text: str, budget: int) -> None:
    document = Document.make("a", f"{text} z")
    chunks = chunk_document(document, budget=budget)
    covered = [False] * len(document.text)
    for chunk in chunks:
        end = chunk.start + len(chunk.text)
        assert document.text[chunk.start : end] == chunk.text == chunk.text.strip()
        assert weight(chunk.text) <= budget or len(chunk.text.split()) == 1
        covered[chunk.start : end] = [True] * len(chunk.text)
    assert all(seen for seen, char in zip(covered, document.text, strict=True) if char.isalnum())
    assert [chunk.start for chunk in chunks] == sorted(chunk.start for chunk in chunks)


def test_neighbours_share_a_sentence() -> None:
    text = " ".join(f"Sentence number {number} says something about refunds and returns." for number in range(80))
    chunks = chunk_document(Document.make("a", text))
    assert len(chunks) > 3
    for before, after in pairwise(chunks):
        shared = text[after.start : before.start + len(before.text)]
        assert shared.startswith("Sentence number")
        assert shared.count("Sentence") == 1


def test_english_chunks_are_about_900_characters() -> None:
    text = "Goods may be returned within thirty days of delivery when they are unused and in their packaging. " * 100
    sizes = [len(chunk.text) for chunk in chunk_document(Document.make("a", text))]
    assert 700 <= max(sizes) <= 1_300


def test_other_scripts_get_shorter_chunks_so_that_the_encoder_reads_all_of_them() -> None:
    chunks = chunk_document(Document.make("a", "今天天气很好我们去公园。" * 200))
    assert max(len(chunk.text) for chunk in chunks) <= BUDGET


def test_sections_are_not_mixed_and_name_what_is_embedded() -> None:
    data = b"# Returns\n\nIntro.\n\n## Exchanges\n\nSize only.\n\n### Free\n\nIn the EU.\n"
    document = read_bytes("a.md", data, limits=Limits())
    found = [(chunk.text, chunk.context, chunk.metadata) for chunk in chunk_document(document)]
    assert found == [
        ("Intro.", "Returns", {}),
        ("Size only.", "Returns - Exchanges", {"section": "Exchanges"}),
        ("In the EU.", "Returns - Exchanges > Free", {"section": "Exchanges > Free"}),
    ]


def test_a_document_of_headings_only_is_still_found() -> None:
    document = read_bytes("a.md", b"# Returns\n\n## Exchanges\n", limits=Limits())
    assert [chunk.text for chunk in chunk_document(document)] == ["Returns\n\nExchanges"]


def test_csv_rows_are_chunks_of_their_own() -> None:
    document = read_bytes("a.csv", b"name,days\nNorway,6-9\nUK,5-8\n", limits=Limits())
    found = [(chunk.text, chunk.metadata["row"]) for chunk in chunk_document(document)]
    assert found == [("name: Norway\ndays: 6-9", "1"), ("name: UK\ndays: 5-8", "2")]


def test_document_metadata_is_on_every_chunk() -> None:
    document = Document.make("a", "Text. " * 400, metadata={"lang": "en"})
    assert all(chunk.metadata["lang"] == "en" for chunk in chunk_document(document))


def test_a_document_without_letters_has_no_chunk() -> None:
    assert chunk_document(Document.make("a", "--- *** !!!")) == []


@pytest.mark.parametrize("text", ["x" * 300_000, "word " * 60_000, "a,b;" * 50_000])
def test_text_without_sentences_is_cut_all_the_same(text: str) -> None:
    document = Document.make("a", text)
    chunks = chunk_document(document)
    assert chunks[-1].start + len(chunks[-1].text) == len(document.text)
    assert all(after.start <= before.start + len(before.text) + 1 for before, after in pairwise(chunks))
    assert max(weight(chunk.text) for chunk in chunks) <= BUDGET


def test_a_very_long_title_leaves_room_for_the_text() -> None:
    document = replace(Document.make("a", "Text."), title="Long " * 500)
    assert len(chunk_document(document)[0].context) <= 200

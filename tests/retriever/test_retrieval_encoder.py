"""With the encoder that is served, a question in other words finds its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from retriever import Document, Index, upsert
from signalbox.encoder import OnnxEncoder, load_encoder
from signalbox.settings import Settings

SHOP = {
    "returns.md": "Goods may be returned within 30 days of delivery. Refunds take 14 days.",
    "delivery.md": "Standard shipping to Norway takes 6 to 9 working days.",
    "wool.md": "Clean wool blankets at 30 °C in the wool cycle. Do not tumble-dry them.",
    "account.md": "After six failed attempts you are locked out for 20 minutes.",
}


@pytest.fixture(scope="module")
def encoder(encoder_data: Path) -> OnnxEncoder:
    return load_encoder(Settings(data_dir=encoder_data))


@pytest.fixture(scope="module")
def index(encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("index")
    upsert([Document.make(name, text) for name, text in SHOP.items()], index_folder=folder, encoder=encoder)
    return Index.open(folder, encoder)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("When do I get my money back?", "returns.md"),
        ("How long until my parcel arrives in Oslo?", "delivery.md"),
        ("Can I put my throw in the washing machine?", "wool.md"),
        ("I typed the wrong password too often", "account.md"),
    ],
)
def test_other_words_find_the_answer(index: Index, query: str, expected: str) -> None:
    best = index.search(query, 1)[0]
    assert best.document_id == expected
    assert 0.1 < best.similarity <= 1.0001


def test_an_unrelated_question_has_a_low_similarity(index: Index) -> None:
    related = index.search("When do I get my money back?", 1)[0].similarity
    unrelated = index.search("Who composed the opera about Figaro's wedding?", 1)[0].similarity
    assert unrelated < related


def test_the_encoder_is_named_in_the_index(index: Index, encoder: OnnxEncoder) -> None:
    assert index.stats.encoder == f"{encoder.name}/384"

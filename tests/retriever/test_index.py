"""Searching an index: what is found, what is refused, and what happens when it changes under a reader."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hashing_encoder import HashingEncoder

from retriever import Document, Index, delete, upsert
from signalbox.contracts import Retriever
from signalbox.errors import ConfigurationError, CorruptArtefact, InvalidInput, NotFound

SHOP = {
    "returns.md": "Goods may be returned within 30 days of delivery. Refunds take 14 days.",
    "delivery.md": "Standard delivery to Norway takes 6 to 9 working days.",
    "wool.md": "Wash wool blankets at 30 °C in the wool cycle. Do not tumble-dry them.",
    "tents.md": "The Tarn 2 tent weighs 2.1 kg. Its flysheet holds 3,000 mm of water.",
}


@pytest.fixture
def index(index_folder: Path, encoder: HashingEncoder) -> Index:
    documents = [
        Document.make(name, text, title=name.removesuffix(".md").title(), metadata={"lang": "en", "topic": name[0]})
        for name, text in SHOP.items()
    ]
    upsert(documents, index_folder=index_folder, encoder=encoder)
    return Index.open(index_folder, encoder)


def found(index: Index, query: str, **options: object) -> list[str]:
    return [passage.document_id for passage in index.search(query, 10, **options)]  # type: ignore[arg-type]


def test_finds_by_words_and_quotes_verbatim(index: Index) -> None:
    retriever: Retriever = index
    best, *rest = retriever.search("How long do refunds take?", 3)
    assert best.document_id == "returns.md"
    assert best.title == "Returns"
    assert index.document("returns.md").text[best.start : best.start + len(best.text)] == best.text
    assert best.bm25 > 0
    assert -1 <= best.similarity <= 1.0001
    assert best.metadata == {"lang": "en", "topic": "r"}
    assert [best.score, *[passage.score for passage in rest]] == sorted(
        [best.score, *[passage.score for passage in rest]], reverse=True
    )


def test_lists_documents_with_their_size_and_where_their_chunks_lie(index: Index) -> None:
    first, second, *_ = index.entries(limit=2)
    assert [first.id, second.id] == ["delivery.md", "returns.md"]
    assert (second.title, second.characters, second.chunks) == ("Returns", len(SHOP["returns.md"]), 1)
    assert [entry.id for entry in index.entries(after="returns.md")] == ["tents.md", "wool.md"]
    (span,) = index.chunks("returns.md")
    assert index.document("returns.md").text[span.start : span.end] == SHOP["returns.md"]
    with pytest.raises(NotFound, match=r"nothing\.md"):
        index.chunks("nothing.md")


@pytest.mark.parametrize(
    ("query", "expected"),
    [("returning", "returns.md"), ("BLANKET", "wool.md"), ("3000 mm", "tents.md"), ("ｔａｒｎ", "tents.md")],
)
def test_other_forms_of_a_word_are_found(index: Index, query: str, expected: str) -> None:
    assert found(index, query)[0] == expected


@pytest.mark.parametrize(
    "query", ["the of and", "🎉🎉", "返品できますか", "ثلاثون يوما", "?!", "\ud800", "x" * 5_000, "\x00"]
)
def test_queries_without_a_known_word_do_no_harm(index: Index, query: str) -> None:
    assert all(passage.bm25 == 0 for passage in index.search(query, 3))


@pytest.mark.parametrize("query", ["", "  \n\t"])
def test_an_empty_query_finds_nothing(index: Index, query: str) -> None:
    assert index.search(query, 3) == ()


def test_k_is_a_limit(index: Index) -> None:
    assert len(index.search("days", 2)) == 2
    assert len(index.search("days", 1_000)) == len(SHOP)
    for k in (0, -1, 1_001):
        with pytest.raises(InvalidInput, match=f"k is {k}; it must be 1 to 1,000"):
            index.search("days", k)


def test_filters_are_exact(index: Index) -> None:
    assert found(index, "days", filters={"document_id": "wool.md"}) == ["wool.md"]
    assert found(index, "days", filters={"topic": "t", "lang": "en"}) == ["tents.md"]
    assert found(index, "days", filters={"topic": "t", "lang": "de"}) == []
    assert found(index, "days", filters={"lang": "e"}) == []
    assert found(index, "days", filters={"' OR 1=1 --": "x"}) == []
    assert len(found(index, "days", filters={"lang": "en"})) == len(SHOP)
    assert len(found(index, "days", filters={})) == len(SHOP)
    assert found(index, "days", filters={"lang": "\ud800"}) == []
    with pytest.raises(InvalidInput, match="21 filters; the most is 20"):
        index.search("days", 1, filters={str(number): "x" for number in range(21)})


def test_a_known_vector_saves_encoding(index: Index, encoder: HashingEncoder) -> None:
    (vector,) = encoder.encode(["refunds"])
    plain = index.search("refunds", 2)
    encoder.encoded.clear()
    assert index.search("refunds", 2, vector=vector) == plain
    assert index.search("refunds", 2, vector=vector[None, :]) == plain
    assert encoder.encoded == []


@pytest.mark.parametrize("vector", [np.zeros(3), np.full(512, np.nan), np.zeros((2, 512))])
def test_a_wrong_vector_is_refused(index: Index, vector: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="query vector has shape"):
        index.search("refunds", 2, vector=vector)


def test_documents_and_sentences(index: Index) -> None:
    document = index.document("wool.md")
    assert document.metadata == {"lang": "en", "topic": "w"}
    spans = index.sentences("wool.md")
    assert [document.text[start:end] for start, end in spans] == [
        "Wash wool blankets at 30 °C in the wool cycle.",
        "Do not tumble-dry them.",
    ]
    assert index.sentences("wool.md") is spans
    with pytest.raises(NotFound, match=r"'nothing\.md'"):
        index.document("nothing.md")
    with pytest.raises(NotFound):
        index.document("\ud800")
    with pytest.raises(NotFound):
        index.sentences("nothing.md")


def test_documents_are_listed_in_pages(index: Index) -> None:
    first = index.documents(limit=3)
    rest = index.documents(after=first[-1].id, limit=3)
    assert [document.id for document in (*first, *rest)] == sorted(SHOP)


def test_an_empty_index(index_folder: Path, encoder: HashingEncoder) -> None:
    index = Index.open(index_folder, encoder)
    assert index.search("anything", 3) == ()
    assert index.documents() == ()
    assert index.version is None
    assert index.stats.documents == 0
    assert index.reload() is False
    with pytest.raises(NotFound, match="is empty"):
        index.document("a")


def test_stats(index: Index) -> None:
    stats = index.stats
    assert (stats.version, stats.documents, stats.chunks, stats.kind) == ("v000001", 4, 4, "flat")
    assert stats.encoder == "hashing/512"


def test_an_index_of_text_without_words_for_bm25(index_folder: Path, encoder: HashingEncoder) -> None:
    upsert([Document.make("the", "The of and.", title="It")], index_folder=index_folder, encoder=encoder)
    index = Index.open(index_folder, encoder)
    assert [passage.document_id for passage in index.search("the of", 3)] == ["the"]


def test_reload_swaps_to_the_new_version(index: Index, index_folder: Path, encoder: HashingEncoder) -> None:
    upsert([Document.make("new.md", "Curtains are made to measure.")], index_folder=index_folder, encoder=encoder)
    assert "new.md" not in found(index, "curtains")
    assert index.reload() is True
    assert found(index, "curtains")[0] == "new.md"
    assert index.reload() is False


def test_a_version_of_another_encoder_is_refused_once_and_the_next_is_followed(
    index: Index, index_folder: Path, encoder: HashingEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = Document.make("new.md", "Curtains are made to measure.")
    upsert([document], index_folder=index_folder, encoder=HashingEncoder(name="another"))
    with pytest.raises(ConfigurationError, match="SIGNALBOX_ENCODER"):
        index.reload()
    with monkeypatch.context() as patch:
        patch.setattr("retriever.index.open_version", lambda *_: pytest.fail("it was read again"))
        assert index.reload() is False
    assert found(index, "refunds")[0] == "returns.md"
    upsert([Document.make("newer.md", "Curtains last.")], index_folder=index_folder, encoder=encoder)
    assert index.reload() is True
    assert "newer.md" in found(index, "curtains")


def test_of_equal_texts_the_one_that_is_not_outdated_is_shown(index_folder: Path, encoder: HashingEncoder) -> None:
    text = "Goods may be returned within 30 days."
    documents = [
        Document.make("a-2019.md", text, metadata={"status": "outdated", "lang": "en"}),
        Document.make("b-2026.md", text, metadata={"lang": "en"}),
    ]
    upsert(documents, index_folder=index_folder, encoder=encoder)
    index = Index.open(index_folder, encoder)
    for filters in (None, {"lang": "en"}):
        (passage,) = index.search("returned goods", 3, filters=filters)
        assert passage.document_id == "b-2026.md"
        assert passage.metadata == {"lang": "en", "also_in": "a-2019.md"}
    assert found(index, "returned goods", filters={"status": "outdated"}) == ["a-2019.md"]


def test_an_old_version_keeps_working_after_its_files_are_gone(
    index: Index, index_folder: Path, encoder: HashingEncoder
) -> None:
    before = index.search("refunds", 4)
    for number in range(4):
        upsert([Document.make(f"{number}", f"Text {number}.")], index_folder=index_folder, encoder=encoder)
    assert sorted(path.name for path in index_folder.glob("v*")) == ["v000004", "v000005"]
    assert index.search("refunds", 4) == before
    assert index.document("wool.md").id == "wool.md"


def test_searches_run_while_the_index_changes(index: Index, index_folder: Path, encoder: HashingEncoder) -> None:
    errors: list[BaseException] = []
    done = threading.Event()

    def search() -> None:
        try:
            while not done.is_set():
                assert index.search("refunds days tent", 3)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(12):
        document = Document.make("changing.md", f"Version {number} of this text.")
        upsert([document], index_folder=index_folder, encoder=HashingEncoder())
        assert index.reload()
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert index.document("changing.md").text == "Version 11 of this text."


@pytest.mark.parametrize("name", ["records.sqlite", "vectors.npy", "bm25.data.npy", "bm25.vocab.json", "manifest.json"])
def test_damage_is_found_before_anything_is_used(
    index: Index, index_folder: Path, encoder: HashingEncoder, name: str
) -> None:
    path = index_folder / "v000001" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(CorruptArtefact, match="ingest again"):
        Index.open(index_folder, encoder)
    path.unlink()
    with pytest.raises(CorruptArtefact, match="missing"):
        Index.open(index_folder, encoder)


@pytest.mark.parametrize("content", [b"", b"../../etc\n", b"v1\n", b"\xff\xfe", b"v000009\n"])
def test_a_damaged_pointer(index: Index, index_folder: Path, encoder: HashingEncoder, content: bytes) -> None:
    (index_folder / "CURRENT").write_bytes(content)
    with pytest.raises(CorruptArtefact):
        Index.open(index_folder, encoder)


def test_a_format_of_a_later_release(index: Index, index_folder: Path, encoder: HashingEncoder) -> None:
    manifest = index_folder / "v000001" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(CorruptArtefact, match="format 99"):
        Index.open(index_folder, encoder)


@pytest.mark.parametrize("other", [HashingEncoder(dimension=32), HashingEncoder(name="another")])
def test_another_encoder_is_refused(index: Index, index_folder: Path, other: HashingEncoder) -> None:
    with pytest.raises(ConfigurationError, match="SIGNALBOX_ENCODER"):
        Index.open(index_folder, other)


def test_deleting_everything_leaves_an_index_that_can_be_filled_again(
    index: Index, index_folder: Path, encoder: HashingEncoder
) -> None:
    delete(list(SHOP), index_folder=index_folder, encoder=encoder)
    index.reload()
    assert (index.stats.kind, index.stats.chunks) == ("empty", 0)
    assert index.search("refunds", 3) == ()
    upsert([Document.make("a", "Refunds.")], index_folder=index_folder, encoder=encoder)
    index.reload()
    assert found(index, "refunds") == ["a"]


def test_the_package_loads_no_heavy_library() -> None:
    import subprocess
    import sys

    code = "import sys, retriever; print([m for m in ('faiss', 'bm25s', 'torch', 'pypdf', 'docx') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

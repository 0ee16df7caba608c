"""Ingest keeps the index in step with folders; only what changed costs anything, and bad files cost only themselves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hashing_encoder import HashingEncoder
from office_files import pdf, word

from retriever import Document, Index, IngestReport, Limits, delete, ingest, upsert
from signalbox.errors import (
    ConfigurationError,
    InvalidInput,
    NotFound,
    Overloaded,
    TooLarge,
    UnsupportedType,
)


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.unchanged, report.deleted


def ids(index_folder: Path, encoder: HashingEncoder) -> list[str]:
    return [document.id for document in Index.open(index_folder, encoder).documents()]


@pytest.fixture
def run(index_folder: Path, encoder: HashingEncoder):  # type: ignore[no-untyped-def]
    """Ingest these paths."""

    def _run(*paths: Path, **options: object) -> IngestReport:
        return ingest(paths, index_folder=index_folder, encoder=encoder, **options)  # type: ignore[arg-type]

    return _run


def test_a_folder_of_all_formats(run, folder, index_folder, encoder) -> None:  # type: ignore[no-untyped-def]
    (folder / "deep").mkdir()
    (folder / "returns.md").write_text("# Returns\n\nThirty days.")
    (folder / "deep" / "note.txt").write_text("A note on parcels.")
    (folder / "page.html").write_text("<p>A page on wool.</p>")
    (folder / "times.csv").write_text("country,days\nNorway,6-9\n")
    (folder / "guide.pdf").write_bytes(pdf([["A guide to tents."]]))
    (folder / "letter.docx").write_bytes(word("Letter"))
    (folder / ".hidden.md").write_text("hidden")
    report = run(folder)
    assert counts(report) == (6, 0, 0, 0)
    assert (report.failed, report.skipped, report.documents) == ((), (), 6)
    assert ids(index_folder, encoder) == [
        "deep/note.txt", "guide.pdf", "letter.docx", "page.html", "returns.md", "times.csv",
    ]  # fmt: skip


def test_only_what_changed_is_encoded(run, folder, encoder) -> None:  # type: ignore[no-untyped-def]
    for name in "abc":
        (folder / f"{name}.md").write_text(f"# {name}\n\nText of {name}.")
    run(folder)
    encoder.encoded.clear()
    (folder / "b.md").write_text("# b\n\nOther text.")
    (folder / "c.md").unlink()
    (folder / "d.md").write_text("# d\n\nNew text.")
    report = run(folder)
    assert counts(report) == (1, 1, 1, 1)
    assert encoder.encoded == ["b\nOther text.", "d\nNew text."]


def test_an_unchanged_folder_writes_no_new_version(run, folder) -> None:  # type: ignore[no-untyped-def]
    (folder / "a.md").write_text("Text.")
    first = run(folder)
    second = run(folder)
    assert counts(second) == (0, 0, 1, 0)
    assert second.version == first.version == "v000001"


def test_only_changed_chunks_of_a_document_are_encoded(run, folder, encoder) -> None:  # type: ignore[no-untyped-def]
    text = "# T\n\n## A\n\nAlpha.\n\n## B\n\nBeta.\n"
    (folder / "a.md").write_text(text)
    run(folder)
    encoder.encoded.clear()
    (folder / "a.md").write_text(text.replace("Beta", "Gamma"))
    run(folder)
    assert "T - B\nGamma." in encoder.encoded
    assert not any("Alpha" in text for text in encoder.encoded)


def test_the_same_documents_give_the_same_index_whatever_way_they_came(  # type: ignore[no-untyped-def]
    tmp_path, folder, encoder
) -> None:
    for name in "dcba":
        (folder / f"{name}.md").write_text(f"Text of {name}. Shared.")
    ingest([folder], index_folder=tmp_path / "one", encoder=encoder)
    for name in "bdac":
        upsert([Document.make(f"{name}.md", "Old.")], index_folder=tmp_path / "two", encoder=encoder)
    ingest([folder], index_folder=tmp_path / "two", encoder=encoder)
    one, two = Index.open(tmp_path / "one", encoder), Index.open(tmp_path / "two", encoder)
    assert one.search("shared text of b", 4) == two.search("shared text of b", 4)


def test_a_single_file_is_named_by_its_name(run, folder, index_folder, encoder) -> None:  # type: ignore[no-untyped-def]
    (folder / "sub").mkdir()
    (folder / "sub" / "a.md").write_text("Text.")
    run(folder / "sub" / "a.md")
    assert ids(index_folder, encoder) == ["a.md"]


def test_other_folders_documents_stay(run, tmp_path, index_folder, encoder) -> None:  # type: ignore[no-untyped-def]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.md").write_text(f"Text {name}.")
    run(tmp_path / "one")
    assert counts(run(tmp_path / "two")) == (1, 0, 0, 0)
    assert ids(index_folder, encoder) == ["one.md", "two.md"]


def test_a_moved_folder_keeps_its_documents_and_later_deletions(  # type: ignore[no-untyped-def]
    run, tmp_path, index_folder, encoder
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    for name in "ab":
        (old / f"{name}.md").write_text(f"Text {name}.")
    run(old)
    old.rename(new)
    assert counts(run(new)) == (0, 0, 2, 0)
    (new / "a.md").unlink()
    assert counts(run(new)) == (0, 0, 1, 1)


def test_bad_files_cost_only_themselves(run, folder, index_folder, encoder) -> None:  # type: ignore[no-untyped-def]
    (folder / "good.md").write_text("Good text.")
    (folder / "empty.txt").write_text("")
    (folder / "junk.txt").write_bytes(bytes(range(256)) * 10)
    (folder / "fake.pdf").write_text("no pdf")
    (folder / "locked.pdf").write_bytes(pdf([["Text."]], password="x"))
    (folder / "tool.exe").write_bytes(b"MZ")
    report = run(folder)
    assert [path.name for path, _ in report.failed] == ["empty.txt", "fake.pdf", "junk.txt", "locked.pdf"]
    assert all(path.name in error.detail for path, error in report.failed)
    assert len(report.skipped) == 1
    assert "tool.exe was left out" in report.skipped[0]
    assert ids(index_folder, encoder) == ["good.md"]


def test_a_file_that_can_no_longer_be_read_keeps_its_earlier_version(  # type: ignore[no-untyped-def]
    run, folder, index_folder, encoder
) -> None:
    (folder / "a.md").write_text("First version.")
    run(folder)
    (folder / "a.md").write_bytes(bytes(range(256)) * 10)
    report = run(folder)
    assert counts(report) == (0, 0, 0, 0)
    assert len(report.failed) == 1
    assert Index.open(index_folder, encoder).document("a.md").text == "First version."


def test_named_paths_must_exist_and_be_supported(run, folder, index_folder) -> None:  # type: ignore[no-untyped-def]
    (folder / "a.exe").write_bytes(b"MZ")
    with pytest.raises(NotFound, match=r"nowhere\.md does not exist"):
        run(folder / "nowhere.md")
    with pytest.raises(UnsupportedType, match=r"a\.exe can't be read"):
        run(folder / "a.exe")
    assert not index_folder.exists()


def test_a_folder_named_twice_is_read_once(run, folder) -> None:  # type: ignore[no-untyped-def]
    (folder / "a.md").write_text("Text.")
    report = run(folder, folder)
    assert (counts(report), report.failed) == ((1, 0, 0, 0), ())


def test_two_files_of_one_name(run, folder) -> None:  # type: ignore[no-untyped-def]
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "a.md").write_text(f"Text {name}.")
    report = run(folder / "one" / "a.md", folder / "two" / "a.md")
    assert report.added == 1
    assert "would both be document 'a.md'" in report.failed[0][1].detail


def test_links_are_followed_only_inside_the_folder(run, tmp_path, folder) -> None:  # type: ignore[no-untyped-def]
    secret = tmp_path / "secret.md"
    secret.write_text("Secret.")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.md").write_text("Outside.")
    (folder / "real").mkdir()
    (folder / "real" / "a.md").write_text("Inside.")
    (folder / "out.md").symlink_to(secret)
    (folder / "outdir").symlink_to(tmp_path / "outside")
    (folder / "loop").symlink_to(folder)
    (folder / "real" / "up").symlink_to("..")
    (folder / "nothing.md").symlink_to(folder / "gone.md")
    (folder / "alias.md").symlink_to(folder / "real" / "a.md")
    report = run(folder)
    assert report.added == 2  # alias.md and real/a.md
    assert report.failed == ()
    reasons = " ".join(report.skipped)
    assert reasons.count("link out of the folder") == 2
    assert reasons.count("already read") == 2
    assert reasons.count("link to nothing") == 1


def test_links_to_each_other(run, folder) -> None:  # type: ignore[no-untyped-def]
    (folder / "a.md").symlink_to(folder / "b.md")
    (folder / "b.md").symlink_to(folder / "a.md")
    (folder / "c.md").write_text("Text.")
    assert run(folder).added == 1


def test_pipes_are_not_waited_for(run, folder) -> None:  # type: ignore[no-untyped-def]
    os.mkfifo(folder / "pipe.txt")
    (folder / "a.txt").write_text("Text.")
    report = run(folder)
    assert report.added == 1
    assert "not a regular file" in report.failed[0][1].detail


def test_names_in_any_bytes(run, folder, index_folder, encoder) -> None:  # type: ignore[no-untyped-def]
    (folder / "cafe\u0301 \n1.md").write_text("One.")
    (folder / os.fsdecode(b"latin-\xe9.md")).write_text("Two.")
    assert run(folder).added == 2
    assert ids(index_folder, encoder) == ["café _1.md", "latin-\ufffd.md"]


def test_an_unreadable_file(run, folder, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    # Tests may run as root, who can read everything: refuse in the system call instead.
    (folder / "a.md").write_text("Text.")
    (folder / "b.md").write_text("Text b.")
    real_open = os.open

    def refuse(path: object, *rest: object, **options: object) -> int:
        if str(path).endswith("a.md"):
            raise PermissionError(13, "Permission denied", str(path))
        return real_open(path, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    report = run(folder)
    assert report.added == 1
    assert "a.md can't be opened (Permission denied): allow reading it" in report.failed[0][1].detail


def test_too_many_documents(run, folder, index_folder) -> None:  # type: ignore[no-untyped-def]
    for number in range(4):
        (folder / f"{number}.md").write_text(f"Text {number}.")
    with pytest.raises(TooLarge, match=r"more than 3 documents.*SIGNALBOX_MAX_DOCUMENTS"):
        run(folder, limits=Limits(documents=3))
    assert sorted(path.name for path in index_folder.iterdir()) == [".lock"]


def test_a_file_over_the_limit(run, folder) -> None:  # type: ignore[no-untyped-def]
    (folder / "a.md").write_text("x" * 2_000)
    error = run(folder, limits=Limits(document_bytes=1_000)).failed[0][1]
    assert isinstance(error, TooLarge)
    assert "2,000 bytes; the limit is 1,000" in error.detail


def test_progress_and_cancelling(run, folder, index_folder, encoder) -> None:  # type: ignore[no-untyped-def]
    (folder / "a.md").write_text("Text.")
    seen: list[tuple[float, str]] = []
    run(folder, progress=lambda fraction, stage: seen.append((fraction, stage)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1

    class Cancelled(Exception):
        pass

    def cancel(fraction: float, stage: str) -> None:
        if "encoding" in stage:
            raise Cancelled

    (folder / "b.md").write_text("More.")
    with pytest.raises(Cancelled):
        run(folder, progress=cancel)
    assert ids(index_folder, encoder) == ["a.md"]
    assert not list(index_folder.glob(".tmp-*"))


def test_upsert_and_delete(index_folder, encoder) -> None:  # type: ignore[no-untyped-def]
    a, b = Document.make("a", "About parcels."), Document.make("b", "About wool.")
    report = upsert([a, b], index_folder=index_folder, encoder=encoder)
    assert (counts(report), report.documents, report.chunks) == ((2, 0, 0, 0), 2, 2)
    assert counts(upsert([a], index_folder=index_folder, encoder=encoder)) == (0, 0, 1, 0)
    changed = Document.make("a", "About tents.")
    assert counts(upsert([changed], index_folder=index_folder, encoder=encoder)) == (0, 1, 0, 0)
    assert counts(delete(["b"], index_folder=index_folder, encoder=encoder)) == (0, 0, 0, 1)
    index = Index.open(index_folder, encoder)
    assert [passage.text for passage in index.search("about wool and tents", 5)] == ["About tents."]
    with pytest.raises(NotFound, match="'b'"):
        delete(["a", "b"], index_folder=index_folder, encoder=encoder)
    assert index.reload() is False
    assert counts(delete(["a"], index_folder=index_folder, encoder=encoder)) == (0, 0, 0, 1)
    assert index.reload() is True
    assert index.search("about", 5) == ()
    assert index.stats.documents == 0


def test_upsert_refuses_what_it_can_not_quote(index_folder, encoder) -> None:  # type: ignore[no-untyped-def]
    document = Document.make("a", "Text.")
    with pytest.raises(InvalidInput, match="'a'"):
        upsert([document, document], index_folder=index_folder, encoder=encoder)
    with pytest.raises(InvalidInput, match="not normalised"):
        upsert([Document("a", "A", "two\r\nlines")], index_folder=index_folder, encoder=encoder)
    with pytest.raises(TooLarge):
        upsert([document], index_folder=index_folder, encoder=encoder, limits=Limits(document_bytes=3))


def test_repeated_chunks_are_indexed_once_and_outlive_their_first(  # type: ignore[no-untyped-def]
    index_folder, encoder
) -> None:
    same = "The  warehouse is in Ghent."
    documents = [Document.make(name, same, metadata={"lang": name}) for name in "abc"]
    report = upsert(documents, index_folder=index_folder, encoder=encoder)
    assert (report.chunks, report.duplicates) == (1, 2)
    index = Index.open(index_folder, encoder)
    (passage,) = index.search("warehouse", 5)
    assert (passage.document_id, passage.metadata["also_in"]) == ("a", "b, c")
    (passage,) = index.search("warehouse", 5, filters={"lang": "b"})
    assert (passage.document_id, passage.metadata["also_in"]) == ("b", "a, c")
    delete(["a"], index_folder=index_folder, encoder=encoder)
    index.reload()
    (passage,) = index.search("warehouse", 5)
    assert passage.document_id == "b"


def test_a_new_encoder_encodes_everything_again(run, folder, index_folder) -> None:  # type: ignore[no-untyped-def]
    (folder / "a.md").write_text("Text.")
    run(folder)
    other = HashingEncoder(name="other")
    report = ingest([folder], index_folder=index_folder, encoder=other)
    assert counts(report) == (0, 0, 1, 0)
    assert report.version == "v000002"
    assert "a\nText." in other.encoded


def test_an_encoder_that_gives_nonsense(index_folder) -> None:  # type: ignore[no-untyped-def]
    class Broken(HashingEncoder):
        def encode(self, texts):  # type: ignore[no-untyped-def]
            return super().encode(texts) * float("nan")

    with pytest.raises(ConfigurationError, match="finite"):
        upsert([Document.make("a", "Text.")], index_folder=index_folder, encoder=Broken())


def test_only_one_writer_at_a_time(index_folder, encoder) -> None:  # type: ignore[no-untyped-def]
    def nested(fraction: float, stage: str) -> None:
        upsert([Document.make("b", "B.")], index_folder=index_folder, encoder=encoder, lock_timeout_s=0.05)

    with pytest.raises(Overloaded, match="Another process is writing"):
        upsert([Document.make("a", "A.")], index_folder=index_folder, encoder=encoder, progress=nested)


def test_a_full_disk_leaves_the_index_as_it_was(  # type: ignore[no-untyped-def]
    index_folder, encoder, monkeypatch
) -> None:
    upsert([Document.make("a", "A.")], index_folder=index_folder, encoder=encoder)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ConfigurationError, match=r"No space left on device.*Make room"):
            upsert([Document.make("b", "B.")], index_folder=index_folder, encoder=encoder)
    assert ids(index_folder, encoder) == ["a"]
    assert not list(index_folder.glob(".tmp-*"))

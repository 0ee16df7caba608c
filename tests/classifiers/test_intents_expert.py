"""Training, loading and asking an expert, and what happens when its files are damaged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from intent_files import INTENTS, OUTSIDE, LetterEncoder, lines, records

from classifiers import IntentExpert, load_expert, read_intents, train_intents
from classifiers.intents.signals import SIGNALS
from classifiers.intents.wording import WORDING_SIGNALS
from signalbox.errors import ConfigurationError, CorruptArtefact, InvalidInput, NotFound

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(trained: tuple[Path, IntentExpert], tmp_path: Path) -> Path:
    """The experts' folder, moved elsewhere, to be damaged."""
    shutil.copytree(trained[0], tmp_path / "moved")
    return tmp_path / "moved"


def test_answers_with_the_reply_of_the_intent(trained: tuple[Path, IntentExpert]) -> None:
    _, expert = trained
    opinions = expert.predict(["please refund my lamp", "reset the password"])
    assert expert.name == "intents@1"
    assert [opinion.answer.text for opinion in opinions] == [
        "About refund: see the site.",
        "About password: see the site.",
    ]
    for opinion in opinions:
        assert opinion.answer.labels is not None
        (label,) = opinion.answer.labels
        assert label.task == "intent"
        assert label.label in label.set
        assert 0 <= opinion.confidence <= 1
        assert tuple(opinion.features) == (*SIGNALS, *WORDING_SIGNALS)
        assert opinion.evidence == ()


def test_is_surer_of_what_is_in_scope(trained: tuple[Path, IntentExpert]) -> None:
    _, expert = trained
    inside = [opinion.confidence for opinion in expert.predict([text for texts in INTENTS.values() for text in texts])]
    outside = [opinion.confidence for opinion in expert.predict(OUTSIDE)]
    assert np.mean(inside) > np.mean(outside) + 0.2


def test_explains_with_the_words_that_moved_it(trained: tuple[Path, IntentExpert]) -> None:
    _, expert = trained
    (opinion,) = expert.predict(["refund refund"], explain=True)
    assert 1 <= len(opinion.evidence) <= 5
    effects = [abs(item.effect) for item in opinion.evidence]
    assert effects == sorted(effects, reverse=True)
    word = next(item for item in opinion.evidence if item.feature == "word: refund")
    assert word.value == 2.0
    assert word.effect > 0


@pytest.mark.parametrize("text", ["", "   ", "?!", "🎉", "日本語", "\ud800", "\x00", "refund " * 3_000])
def test_any_text_gets_finite_signals(trained: tuple[Path, IntentExpert], text: str) -> None:
    (opinion,) = trained[1].predict([text], explain=True)
    assert np.isfinite([*opinion.features.values(), opinion.confidence]).all()


def test_given_vectors_save_encoding_and_are_checked(
    trained: tuple[Path, IntentExpert], encoder: LetterEncoder
) -> None:
    _, expert = trained
    texts = ["where is it", "password?"]
    assert expert.predict(texts, vectors=encoder.encode(texts)) == expert.predict(texts)
    assert expert.predict([]) == ()
    with pytest.raises(InvalidInput, match="shape"):
        expert.predict(texts, vectors=encoder.encode(texts[:1]))
    with pytest.raises(InvalidInput, match="not finite"):
        expert.predict(texts, vectors=np.full((2, encoder.dimension), np.nan, dtype=np.float32))
    with pytest.raises(InvalidInput, match="list"):
        expert.predict("one text")


def test_a_moved_folder_gives_the_same_answers(
    trained: tuple[Path, IntentExpert], copy: Path, encoder: LetterEncoder
) -> None:
    texts = ["where is my parcel", "something else", "refund"]
    loaded = load_expert(copy, "intents", encoder)
    assert loaded.predict(texts, explain=True) == trained[1].predict(texts, explain=True)
    assert loaded.titles == {"refund": "Refund", "tracking": "Tracking", "password": "Password"}


def test_same_data_and_seed_give_the_same_bytes_and_a_new_version(
    intents_file: Path, outside_file: Path, copy: Path, encoder: LetterEncoder
) -> None:
    told: list[float] = []
    expert = train_intents(
        read_intents(intents_file, outside_file),
        encoder,
        name="intents",
        folder=copy,
        progress=lambda share, _: told.append(share),
    )
    assert expert.name == "intents@2"
    assert (copy / "intents" / "champion").read_text() == "2\n"
    for name in ("weights.npz", "vocabulary.json", "labels.json"):
        assert (copy / "intents" / "1" / name).read_bytes() == (copy / "intents" / "2" / name).read_bytes()
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert load_expert(copy, "intents", encoder, version=1).name == "intents@1"


def test_the_card_and_manifest_report_out_of_fold_figures(copy: Path) -> None:
    manifest = json.loads((copy / "intents" / "1" / "manifest.json").read_text())
    metrics = manifest["metrics"]
    assert {"accuracy", "ece", "out_of_scope_auroc", "set_coverage"} <= set(metrics)
    for figure in metrics.values():
        assert figure["low"] <= figure["value"] <= figure["high"]
    card = (copy / "intents" / "1" / "card.md").read_text()
    assert f"| {metrics['accuracy']['value']:.3f} |" in card
    assert manifest["data_sha256"] in card


def test_works_without_out_of_scope_examples_and_on_the_smallest_set(tmp_path: Path, encoder: LetterEncoder) -> None:
    path = lines(tmp_path / "i.jsonl", records({"yes": ["yes please", "I agree"], "no": ["no thanks", "refuse"]}))
    expert = train_intents(read_intents(path), encoder, name="tiny", folder=tmp_path)
    (opinion,) = expert.predict(["yes please"])
    assert opinion.answer.text == "About yes: see the site."
    assert opinion.features["out_of_scope_similarity"] == 0.0
    assert "No out-of-scope examples were given" in (tmp_path / "tiny" / "1" / "card.md").read_text()


@pytest.mark.parametrize("name", ["", "..", "a/b", "Upper", "x" * 65, "a\n"])
def test_names_that_are_no_folders_are_refused(
    intents_file: Path, tmp_path: Path, encoder: LetterEncoder, name: str
) -> None:
    with pytest.raises(InvalidInput, match="can't name an expert"):
        train_intents(read_intents(intents_file), encoder, name=name, folder=tmp_path)
    with pytest.raises(InvalidInput, match="can't name an expert"):
        load_expert(tmp_path, name, encoder)


@pytest.mark.parametrize("name", ["weights.npz", "vocabulary.json", "labels.json", "card.md"])
def test_changed_or_missing_files_are_named(copy: Path, encoder: LetterEncoder, name: str) -> None:
    path = copy / "intents" / "1" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptArtefact, match=rf"{name} differs.*train the expert again"):
        load_expert(copy, "intents", encoder)
    path.unlink()
    with pytest.raises(CorruptArtefact, match=f"{name} is missing"):
        load_expert(copy, "intents", encoder)


def test_a_bad_alias_version_or_format_is_named(copy: Path, encoder: LetterEncoder) -> None:
    champion = copy / "intents" / "champion"
    with pytest.raises(NotFound, match="no version 7"):
        load_expert(copy, "intents", encoder, version=7)
    with pytest.raises(NotFound, match="no expert 'other'"):
        load_expert(copy, "other", encoder)
    champion.write_text("../1")
    with pytest.raises(CorruptArtefact, match="champion does not hold"):
        load_expert(copy, "intents", encoder)
    champion.write_text("9")
    with pytest.raises(CorruptArtefact, match="names version 9, which is missing"):
        load_expert(copy, "intents", encoder)
    champion.write_text("1")
    manifest = copy / "intents" / "1" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(CorruptArtefact, match="format 99"):
        load_expert(copy, "intents", encoder)


def test_another_encoder_is_refused(copy: Path) -> None:
    other = LetterEncoder()
    other.name = "other"
    with pytest.raises(ConfigurationError, match="trained with the encoder letters, not with other"):
        load_expert(copy, "intents", other)


def test_a_failed_training_leaves_the_champion(
    copy: Path, intents_file: Path, encoder: LetterEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifiers.intents.artefact.card", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        train_intents(read_intents(intents_file), encoder, name="intents", folder=copy)
    assert load_expert(copy, "intents", encoder).name == "intents@1"
    assert sorted(path.name for path in (copy / "intents").iterdir() if path.is_dir()) == ["1"]


def test_the_weights_hold_no_objects(copy: Path) -> None:
    with zipfile.ZipFile(copy / "intents" / "1" / "weights.npz") as file:
        assert all(b"'descr': '|O'" not in file.read(name)[:200] for name in file.namelist())


def test_serving_loads_neither_scikit_learn_nor_scipy(copy: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from intent_files import LetterEncoder\n"
        "from classifiers import load_expert\n"
        f"load_expert(Path({str(copy)!r}), 'intents', LetterEncoder()).predict(['refund'], explain=True)\n"
        "assert not {'sklearn', 'scipy', 'joblib', 'torch'} & set(sys.modules), 'heavy'\n"
    )
    paths = f"{ROOT}:{ROOT / 'tests' / 'classifiers'}"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": paths}, timeout=60)

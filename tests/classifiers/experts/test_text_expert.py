"""Training, loading and asking an expert, and what happens when its files are damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from intent_files import INTENTS, OUTSIDE, LetterEncoder, lines, records

from classifiers import Material, Pipeline, Reply, TextExpert, load_expert, read_intents, train
from classifiers.contract import Examples, Task
from classifiers.experts.wording import WORDING_SIGNALS
from classifiers.text.canonical import canonical
from signalbox.errors import ConfigurationError, CorruptArtefact, InvalidInput

ROOT = Path(__file__).resolve().parents[3]
FILES = ("card.md", "expert.json", "reading.json", "reading.npz", "memory.npz", "model/linear.npz", "report.json")


@pytest.fixture
def copy(trained: tuple[Path, TextExpert], tmp_path: Path) -> Path:
    """The experts' folder, moved elsewhere, to be damaged."""
    shutil.copytree(trained[0], tmp_path / "moved")
    return tmp_path / "moved"


@pytest.fixture(scope="module")
def headed(tmp_path_factory: pytest.TempPathFactory, encoder: LetterEncoder) -> TextExpert:
    """One expert with a topic, an ordered mood and a number; every third row lacks each of them."""
    random = np.random.default_rng(0)
    topics, moods = {"late": 0, "refund": 1, "small": 2}, {"awful": 0, "fine": 1, "lovely": 2}
    texts, targets = [], []
    for number in range(180):
        topic, mood = random.choice(list(topics)), random.choice(list(moods))
        texts.append(f"parcel {number} {topic} {topic} and it is {mood} {mood}")
        row = [float(topics[topic]), float(moods[mood]), float(moods[mood] * 100 + random.normal(0, 5) + 20)]
        row[number % 3] = np.nan
        targets.append(row)
    tasks = (
        Task("topic", "classification", tuple(topics)),
        Task("mood", "ordinal", tuple(moods)),
        Task("score", "regression", unit="points"),
    )
    folder = tmp_path_factory.mktemp("headed")
    material = Material(Examples(tuple(texts), tasks, np.array(targets)), Pipeline(), "rows.csv")
    train(material, encoder, name="headed", folder=folder)
    return load_expert(folder, "headed", encoder)


def test_answers_with_the_reply_of_the_intent(trained: tuple[Path, TextExpert]) -> None:
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
        assert {"energy", "similarity", "scope", *WORDING_SIGNALS} <= set(opinion.features)
        assert opinion.evidence == ()


def test_is_surer_of_what_is_in_scope(trained: tuple[Path, TextExpert]) -> None:
    _, expert = trained
    inside = [opinion.confidence for opinion in expert.predict([text for texts in INTENTS.values() for text in texts])]
    outside = [opinion.confidence for opinion in expert.predict(OUTSIDE)]
    assert np.mean(inside) > np.mean(outside) + 0.2


def test_an_expert_that_knows_strangers_abstains(tmp_path: Path, encoder: LetterEncoder) -> None:
    strangers = [
        f"{verb} the {noun} of Xyzzyq" for verb in ("jump", "fix", "wash", "buy") for noun in ("moon", "jazz", "fog")
    ]
    examples = material(tmp_path).examples
    more = Examples(examples.texts, examples.tasks, examples.targets, (*examples.outside, *strangers))
    train(Material(more, Pipeline(), "in.jsonl"), encoder, name="i", folder=tmp_path)
    expert = load_expert(tmp_path, "i", encoder)
    scope = expert.trained.scope
    assert scope is not None
    known, stranger = expert.predict(["please refund my lamp", "qqqq xxzz jjjj wwww"])
    for opinion in (known, stranger):
        assert opinion.answer.labels is not None
        assert opinion.answer.in_scope is not None
        abstained = opinion.answer.in_scope < scope.threshold
        assert (opinion.answer.labels[0].set == ()) is abstained
        assert not abstained or opinion.confidence <= opinion.answer.in_scope
    assert known.answer.labels is not None
    assert known.answer.labels[0].set


def test_what_was_learnt_from_can_be_told_later(copy: Path) -> None:
    with np.load(copy / "intents" / "1" / "seen.npz", allow_pickle=False) as file:
        hashes = file["hashes"]
    assert hashes.dtype == np.uint64
    assert len(hashes) == sum(map(len, INTENTS.values())) + len(OUTSIDE)
    digest = hashlib.sha256(canonical(OUTSIDE[0]).encode()).digest()
    assert int.from_bytes(digest[:8], "little") in hashes.tolist()


def test_says_why(trained: tuple[Path, TextExpert]) -> None:
    _, expert = trained
    text = "can I please have a refund"
    (opinion,) = expert.predict([text], explain=True)
    words = [item for item in opinion.evidence if item.kind == "contribution"]
    assert max(words, key=lambda item: item.effect).feature == "refund"
    assert all(text[item.start : item.end] == item.feature for item in words)
    example = next(item for item in opinion.evidence if item.kind == "example")
    assert example.text in INTENTS["refund"]
    assert example.labels == {"intent": "refund"}
    text = "the refund of my parcel"
    (opinion,) = expert.predict([text], explain=True)
    changed = next(item for item in opinion.evidence if item.kind == "counterfactual")
    assert opinion.answer.labels is not None
    assert changed.label not in (None, opinion.answer.labels[0].label)
    left = text
    for span in reversed(changed.removed):
        left = left[: span.start] + left[span.end :]
    again = expert.predict([left])[0].answer.labels
    assert again is not None
    assert again[0].label == changed.label


def test_every_head_answers_from_the_rows_it_has(headed: TextExpert) -> None:
    (opinion,) = headed.predict(["parcel late late and it is lovely lovely"])
    assert opinion.answer.labels is not None
    assert [(label.task, label.label) for label in opinion.answer.labels] == [("topic", "late"), ("mood", "lovely")]
    assert opinion.answer.value is not None
    assert opinion.answer.value.task == "score"
    assert opinion.answer.value.unit == "points"
    assert opinion.answer.value.low <= opinion.answer.value.estimate <= opinion.answer.value.high
    assert abs(opinion.answer.value.estimate - 220) < 60


@pytest.mark.parametrize("text", ["", "   ", "?!", "🎉", "日本語", "\ud800", "\x00", "refund " * 3_000])
def test_any_text_gets_finite_signals(trained: tuple[Path, TextExpert], text: str) -> None:
    (opinion,) = trained[1].predict([text])
    assert np.isfinite([*opinion.features.values(), opinion.confidence]).all()


def test_given_vectors_save_encoding_and_are_checked(trained: tuple[Path, TextExpert], encoder: LetterEncoder) -> None:
    _, expert = trained
    texts = ["where is it", "password?", "see https://example.org/refund"]
    assert expert.predict(texts, vectors=encoder.encode(texts)) == expert.predict(texts)
    assert expert.predict([]) == ()
    with pytest.raises(InvalidInput, match="shape"):
        expert.predict(texts, vectors=encoder.encode(texts[:1]))
    with pytest.raises(InvalidInput, match="not finite"):
        expert.predict(texts, vectors=np.full((3, encoder.dimension), np.nan, dtype=np.float32))
    with pytest.raises(InvalidInput, match="list"):
        expert.predict("one text")


def test_a_moved_folder_gives_the_same_answers(
    trained: tuple[Path, TextExpert], copy: Path, encoder: LetterEncoder
) -> None:
    texts = ["where is my parcel", "something else", "refund"]
    loaded = load_expert(copy, "intents", encoder)
    assert loaded.predict(texts, explain=True) == trained[1].predict(texts, explain=True)
    assert loaded.titles == {"refund": "Refund", "tracking": "Tracking", "password": "Password"}


def test_same_data_and_seed_give_the_same_files_and_a_challenger(copy: Path, encoder: LetterEncoder) -> None:
    told: list[float] = []
    version = train(
        material(copy.parent), encoder, name="intents", folder=copy, progress=lambda share, _: told.append(share)
    )
    assert (version.reference, version.aliases) == ("intents@2", ("challenger",))
    first, second = copy / "intents" / "1", copy / "intents" / "2"
    for name in FILES[1:-1]:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert load_expert(copy, "intents", encoder).name == "intents@1"


def test_the_card_and_manifest_report_held_out_figures(copy: Path) -> None:
    manifest = json.loads((copy / "intents" / "1" / "manifest.json").read_text())
    metrics = manifest["metrics"]
    assert {"accuracy", "macro_f1", "ece", "set_coverage"} <= set(metrics["intent"])
    assert {"confidence_ece"} <= set(metrics["expert"])
    for own in metrics.values():
        for figure in own.values():
            assert figure["low"] <= figure["value"] <= figure["high"]
    card = (copy / "intents" / "1" / "card.md").read_text()
    assert f"| {metrics['intent']['accuracy']['value']:.3f} |" in card
    assert manifest["data_sha256"] in card


def test_works_without_out_of_scope_examples_and_on_the_smallest_set(tmp_path: Path, encoder: LetterEncoder) -> None:
    few = {"yes": ["yes please", "I agree"], "no": ["no thanks", "refuse"]}
    train(material(tmp_path, few, outside=False), encoder, name="tiny", folder=tmp_path)
    expert = load_expert(tmp_path, "tiny", encoder)
    (opinion,) = expert.predict(["yes please"])
    assert opinion.answer.text == "About yes: see the site."
    assert opinion.features["out_of_scope_similarity"] == 0.0
    assert "No texts out of scope were given" in (tmp_path / "tiny" / "1" / "card.md").read_text()


@pytest.mark.parametrize("name", ["", "..", "a/b", "Upper", "x" * 65, "a\n"])
def test_names_that_are_no_folders_are_refused(tmp_path: Path, encoder: LetterEncoder, name: str) -> None:
    with pytest.raises(InvalidInput, match="can't name an expert"):
        train(material(tmp_path), encoder, name=name, folder=tmp_path)
    with pytest.raises(InvalidInput):
        load_expert(tmp_path, name, encoder)


@pytest.mark.parametrize("name", FILES)
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


def test_another_encoder_is_refused(copy: Path) -> None:
    other = LetterEncoder()
    other.name = "other"
    with pytest.raises(ConfigurationError, match="trained with the encoder letters, not with other"):
        load_expert(copy, "intents", other)


def test_a_failed_or_cancelled_training_leaves_no_version(
    copy: Path, encoder: LetterEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled(share: float, _: str) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(material(copy.parent), encoder, name="intents", folder=copy, progress=cancelled)
    monkeypatch.setattr("classifiers.training.card.card", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        train(material(copy.parent), encoder, name="intents", folder=copy)
    assert load_expert(copy, "intents", encoder).name == "intents@1"
    assert sorted(path.name for path in (copy / "intents").iterdir() if path.is_dir()) == ["1"]


def test_a_killed_training_goes_on_where_it_was(tmp_path: Path, encoder: LetterEncoder) -> None:
    class Counting(LetterEncoder):
        texts = 0

        def encode(self, texts: object) -> np.ndarray:
            Counting.texts += len(texts)  # type: ignore[arg-type]
            return super().encode(texts)  # type: ignore[arg-type]

    def killed(share: float, _: str) -> None:
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(material(tmp_path), Counting(), name="i", folder=tmp_path, progress=killed, scratch=tmp_path / "s")
    before = Counting.texts
    train(material(tmp_path), Counting(), name="i", folder=tmp_path, scratch=tmp_path / "s")
    assert Counting.texts == before
    assert load_expert(tmp_path, "i", encoder).name == "i@1"


def test_stored_arrays_hold_no_objects(copy: Path) -> None:
    for path in (copy / "intents" / "1").rglob("*.npz"):
        with zipfile.ZipFile(path) as file:
            assert all(b"'descr': '|O'" not in file.read(name)[:200] for name in file.namelist())


def test_serving_loads_neither_scikit_learn_nor_scipy(copy: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from intent_files import LetterEncoder\n"
        "from classifiers import load_expert\n"
        f"load_expert(Path({str(copy)!r}), 'intents', LetterEncoder()).predict(['refund'], explain=True)\n"
        "heavy = {'sklearn', 'scipy', 'joblib', 'torch', 'optuna', 'datasketch', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    paths = f"{ROOT}:{ROOT / 'tests' / 'classifiers'}"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": paths}, timeout=60)


def material(folder: Path, intents: dict[str, list[str]] = INTENTS, *, outside: bool = True) -> Material:
    out = lines(folder / "material-out.jsonl", [{"text": text} for text in OUTSIDE]) if outside else None
    examples = read_intents(lines(folder / "material-in.jsonl", records(intents)), out)
    pipeline = Pipeline()
    replies = {name: Reply(name.title(), reply) for name, reply in zip(examples.labels, examples.replies, strict=True)}
    return Material(examples.examples(pipeline.prepare), pipeline, "in.jsonl", replies=replies)

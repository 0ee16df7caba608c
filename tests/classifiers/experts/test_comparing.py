"""Comparing two versions on rows of one's own: the better one is found, and what either has learnt from is left out."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from intent_files import INTENTS, LetterEncoder

from classifiers import TextExpert
from classifiers.comparing import _paired, compare_on
from classifiers.contract import Examples, FitContext, Task, TrainingSet
from classifiers.data import Table, read_table
from classifiers.learners import make_learner
from classifiers.seen import hashes_of
from signalbox.errors import CorruptArtefact, InvalidInput, UnknownName

ENCODER = LetterEncoder()
LABELS = tuple(INTENTS)
HELD_OUT = {
    "refund": ["give my money back", "I need a refund for order 9", "is the refund paid yet", "money back please"],
    "tracking": ["has the parcel been sent", "parcel where are you", "my parcel is very late", "track the parcel now"],
    "password": ["password lost, reset it", "new password please", "log in password wrong", "forgot the password"],
}


@pytest.fixture(scope="module")
def experts(trained: tuple[Path, TextExpert]) -> tuple[TextExpert, TextExpert]:
    """One whose model was told the wrong labels, and the one that was told the right ones."""
    right = trained[1]
    texts = [text for texts in INTENTS.values() for text in texts]
    labels = [LABELS.index(label) for label, texts in INTENTS.items() for _ in texts]
    wrong = np.array([[float((label + index) % 3)] for index, label in enumerate(labels)])
    data = TrainingSet(Examples(tuple(texts), right.tasks, wrong), ENCODER.encode(texts), np.zeros((0, 64), np.float32))
    model = make_learner("tfidf").fit(data, FitContext(ENCODER))
    return TextExpert("intents@2", replace(right.trained, model=model), ENCODER), right


def table(path: Path, rows: list[tuple[str, str, str]], header: str = "message,Intent,price") -> Table:
    path.write_text("\n".join([header, *(",".join(f'"{cell}"' for cell in row) for row in rows)]) + "\n")
    return read_table(path)


def held_out() -> list[tuple[str, str, str]]:
    return [
        (text, label.upper(), str(10 + 20 * LABELS.index(label))) for label, own in HELD_OUT.items() for text in own
    ]


def test_the_better_version_is_found_on_rows_neither_has_seen(
    experts: tuple[TextExpert, TextExpert], tmp_path: Path
) -> None:
    seen = [(text, label, "10") for label, texts in INTENTS.items() for text in texts]
    found = compare_on(*experts, table(tmp_path / "rows.csv", [*held_out(), *seen]), ENCODER)
    assert (found.rows, found.left_out) == (12, len(seen))
    (topic,) = found.figures
    assert (topic.task, topic.metric, topic.better) == ("intent", "accuracy", "second")
    assert topic.second.value > 0.8 > topic.first.value
    assert topic.difference.value == pytest.approx(topic.second.value - topic.first.value)
    assert topic.p is not None
    assert topic.p < 0.05
    turned = compare_on(*experts[::-1], table(tmp_path / "rows.csv", held_out()), ENCODER).figures[0]
    assert turned.better == "first"
    assert turned.difference.value == pytest.approx(-topic.difference.value)


def test_rows_that_can_not_tell_are_explained(experts: tuple[TextExpert, TextExpert], tmp_path: Path) -> None:
    seen = [(text, label, "10") for label, texts in INTENTS.items() for text in texts]
    with pytest.raises(InvalidInput, match="All 18 rows are among those that intents@2 or intents@1 has learnt from"):
        compare_on(*experts, table(tmp_path / "seen.csv", seen), ENCODER)
    with pytest.raises(UnknownName, match="intent"):
        compare_on(*experts, table(tmp_path / "other.csv", held_out(), header="message,subject,price"), ENCODER)
    with pytest.raises(UnknownName, match="words"):
        compare_on(*experts, table(tmp_path / "rows.csv", held_out()), ENCODER, text=["words"])


def test_a_missing_value_is_not_compared(experts: tuple[TextExpert, TextExpert], tmp_path: Path) -> None:
    rows = [(text, label if index else "", "") for index, (text, label, _) in enumerate(held_out())]
    (figure,) = compare_on(*experts, table(tmp_path / "rows.csv", rows), ENCODER, text=["message"]).figures
    assert figure.difference.n == 11


def test_of_numbers_the_one_nearer_to_the_truth_is_better() -> None:
    truth = [str(10.0 * row) for row in range(20)]
    near, far = (np.array([10.0 * row + off for row in range(20)]) for off in (1.0, -4.0))
    figure = _paired(Task("price", "regression"), [*truth[:-1], "unknown"], far, near, seed=0)
    assert figure is not None
    assert (figure.metric, figure.better, figure.p) == ("mae", "second", None)
    assert (figure.first.value, figure.second.value, figure.difference.value) == (4.0, 1.0, -3.0)
    assert figure.difference.n == 19
    same = _paired(Task("price", "regression"), truth, near, near, seed=0)
    assert same is not None
    assert same.better is None


def test_the_command_asks_both_about_a_file(
    trained: tuple[Path, TextExpert],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from api.cli import main

    shutil.copytree(trained[0], tmp_path / "data" / "experts")
    table(tmp_path / "rows.csv", held_out())
    monkeypatch.setenv("SIGNALBOX_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("signalbox.encoder.load_encoder", lambda settings, progress: ENCODER)

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["signalbox", "experts", "compare", "intents", "intents@1", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        assert stopped.value.code == 0, said
        return said.out

    shown = run("--data", str(tmp_path / "rows.csv"))
    assert "Both asked about 12 rows" in shown
    assert "not told apart" in " ".join(shown.split())
    paired = json.loads(run("--data", str(tmp_path / "rows.csv"), "--text", "message", "--json"))["paired"]
    assert (paired["rows"], paired["figures"][0]["difference"]["value"]) == (12, 0.0)
    assert json.loads(run("--json"))["paired"] is None


def test_all_that_a_version_tells_it_has_learnt_from_is_left_out(
    experts: tuple[TextExpert, TextExpert], tmp_path: Path
) -> None:
    rows = table(tmp_path / "rows.csv", held_out())
    folders = (tmp_path / "1", tmp_path / "2")
    for folder, texts in zip(folders, (["Give my  money back!"], ["parcel where are you"]), strict=True):
        folder.mkdir()
        np.savez(folder / "seen.npz", hashes=np.sort(hashes_of(texts)))
    found = compare_on(*experts, rows, ENCODER, text=["message"], folders=folders)
    assert (found.rows, found.left_out, found.only_examples_known) == (10, 2, ())
    (folders[0] / "seen.npz").unlink()
    found = compare_on(*experts, rows, ENCODER, text=["message"], folders=folders)
    assert (found.rows, found.only_examples_known) == (11, ("intents@2",))
    (folders[1] / "seen.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(CorruptArtefact, match=r"seen\.npz"):
        compare_on(*experts, rows, ENCODER, text=["message"], folders=folders)

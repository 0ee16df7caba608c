"""A second reader trained on documents: kept only where it helps, objecting only downwards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evaluators.judges.groundedness import open_judge
from evaluators.judges.groundedness.evidence import read_passage
from evaluators.judges.groundedness.second import BLEND, FOLDER, NAMES, excerpt, save_blend
from evaluators.judges.groundedness.training import train_judge
from signalbox.calibration import LogisticModel
from signalbox.encoder import OnnxEncoder
from signalbox.errors import Conflict, CorruptArtefact, InvalidInput, NotFound

sys.path.append(str(Path(__file__).parents[2] / "classifiers" / "learners"))
from tiny_encoder import tiny_encoder

DOCUMENTS = [
    f"Room {n} of the {name} house is {n} metres wide. It was built in {1900 + n} by the people of {name} town. "
    f"Before {1950 + n} it was not open to cars, and nobody lived in the {name} house for {n} years."
    for n in range(3, 23)
    for name in ("Red", "Blue")
]


def silent(share: float, stage: str) -> None:
    assert 0 <= share <= 1
    assert stage


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


def test_a_reader_is_trained_measured_and_kept_only_where_it_helps(
    encoder: OnnxEncoder, source: str, tmp_path: Path
) -> None:
    folder = tmp_path / "judge"
    found = train_judge(DOCUMENTS, folder, encoder=encoder, source=source, progress=silent, budget_s=3, held_pairs=80)
    assert 0 <= found.without <= 1
    assert found.gain[0] <= found.gain[1]
    assert found.kept == (found.gain[0] > 0) == (folder / FOLDER).exists() == (folder / BLEND).exists()
    if found.kept:
        with pytest.raises(Conflict, match="exists"):
            train_judge(DOCUMENTS, folder, encoder=encoder, source=source, progress=silent, budget_s=3)
    else:
        with pytest.raises(NotFound):
            open_judge(encoder, folder=folder)
    with pytest.raises(InvalidInput, match="20"):
        train_judge(DOCUMENTS[:4], tmp_path / "few", encoder=encoder, source=source, progress=silent, budget_s=3)


def test_objections_only_lower_a_probability(encoder: OnnxEncoder, source: str, tmp_path: Path) -> None:
    from classifiers.cross_encoder.train import train_cross_encoder

    passages = [document.split(". ") for document in DOCUMENTS]
    from signalbox.encoder.source import find_source

    train_cross_encoder(passages, tmp_path / FOLDER, find_source(source), budget_s=2, progress=silent, pairs=64)
    save_blend(tmp_path, LogisticModel(NAMES, (0.0, 0.0), (1.0, 1.0), (1.0, 1.0), -1.0), {"why": "a test"})
    plain, second = open_judge(encoder), open_judge(encoder, folder=tmp_path)
    assert second.version.startswith(plain.version + "+")
    for answer in (
        "Room 4 of the Red house is 4 metres wide.",
        "Whales sing.",
        "It was built in 1903. Cars may enter.",
    ):
        before, after = plain.score(answer, DOCUMENTS[:4]), second.score(answer, DOCUMENTS[:4])
        assert after.probability < before.probability
        assert [one.text for one in after.sentences] == [one.text for one in before.sentences]
    (tmp_path / BLEND).write_text("{}")
    with pytest.raises(CorruptArtefact, match="train"):
        open_judge(encoder, folder=tmp_path)


def test_the_excerpt_holds_the_closest_sentence() -> None:
    passages = [
        read_passage("Rain fell. " * 40),
        read_passage("Nothing here. The old mill burnt down. It was rebuilt."),
    ]
    shown = excerpt(frozenset({"mill", "burnt"}), passages)
    assert shown == "Nothing here. The old mill burnt down. It was rebuilt."
    assert len(excerpt(frozenset({"rain"}), passages).split()) <= 60
    assert excerpt(frozenset({"x"}), [read_passage("")]) == ""

"""From a file to an expert: what a user gives, what is found on the way, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from intent_files import LetterEncoder

from classifiers import Registry, TrainOptions, TrainRequest, load_expert, train_text
from signalbox.errors import InvalidInput, SignalboxError, UnknownName


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Posts whose score depends on nothing in the text, with a column that gives it away and an index."""
    random = np.random.default_rng(0)
    words = ["moon", "water", "bird", "light", "stone", "energy", "time", "cell", "star", "sea"]
    lines = ["row,title,body,score,ratio,when"]
    for number in range(160):
        title = " ".join(random.choice(words, 4))
        score = int(np.exp(random.normal(3, 1.5)))
        when = f"2021-{1 + number // 28:02d}-{1 + number % 28:02d} 10:00:00"
        lines.append(f"{number},Why {title} {number}?,,{score},{np.log(score + 1) / 10:.6f},{when}")
    path = tmp_path_factory.mktemp("posts") / "posts.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_leaks_are_named_first_and_the_card_says_that_a_constant_does_as_well(
    posts: Path, tmp_path: Path, encoder: LetterEncoder
) -> None:
    events: list[str] = []
    version = train_text(
        posts,
        TrainRequest(("title", "body"), ("score",), time="when"),
        encoder,
        name="posts",
        folder=tmp_path,
        progress=lambda _, stage: events.append(stage),
        say=lambda text: events.append(f"said: {text}"),
    )
    leak = next(i for i, event in enumerate(events) if event.startswith("said") and "'ratio'" in event)
    assert leak < next(i for i, event in enumerate(events) if "Cross-validating" in event)
    card = (version.path / "card.md").read_text(encoding="utf-8")
    assert "'ratio'" in card
    assert "% by time" in card
    assert "not surely better than always saying the median" in card or "saying the median does better" in card
    anchors = version.manifest["anchors"]["score"]
    assert {"mae of the median", "rmsle of the median", "mae less the median's"} <= set(anchors)
    (opinion,) = load_expert(tmp_path, "posts", encoder).predict(["Why water?"])
    assert opinion.answer.value is not None
    assert 0 <= opinion.answer.value.low <= opinion.answer.value.estimate <= opinion.answer.value.high


def test_a_request_goes_over_the_wire_and_back() -> None:
    request = TrainRequest(
        ("title",),
        ("topic",),
        kinds={"topic": "ordinal"},
        orders={"topic": ("low", "high")},
        options=TrainOptions(tune=3),
    )
    assert TrainRequest.from_json(request.to_json()) == request
    for text, field in (("{}", "text"), ('{"text": ["a"], "target": ["b"], "colour": 1}', "colour"), ("[", "JSON")):
        with pytest.raises(InvalidInput, match=field):
            TrainRequest.from_json(text)


@pytest.mark.parametrize(
    ("rows", "target", "words"),
    [
        (["hello,a", "world,a"], "label", "one"),
        (["same,a", "same,b", "same,a", "same,b"], "label", "same|equal"),
        (["hello,a", "world,b"], "colour", "colour"),
        ([], "label", "row"),
    ],
)
def test_what_cannot_be_learnt_is_said_and_nothing_is_written(
    tmp_path: Path, encoder: LetterEncoder, rows: list[str], target: str, words: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    with pytest.raises(SignalboxError, match=words):
        train_text(path, TrainRequest(("text",), (target,)), encoder, name="rows", folder=tmp_path / "experts")
    assert Registry(tmp_path / "experts").names() == ()


def test_an_unknown_learner_or_option_is_named_before_anything_is_encoded(tmp_path: Path) -> None:
    class Refusing(LetterEncoder):
        def encode(self, texts: object) -> np.ndarray:
            raise AssertionError("nothing may be encoded")

    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(40)), encoding="utf-8")
    for options, error in (
        (TrainOptions(learner="forest"), UnknownName),
        (TrainOptions(learner_options={"x": 1}), InvalidInput),
        (TrainOptions(learner_options={"c": -1}), InvalidInput),
        (TrainOptions(learner_options={"c": "big"}), InvalidInput),
    ):
        with pytest.raises(error):
            train_text(
                path, TrainRequest(("text",), ("label",), options=options), Refusing(), name="x", folder=tmp_path
            )


def test_labels_with_stray_spaces_and_case_are_one_label(tmp_path: Path, encoder: LetterEncoder) -> None:
    labels = ["Sports", "sports ", " SPORTS", "News", "news", "News "]
    rows = [f"{'goal match' if i % 6 < 3 else 'vote law'} {i},{labels[i % 6]}" for i in range(60)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    version = train_text(path, TrainRequest(("text",), ("label",)), encoder, name="rows", folder=tmp_path / "experts")
    assert len(version.manifest["tasks"][0]["labels"]) == 2
    report = json.loads((version.path / "report.json").read_text())
    assert report["drawn"]["curve"][-1]["per_label"] > report["drawn"]["curve"][0]["per_label"]

"""Explanations of small real models: named words have the effect said, and leaving them out does what is claimed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from intent_files import INTENTS, LetterEncoder
from pydantic import TypeAdapter

from classifiers.contract import Examples, FitContext, Outputs, Task, Term, TextModel, TrainingSet
from classifiers.explain import Asked, Explanation, Neighbours, Reader, explain, nearest
from classifiers.explain.align import Alignment
from classifiers.explain.pieces import group, split_words, without
from classifiers.learners import make_learner
from classifiers.text import Pipeline
from signalbox.contracts import Vectors
from signalbox.errors import InvalidInput
from signalbox.types import Counterfactual, Evidence

ENCODER = LetterEncoder()
LABELS = tuple(sorted(INTENTS))
TEXTS = tuple(text for texts in INTENTS.values() for text in texts)
TOPIC = Task("topic", "classification", LABELS)
URGENCY = Task("urgency", "ordinal", ("low", "middle", "high"))
EUROS = Task("euros", "regression", unit="EUR")
# Passwords are urgent and parcels cost 30: something that words can tell.
TARGETS = np.array(
    [
        [LABELS.index(label), {"password": 2, "refund": 1, "tracking": 0}[label], 30.0 if "parcel" in text else 10.0]
        for label, texts in INTENTS.items()
        for text in texts
    ]
)
EXAMPLES = Examples(TEXTS, (TOPIC, URGENCY, EUROS), TARGETS)
LEARNERS = ("tfidf", "embeddings")
QUERIES = (
    "Hello, where is my parcel? I want to know!",
    "please help: my password, the reset link fails",
    "my money back, or my password",
)


@pytest.fixture(scope="module")
def models() -> dict[str, TextModel]:
    data = TrainingSet(EXAMPLES, ENCODER.encode(TEXTS), np.zeros((0, ENCODER.dimension), dtype=np.float32))
    return {name: make_learner(name).fit(data, FitContext(ENCODER)) for name in LEARNERS}


def label_of(reader: Reader, text: str) -> str:
    return reader.task.labels[int(reader.judge(reader.outputs([text]).scores[reader.index])[0].argmax())]


def worth(reader: Reader, text: str, column: int) -> float:
    return float(reader.worth(reader.outputs([text]).scores[reader.index], column)[0])


def cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Leaves words out as anybody would."""
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return " ".join(text.split())


def assert_true(reader: Reader, text: str, explanation: Explanation) -> None:
    """What is claimed holds when the model is asked again."""
    for item in explanation.contributions:
        assert item.start is None or text[item.start : item.end] == item.feature
    change = explanation.counterfactual
    if change is None or change.label is None:
        return
    assert all(text[span.start : span.end] == span.text for span in change.removed)
    rest = cut(text, [(span.start, span.end) for span in change.removed])
    assert label_of(reader, rest) == change.label != label_of(reader, text)


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("text", QUERIES)
def test_removing_the_named_words_changes_the_label(models: dict[str, TextModel], learner: str, text: str) -> None:
    reader = Reader(models[learner], ENCODER, TOPIC)
    explanation = explain(reader, text)
    change = explanation.counterfactual
    assert change is not None
    assert change.label is not None
    assert change.probability is not None
    assert 0 < len(change.removed) <= 6
    assert_true(reader, text, explanation)


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_telling_word_comes_first_with_its_place(models: dict[str, TextModel], learner: str) -> None:
    for text, word in zip(QUERIES[:2], ("parcel", "password"), strict=True):
        first = explain(Reader(models[learner], ENCODER, TOPIC), text).contributions[0]
        assert (first.feature, first.start) == (word, text.index(word))
        assert first.effect > 0


@pytest.mark.parametrize(("task", "index"), [(TOPIC, 0), (URGENCY, 1), (EUROS, 2)])
def test_left_out_words_have_just_the_effect_said(models: dict[str, TextModel], task: Task, index: int) -> None:
    """In log-odds of the label or in the number's unit."""
    reader = Reader(models["embeddings"], ENCODER, task, index, temperature=1.7)
    text = QUERIES[0]
    column = 0 if task is EUROS else task.labels.index(label_of(reader, text))
    for item in explain(reader, text).contributions:
        assert item.start is not None
        assert item.end is not None
        lost = worth(reader, text, column) - worth(reader, cut(text, [(item.start, item.end)]), column)
        assert item.effect == pytest.approx(lost, abs=1e-5)


def test_exact_effects_are_shares_of_the_log_odds_between_two_labels() -> None:
    """Of two labels the effects of all words and the bias make up the log-odds."""
    two = [row for row, label in enumerate(TARGETS[:, 0]) if label != 2]
    examples = Examples(
        tuple(TEXTS[row] for row in two), (Task("topic", "classification", LABELS[:2]),), TARGETS[two, :1]
    )
    data = TrainingSet(examples, ENCODER.encode(examples.texts), np.zeros((0, 64), dtype=np.float32))
    reader = Reader(make_learner("tfidf").fit(data, FitContext(ENCODER)), ENCODER, examples.tasks[0])
    text = "reset my password please"
    explanation = explain(reader, text, column=0, most_contributions=99, change=False)
    bias = worth(reader, "xyzzy", 0)
    assert sum(item.effect for item in explanation.contributions) + bias == pytest.approx(
        worth(reader, text, 0), abs=1e-4
    )
    assert explanation.asked == 0, "the model tells it by itself"
    against = explain(reader, text, column=1, most_contributions=99, change=False)
    assert {item.feature: -item.effect for item in against.contributions} == pytest.approx(
        {item.feature: item.effect for item in explanation.contributions}, abs=1e-6
    )


class Sums(TextModel):
    """A number that is a sum over words, told exactly, or in a unit of its own."""

    learner, nbytes = "sums", 0
    VALUES: ClassVar = {"ring": 100.0, "gold": 50.0, "cheap": -20.0}

    def __init__(self, unit: float = 1.0) -> None:
        self.unit = unit

    def outputs(self, texts: Sequence[str], vectors: Vectors) -> Outputs:
        sums = [[sum(self.VALUES.get(word, 0.0) for word in re.findall(r"\w+", text.lower()))] for text in texts]
        return Outputs((np.array(sums),), vectors)

    def terms(self, text: str, task: int, column: int) -> tuple[Term, ...]:
        found = re.finditer(r"\w+", text.lower())
        return tuple(Term(match[0], self.unit * self.VALUES.get(match[0], 0.0), *match.span()) for match in found)


@pytest.mark.parametrize("unit", [1.0, 0.01])
def test_effects_on_numbers_are_in_their_unit(unit: float) -> None:
    """Also where the model's own terms are not: then they don't add up, and words are left out instead."""
    explanation = explain(Reader(Sums(unit), ENCODER, EUROS), "A cheap gold ring")
    assert [(item.feature, item.effect) for item in explanation.contributions] == [
        ("ring", 100.0),
        ("gold", 50.0),
        ("cheap", -20.0),
    ]
    assert explanation.counterfactual is None, "a number has no other label"


class Keywords(TextModel):
    """Says `yes` as long as one of some words is there: no word matters by itself where there are two."""

    learner, nbytes = "keywords", 0

    def __init__(self, *words: str) -> None:
        self.words = words
        self.read: list[str] = []

    def outputs(self, texts: Sequence[str], vectors: Vectors) -> Outputs:
        self.read += texts
        said = [3.0 if any(word in text.split() for word in self.words) else -3.0 for text in texts]
        return Outputs((np.array([[-value, value] for value in said]),), vectors)

    def terms(self, text: str, task: int, column: int) -> tuple[Term, ...]:
        return ()


YES = Task("answer", "classification", ("no", "yes"))


def test_a_long_text_is_searched_by_phrases_and_then_by_words() -> None:
    model = Keywords("needle")
    text = " ".join(["Some words of hay, and more of it."] * 40 + ["The needle is here."] + ["More hay follows."] * 40)
    explanation = explain(Reader(model, ENCODER, YES), text, most_read=200_000)
    first = explanation.contributions[0]
    assert first.start is not None
    assert "needle" in first.feature
    assert len(first.feature.split()) <= 3
    assert explanation.asked <= 40
    cheap = explain(Reader(Keywords("needle"), ENCODER, YES), text)
    assert "needle" in cheap.contributions[0].feature
    assert 3 <= cheap.asked <= 7, "a long text is read a few times only"
    assert len(cheap.contributions[0].feature) < len(text) / 2.5
    change = explanation.counterfactual
    assert change is not None
    assert [span.text for span in change.removed] == [first.feature]
    assert_true(Reader(model, ENCODER, YES), text, explanation)


def test_a_phrase_stays_whole_where_no_word_carries_it() -> None:
    filler = "nothing to see here or there, just words and words. " * 8
    text = filler + "Call us: alarm alarm. " + filler
    explanation = explain(Reader(Keywords("alarm", "alarm."), ENCODER, YES), text, change=False, most_read=50_000)
    assert explanation.contributions[0].feature.count("alarm") == 2


def test_nothing_is_claimed_where_nothing_is_found() -> None:
    """Eight words say the same each; leaving out six changes nothing."""
    words = [f"word{number}" for number in range(8)]
    explanation = explain(Reader(Keywords(*words), ENCODER, YES), " ".join(words))
    assert explanation.counterfactual == Counterfactual(task="answer")
    one = explain(Reader(Keywords("stop"), ENCODER, YES), "stop!")
    assert one.counterfactual == Counterfactual(task="answer"), "without any word there is no text"


def test_no_text_is_asked_about_twice_and_not_too_many() -> None:
    model = Keywords("a1", "a2")
    text = " ".join(f"a{number}" for number in range(30))
    explanation = explain(Reader(model, ENCODER, YES), text)
    assert len(model.read) == len(set(model.read)) == explanation.asked + 1
    assert explanation.asked <= 150


def test_offsets_are_into_the_text_shown(models: dict[str, TextModel]) -> None:
    """What the pipeline replaced stays in the explanation, without a place unless a word of it is left."""
    text = "  Look at https://example.com/x?y=1 😀: <b>where</b> is   my PARCEL?? mail ada@example.com"
    for learner in LEARNERS:
        reader = Reader(models[learner], ENCODER, TOPIC, prepare=Pipeline(lower=True).prepare)
        explanation = explain(reader, text)
        assert_true(reader, text, explanation)
        assert "PARCEL" in [item.feature for item in explanation.contributions[:2]]


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize(
    "text", ["", " ", "?!", "😀😀", "parcel", "a" * 3000, "包裹在哪里", "x\n\ny", "\u0301", "parcel " * 500]
)
def test_any_text_is_explained(models: dict[str, TextModel], learner: str, text: str) -> None:
    for index, task in enumerate(EXAMPLES.tasks):
        reader = Reader(models[learner], ENCODER, task, index)
        explanation = explain(reader, text)
        assert_true(reader, text, explanation)
        assert all(np.isfinite(item.effect) for item in explanation.contributions)


def test_limits_that_make_no_sense_are_refused(models: dict[str, TextModel]) -> None:
    reader = Reader(models["tfidf"], ENCODER, TOPIC)
    with pytest.raises(InvalidInput, match="'topic' has 3 labels; there is no number 3"):
        explain(reader, "parcel", column=3)
    with pytest.raises(InvalidInput, match="At least one piece"):
        explain(reader, "parcel", most_pieces=0)


def test_examples_are_the_nearest_and_each_is_told_once() -> None:
    texts = ("refund please", "refund  please", "refund please!", "refund please", "where is my parcel")
    targets = np.array([[0, 5.0], [0, 5.0], [0, np.nan], [2, np.nan], [2, np.nan]])
    memory = Neighbours(texts, ENCODER.encode(texts), (TOPIC, EUROS), targets)
    found = nearest(memory, ENCODER.encode(["refund please"])[0], most=4)
    assert [(example.text, example.labels) for example in found] == [
        ("refund please", {"topic": LABELS[0], "euros": 5.0}),
        ("refund please", {"topic": LABELS[2]}),
        ("refund please!", {"topic": LABELS[0]}),
        ("where is my parcel", {"topic": LABELS[2]}),
    ]
    assert found[0].similarity == pytest.approx(1.0, abs=1e-6)
    assert [example.similarity for example in found] == sorted((e.similarity for e in found), reverse=True)
    assert nearest(memory, np.zeros(64), most=0) == ()
    assert len(nearest(memory, np.zeros(64), most=50)) == 4


def test_an_explanation_goes_over_the_wire_and_back(models: dict[str, TextModel]) -> None:
    memory = Neighbours(TEXTS, ENCODER.encode(TEXTS), EXAMPLES.tasks, TARGETS)
    explanation = explain(Reader(models["embeddings"], ENCODER, TOPIC), QUERIES[0], neighbours=memory)
    kinds = {item.kind for item in explanation.evidence}
    assert kinds == {"contribution", "example", "counterfactual"}
    wire = TypeAdapter(tuple[Evidence, ...])
    assert wire.validate_json(wire.dump_json(explanation.evidence)) == explanation.evidence


def test_words_are_told_from_the_marks_around_them() -> None:
    def words(text: str) -> list[str]:
        return [text[piece.start : piece.end] for piece in split_words(text)]

    assert words("“Don't  panic”, (said) he – 3.5%!") == ["Don't", "panic", "said", "he", "–", "3.5"]
    assert words("नमस्ते दुनिया 😀") == ["नमस्ते", "दुनिया", "😀"]
    assert words("我的包裹, ok") == ["我", "的", "包", "裹", "ok"]
    assert words(" \n ") == []


def test_phrases_cover_every_word_once() -> None:
    text = "One two three. Four five, six seven eight nine ten eleven! Twelve\nthirteen " * 20
    words = split_words(text)
    for count in (1, 3, 13, 40, 500):
        phrases = group(text, words, count)
        assert len(phrases) <= count / 0.6 + 1
        assert phrases[0].words[0] == 0
        assert all(one.words[1] == two.words[0] for one, two in pairwise(phrases))
        assert phrases[-1].words[1] == len(words)
    assert without("a b  c", [words_ for words_ in split_words("a b  c") if words_.words[0] == 1]) == "a c"


def test_terms_find_their_words_after_preparation() -> None:
    shown = "see http://x.org NOW, now the parcel parcel"
    prepared = "see website now, now the parcel parcel"
    merged = Alignment(shown, prepared, split_words(shown)).merged(
        [
            Term("website", 0.5, 4, 11),
            Term("now,", 0.25, 12, 16),
            Term("the parcel", 1.0, 21, 31),
            Term("rcel", 2.0, 27, 31),
            Term("see", 0.125),
        ]
    )
    assert {(effect.text, effect.piece.start if effect.piece else None): effect.effect for effect in merged} == {
        ("website", None): 0.5,
        ("NOW", 17): 0.25,
        ("the", 26): 0.5,
        ("parcel", 30): 2.5,
        ("see", 0): 0.125,
    }


def test_several_tasks_of_one_model_ask_about_each_part_once(models: dict[str, TextModel]) -> None:
    shared = Asked()
    readers = [Reader(models["embeddings"], ENCODER, task, index) for index, task in enumerate(EXAMPLES.tasks)]
    asked = [explain(reader, QUERIES[0], change=False, shared=shared).asked for reader in readers]
    assert asked[0] > 0
    assert asked[1:] == [0, 0]
    for reader in readers:
        assert explain(reader, QUERIES[0], change=False, shared=shared) == explain(
            reader, QUERIES[0], change=False, shared=replace(shared)
        )
    alone = explain(readers[2], QUERIES[0])
    assert alone.contributions == explain(readers[2], QUERIES[0], shared=shared).contributions


def test_all_tasks_of_a_long_text_stay_within_one_limit() -> None:
    """Of five tasks, each with its own telling word, in 8,000 characters."""

    class Many(Keywords):
        def outputs(self, texts: Sequence[str], vectors: Vectors) -> Outputs:
            self.read += texts
            said = [[3.0 if word in text.split() else -3.0 for text in texts] for word in self.words]
            return Outputs(tuple(np.array([[-value, value] for value in own]) for own in said), vectors)

    tasks = [Task(f"answer {number}", "classification", ("no", "yes")) for number in range(5)]
    words = [f"needle{number}" for number in range(5)]
    text = " ".join(part for word in words for part in (*["Some words of hay, and more of it."] * 45, word))
    model, shared = Many(*words), Asked()
    explanations = []
    for index, task in enumerate(tasks):
        explanations.append(explain(Reader(model, ENCODER, task, index), text, shared=shared))
    assert sum(len(read.split()) for read in model.read) <= 13_000
    assert model.read.count(text) == 1, "the whole text is read once for all tasks"
    assert all(explanation.contributions for explanation in explanations)
    assert len(model.read) == len(set(model.read))

"""Sentences of documents that speak to a model instead of to people: tasks, questions off the subject, role markers.

A light logistic model over the encoder's vector of the sentence and some cheap features, fitted on sentences of our
own (`python -m benchmarks.fit_instructions`), for what speaks to whoever answers or is foreign to its document: a
question above its answer and an order in a manual are neither. A flagged sentence is never quoted as the answer and
never shown to a model. An instruction spread over several innocent sentences is not seen.
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np

from agents.defences import cues
from agents.defences.decoding import decode
from agents.defences.language import Language
from retriever import split_sentences
from signalbox.calibration import Floats, LogisticModel
from signalbox.contracts import Encoder, Passage
from signalbox.errors import CorruptArtefact
from signalbox.text import looks_like_injection, normalise

_FILE = "instructions.json"
_KEPT_SENTENCES = 20_000
_KEPT_TEXTS = 5_000
_LONGEST = 600  # characters of a sentence that are embedded
_STRIDE = 400  # a longer sentence is judged in stretches of so many, which begin so far apart
_VECTOR_SCALE = 4.0

ADDRESSED = 0.5  # chance from which a sentence that speaks to whoever answers is flagged
_FOREIGN = 0.83  # distance from what stands around from which a sentence is foreign to its document
_FEWEST_AROUND = 2
_ANSWERED = 0.45  # cosine with the next sentence from which a question is answered by it
_FAQ = 3  # questions from which a text is questions and answers
CHEAP = (
    "task", "task_on_text", "own_text", "model", "asks", "question_mark", "form", "link", "our", "mail", "injection",
    "log_words", "addresses", "about_answers", "off_subject",
)  # fmt: skip


def cheap_features(sentence: str) -> list[float]:
    """The values of `CHEAP` but the last: what the letters alone say."""
    task, text = bool(cues.TASK.match(sentence)), bool(cues.OWN_TEXT.search(sentence))
    return [
        float(task),
        float(task and text),
        float(text),
        float(bool(cues.MODEL.search(sentence))),
        float(bool(cues.ASKS.match(sentence))),
        float("?" in sentence),
        float(bool(cues.FORM.search(sentence))),
        float(bool(cues.LINK.search(sentence))),
        float(bool(cues.OUR.search(sentence))),
        float(bool(cues.MAIL.search(sentence))),
        float(len(looks_like_injection(sentence))),
        float(np.log1p(len(sentence.split()))),
        float(bool(cues.ADDRESSES.search(sentence))),
        float(bool(cues.ABOUT_ANSWERS.search(sentence))),
    ]


def may_instruct(sentence: str) -> bool:
    """Whether a sentence is worth judging: statements that address nobody are not."""
    return bool(
        "?" in sentence
        or cues.TASK.match(sentence)
        or cues.ASKS.match(sentence)
        or cues.OWN_TEXT.search(sentence)
        or cues.MODEL.search(sentence)
        or looks_like_injection(sentence)
        or cues.EMBEDDED_TASK.search(sentence)
        or cues.ABOUT_ANSWERS.search(sentence)
        or cues.ADDRESSES.search(sentence)
    )


def addresses(sentence: str) -> bool:
    """Whether a sentence is said to whoever answers, or about answers."""
    return bool(
        cues.ADDRESSES.search(sentence) or cues.ABOUT_ANSWERS.search(sentence) or looks_like_injection(sentence)
    )


def is_foreign(off_subject: float) -> bool:
    """Whether a sentence so far from what stands around it belongs elsewhere."""
    return off_subject >= _FOREIGN


def features(sentences: Sequence[str], vectors: Floats, around: Floats) -> Floats:
    """Shape (n, d + len(CHEAP)).

    Args:
        vectors: of the sentences, shape (n, d).
        around: for each, the mean of the other sentences beside it; zeros where there are none.
    """
    cheap = np.array([cheap_features(sentence) for sentence in sentences])
    off_subject = 1.0 - (vectors * around).sum(axis=1, keepdims=True)
    return np.hstack([_VECTOR_SCALE * vectors, cheap, off_subject])


def around(vectors: Floats) -> Floats:
    """For each of a text's sentences, the normalised mean of the others, shape (n, d)."""
    if len(vectors) < 2:
        return np.zeros_like(vectors)
    others = vectors.sum(axis=0, keepdims=True) - vectors
    mean: Floats = others / np.maximum(np.linalg.norm(others, axis=1, keepdims=True), 1e-9)
    return mean


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted detector: sentences from `threshold` on are instructions. `encoder` names what its vectors come from."""

    logistic: LogisticModel
    threshold: float
    encoder: str


@cache
def shipped_model() -> Model:
    """The model that comes with the code."""
    data = json.loads(files("agents.defences").joinpath(_FILE).read_text(encoding="utf-8"))
    try:
        return Model(LogisticModel.from_json(data["model"]), float(data["threshold"]), str(data["encoder"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptArtefact(
            f"agents/defences/{_FILE} can't be read ({error!r}): run `python -m benchmarks.fit_instructions` again."
        ) from None


class InstructionDetector:
    """Finds instructions in passages. Sentences judged before come from a bounded cache. Safe in several threads."""

    def __init__(self, encoder: Encoder, model: Model | None = None, language: Language | None = None) -> None:
        self._encoder = encoder
        self._model = model
        self._language = language or Language.empty()
        self._vectors: OrderedDict[str, Floats] = OrderedDict()
        self._verdicts: OrderedDict[str, list[tuple[int, int]]] = OrderedDict()
        self._lock = threading.Lock()

    def flagged(self, text: str) -> list[tuple[int, int]]:
        """Where instructions stand in `text`: offsets of whole sentences."""
        with self._lock:
            if text in self._verdicts:
                self._verdicts.move_to_end(text)
                return self._verdicts[text]
        found = self._judged(text)
        with self._lock:
            self._verdicts[text] = found
            while len(self._verdicts) > _KEPT_TEXTS:
                self._verdicts.popitem(last=False)
        return found

    def _judged(self, text: str) -> list[tuple[int, int]]:
        spans = [(span.start, span.end) for span in split_sentences(text)]
        pieces = [(place, piece) for place, span in enumerate(spans) for piece in self._readings(text[slice(*span)])]
        sentences = [piece for _, piece in pieces]
        direct = {place for place, piece in pieces if cues.OTHER_LANGUAGES.search(piece)}
        if not any(map(may_instruct, sentences)):
            return [spans[place] for place in sorted(direct)]
        vectors = self._embedded(sentences)
        beside = around(vectors)
        chances = self._used().logistic.predict(features(sentences, vectors, beside))
        near = (vectors * beside).sum(axis=1)
        questions = sum(sentence.rstrip().endswith("?") for sentence in sentences)
        for number, (place, sentence) in enumerate(pieces):
            if not may_instruct(sentence):
                continue
            if addresses(sentence) and chances[number] >= ADDRESSED:
                direct.add(place)
            elif (
                chances[number] >= self._used().threshold
                and len(sentences) > _FEWEST_AROUND
                and is_foreign(1.0 - near[number])
            ):
                asks = sentence.rstrip().endswith("?")
                follows = number + 1 < len(sentences) and float(vectors[number] @ vectors[number + 1]) >= _ANSWERED
                if not asks or not (follows or questions >= _FAQ):
                    direct.add(place)
        return [spans[place] for place in sorted(direct)]

    def _readings(self, sentence: str) -> list[str]:
        """The sentence as a reader would decode it, in stretches that are short enough to be embedded."""
        read = decode(normalise(sentence).text, self._language) or sentence
        if len(read) <= _LONGEST:
            return [read]
        return [read[start : start + _LONGEST] for start in range(0, len(read) - _LONGEST + _STRIDE, _STRIDE)]

    def probabilities(self, sentences: Sequence[str]) -> Floats:
        """Of each sentence of one text, that it is an instruction to a model; shape (n,)."""
        vectors = self._embedded(sentences)
        return self._used().logistic.predict(features(sentences, vectors, around(vectors)))

    def _used(self) -> Model:
        return self._model or shipped_model()

    def _embedded(self, sentences: Sequence[str]) -> Floats:
        with self._lock:
            known = {sentence: self._vectors[sentence] for sentence in sentences if sentence in self._vectors}
        missing = [sentence for sentence in dict.fromkeys(sentences) if sentence not in known]
        if missing:
            known |= zip(missing, self._encoder.encode(missing).astype(np.float64), strict=True)
        with self._lock:
            for sentence in sentences:
                self._vectors[sentence] = known[sentence]
                self._vectors.move_to_end(sentence)
            while len(self._vectors) > _KEPT_SENTENCES:
                self._vectors.popitem(last=False)
        return np.stack([known[sentence] for sentence in sentences])


def without(passage: Passage, spans: Sequence[tuple[int, int]]) -> Passage:
    """The passage with these stretches blanked out by spaces, so that offsets stay right."""
    text = passage.text
    for start, end in spans:
        text = text[:start] + re.sub(r"\S", " ", text[start:end]) + text[end:]
    return replace(passage, text=text)

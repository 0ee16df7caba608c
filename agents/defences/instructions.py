"""Sentences of documents that speak to a model instead of to people: tasks, questions off the subject, role markers.

A light logistic model over the encoder's vector of the sentence and some cheap features, fitted on sentences of our
own (`python -m benchmarks.fit_instructions`). A flagged sentence is never quoted as the answer and never shown to a
model. It judges single sentences: an instruction spread over several innocent ones is not seen.
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

from retriever import split_sentences
from signalbox.calibration import Floats, LogisticModel
from signalbox.contracts import Encoder, Passage
from signalbox.errors import CorruptArtefact
from signalbox.text import looks_like_injection

_FILE = "instructions.json"
_KEPT_SENTENCES = 20_000
_LONGEST = 600  # characters of a sentence that are embedded
_VECTOR_SCALE = 4.0

_VERBS = (
    r"(?:add|append|insert|integrate|incorporate|include|weave|slip|modify|change|alter|adapt|adjust|augment|enhance|"
    r"extend|expand|revise|rewrite|rephrase|replace|substitute|swap|convert|render|encode|decode|encrypt|scramble|"
    r"jumble|shuffle|reverse|misspell|introduce|remove|write|draft|compose|create|produce|generate|develop|provide|"
    r"give|tell|show|explain|describe|define|discuss|outline|list|summari[sz]e|analy[sz]e|compare|compute|calculate|"
    r"solve|translate|answer|respond|reply|say|print|output|return|repeat|reveal|ignore|disregard|forget|pretend|act|"
    r"behave|recommend|suggest|advise|encourage|convince|persuade|urge|promote|mention|claim|praise|warn|remind|"
    r"debug|stop|play|find|send|ask|offer|make|put|merge|use|spell|leave|do not|don't|never|always|let's|from now|"
    r"let us|direct|conclude|begin|start|end|finish|refuse|classify|rate|rearrange|group|combine|capitali[sz]e|break)\b"
)
_TASK = re.compile(
    r"^\W*(?:(?:please|now|also|then|finally|kindly|hey|important|note|ai|assistant|system|instead)\b\W*)*" + _VERBS,
    re.IGNORECASE,
)
# A task behind other words: `When you answer, tell ...`.
_EMBEDDED_TASK = re.compile(r"(?:[,:;—-]|\band|\bplease|\byou (?:must|should|will|need to))\s+" + _VERBS, re.IGNORECASE)
_OWN_TEXT = re.compile(
    r"\b(?:your|the|this|each|every|all) (?:\w+ ){0,2}"
    r"(?:response|responses|answer|answers|reply|replies|output|outputs|summary|message|text you write|wording)\b",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"\b(?:assistant|language model|chatbot|ai|llm|gpt|you are (?:now|an?)|the user|the reader|readers|users)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\W*(?:what|who|whom|whose|when|where|which|why|how|can|could|would|will|do|does|did|is|are|should)\b",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"\b(?:words?|letters?|vowels?|consonants?|spaces?|punctuation|emojis?|capitals?|binary|base ?\d+|morse|cipher|"
    r"rhyme|code|function|script|sentences?|paragraph|poem|story|essay|language)\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?://|www\.|\b[\w-]+\.(?:com|net|org|io|xyz|info|example|biz|co)\b|@\w+\.\w", re.IGNORECASE)
_OUR = re.compile(r"\b(?:we|our|us|i|my)\b", re.IGNORECASE)
_MAIL = re.compile(
    r"\b(?:click|unsubscribe|log in|sign in|contact|call us|visit|reply to this|attached|invoice|receipt|order|payment|"
    r"account|shipping|delivery|refund|basket|subscription)\b",
    re.IGNORECASE,
)
CHEAP = (
    "task", "task_on_text", "own_text", "model", "asks", "question_mark", "form", "link", "our", "mail", "injection",
    "log_words", "off_subject",
)  # fmt: skip


def cheap_features(sentence: str) -> list[float]:
    """The values of `CHEAP` but the last: what the letters alone say."""
    task, text = bool(_TASK.match(sentence)), bool(_OWN_TEXT.search(sentence))
    return [
        float(task),
        float(task and text),
        float(text),
        float(bool(_MODEL.search(sentence))),
        float(bool(_ASKS.match(sentence))),
        float("?" in sentence),
        float(bool(_FORM.search(sentence))),
        float(bool(_LINK.search(sentence))),
        float(bool(_OUR.search(sentence))),
        float(bool(_MAIL.search(sentence))),
        float(len(looks_like_injection(sentence))),
        float(np.log1p(len(sentence.split()))),
    ]


def may_instruct(sentence: str) -> bool:
    """Whether a sentence is worth judging: statements that address nobody are not."""
    return bool(
        "?" in sentence
        or _TASK.match(sentence)
        or _ASKS.match(sentence)
        or _OWN_TEXT.search(sentence)
        or _MODEL.search(sentence)
        or looks_like_injection(sentence)
        or _EMBEDDED_TASK.search(sentence)
    )


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

    def __init__(self, encoder: Encoder, model: Model | None = None) -> None:
        self._encoder = encoder
        self._model = model
        self._vectors: OrderedDict[str, Floats] = OrderedDict()
        self._lock = threading.Lock()

    def flagged(self, text: str) -> list[tuple[int, int]]:
        """Where instructions stand in `text`: offsets of whole sentences."""
        spans = [(span.start, span.end) for span in split_sentences(text)]
        if not spans:
            return []
        sentences = [text[start:end][:_LONGEST] for start, end in spans]
        judged = [may_instruct(sentence) for sentence in sentences]
        if not any(judged):
            return []
        chances = self.probabilities(sentences)
        threshold = self._used().threshold
        return [
            span for span, chance, is_one in zip(spans, chances, judged, strict=True) if is_one and chance >= threshold
        ]

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

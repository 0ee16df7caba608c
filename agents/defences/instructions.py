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
# Said to whoever answers, or about answers: what no reader of a document is told.
_ADDRESSES = re.compile(
    r"\byour (?:\w+ ){0,2}(?:response|responses|answer|answers|reply|replies|output|outputs|summary|message)\b"
    r"|\b(?:language model|chatbot|llm|gpt|as an ai|ai assistant|you are (?:now|no longer)|"
    r"from now on,? you (?:are|act|answer|reply|speak))\b"
    r"|^\W*(?:note to |attention,? )?(?:the )?(?:ai|assistant|system|language model|chatbot)\s*[:,]"
    r"|\bthe (?:assistant|model) (?:must|should|will|has to|is to)\b"
    r"|\b(?:tell|ask|advise|encourage|convince|warn|urge|direct|remind|inform|offer|promise|point)\b(?: that)?"
    r" (?:the )?(?:user(?! of)|customer|reader|whoever asks|anyone who asks|everyone who asks)\b"
    r"|(?:^\W*|[,;:—-]\s+|\b(?:and|please|now|also|must|should)\s+)(?:answer|respond|reply)\b[^.?!,]{0,30}"
    r"\b(?:only|with|in|as|by|nothing)\b"
    r"|\b(?:do not|don't|refuse to|stop) (?:answer|respond|reply)"
    r"|\b(?:whoever|anyone who|everyone who) (?:answers|replies|responds)\b",
    re.IGNORECASE,
)
_ABOUT_ANSWERS = re.compile(
    r"\b(?:only|right|correct|all|any|every|each|good|no|that|the) (?:\w+ ){0,2}"
    r"(?:answers?|responses?|repl(?:y|ies))\b[^.?!]{0,60}\b(?:is|are|must|contains?|consists?|says?|ends?|begins?|be|mentions?)\b"
    r"|^\W*(?:correct|right|good|valid) (?:answers?|responses?|repl(?:y|ies))\b",
    re.IGNORECASE,
)
# In the other languages that documents here are often written in; what orders whoever answers, and little else.
_OTHER_LANGUAGES = re.compile(
    r"\b(?:antworte(?:n sie)?|erwidere|schreibe?|sage?|gib|répond(?:s|ez|re)|écri(?:s|vez)|dis|dites|affiche[sz]?|"
    r"respond[ae]n?|contesta|escrib[ae]|diga|muestra|rispond[ai]|scrivi)\b[^.?!]{0,40}"
    r"\b(?:nur|ausschlie(?:ß|ss)lich|immer|nichts als|uniquement|seulement|exclusivement|toujours|rien que|solo|sólo|"
    r"solamente|únicamente|siempre|soltanto|sempre)\b"
    r"|\b(?:ignorieren? (?:sie )?|vergiss |vergessen sie |missachte |ignore[zs]? |oublie[zs]? |ignora |ignore |olvida |"
    r"dimentica )"
    r"[^.?!]{0,40}\b(?:anweisung(?:en)?|regeln|vorgaben|instructions?|consignes?|règles?|instrucciones|reglas|istruzioni|"
    r"regole)\b",
    re.IGNORECASE,
)
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
        float(bool(_ADDRESSES.search(sentence))),
        float(bool(_ABOUT_ANSWERS.search(sentence))),
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
        or _ABOUT_ANSWERS.search(sentence)
        or _ADDRESSES.search(sentence)
    )


def addresses(sentence: str) -> bool:
    """Whether a sentence is said to whoever answers, or about answers."""
    return bool(_ADDRESSES.search(sentence) or _ABOUT_ANSWERS.search(sentence) or looks_like_injection(sentence))


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
        direct = {place for place, piece in pieces if _OTHER_LANGUAGES.search(piece)}
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

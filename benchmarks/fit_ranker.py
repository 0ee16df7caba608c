"""Fits the coefficients in `agents/grounding/ranker.json`, and shows by cross-validation over articles what they give.

`python -m benchmarks.fit_ranker --data squad.json [--write]`. The data are any questions of SQuAD's format; only the
coefficients are kept. The `confidence` part is fitted on each question asked twice: with its paragraph in the index
and without it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import agents.grounding
from agents.grounding import SIGNALS, Ranker, Reader, fit_ranker
from agents.grounding.features import FEATURES, sentence_features
from agents.grounding.grounder import PASSAGES_READ
from agents.grounding.quoting import choose_quotes
from agents.grounding.reading import Sentence
from agents.grounding.summary import attempt_signals
from eval_sets.squad import Paragraph, SquadQuestion, read_squad
from retriever import Document, Index, upsert
from signalbox.calibration import Floats, auroc, expected_calibration_error, fit_logistic
from signalbox.contracts import Passage
from signalbox.encoder import OnnxEncoder, load_encoder
from signalbox.settings import Settings


@dataclass(frozen=True, eq=False)
class Read:
    """A question with its candidate sentences, once with and once without its own paragraph in the index."""

    question: SquadQuestion
    passages: Sequence[Passage]
    sentences: Sequence[Sentence]
    features: Floats
    bears: Floats
    answerable: bool


def index_paragraphs(paragraphs: Sequence[Paragraph], folder: Path, encoder: OnnxEncoder) -> Index:
    documents = [Document.make(p.id, p.text, title=p.title) for p in paragraphs]
    upsert(documents, index_folder=folder, encoder=encoder)
    return Index.open(folder, encoder)


def contains_answer(text: str, question: SquadQuestion) -> bool:
    return any(answer.lower() in text.lower() for answer, _ in question.answers)


def read_all(index: Index, reader: Reader, questions: Sequence[SquadQuestion]) -> list[Read]:
    result = []
    for question in questions:
        found = index.search(question.text, PASSAGES_READ * 2)
        for answerable in (True, False):
            passages = [p for p in found if answerable or p.document_id != question.paragraph_id][:PASSAGES_READ]
            sentences = reader.sentences(passages)
            features = sentence_features(reader.question(question.text), sentences)
            bears = np.array(
                [
                    s.passage.document_id == question.paragraph_id and contains_answer(s.text, question)
                    for s in sentences
                ],
                dtype=np.float64,
            )
            result.append(Read(question, passages, sentences, features, bears, answerable))
    return result


def fit(reads: Sequence[Read]) -> Ranker:
    return fit_ranker([(read.features, read.bears) for read in reads if read.answerable])


def first_quote_right(read: Read, ranker: Ranker) -> bool:
    quotes = choose_quotes(read.sentences, ranker.shares(read.features))
    return read.answerable and bool(quotes) and contains_answer(quotes[0].text, read.question)


def signals(read: Read, ranker: Ranker) -> list[float]:
    values = attempt_signals(read.features, ranker, read.passages)
    return [values[name] for name in SIGNALS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a SQuAD-format file")
    parser.add_argument("--write", action="store_true", help="replace agents/grounding/ranker.json")
    arguments = parser.parse_args()

    settings = Settings.load()
    encoder = load_encoder(settings)
    paragraphs, questions = read_squad(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        index = index_paragraphs(paragraphs, Path(folder), encoder)
        reads = read_all(index, Reader(encoder), questions)

    titles = np.array([read.question.title for read in reads])
    right, single, probability, words = (np.zeros(len(reads)) for _ in range(4))
    for title in dict.fromkeys(titles):
        inside = [read for read, other in zip(reads, titles, strict=True) if other != title]
        ranker = fit(inside)
        confidence = fit_logistic(
            np.array([signals(read, ranker) for read in inside]),
            np.array([first_quote_right(read, ranker) for read in inside], dtype=np.float64),
            names=SIGNALS,
        )
        for place in np.flatnonzero(titles == title):
            read = reads[place]
            shares = ranker.shares(read.features)
            right[place] = first_quote_right(read, ranker)
            single[place] = contains_answer(read.sentences[int(np.argmax(shares))].text, read.question)
            words[place] = len(choose_quotes(read.sentences, shares)[0].text.split())
            probability[place] = confidence.predict(np.array([signals(read, ranker)]))[0]
    answerable = np.array([read.answerable for read in reads])
    result = {
        "questions": len(questions),
        "answer_first": float(right[answerable].mean()),
        "single_sentence": float(single[answerable].mean()),
        "quote_words": float(words[answerable].mean()),
        "ceiling": float(np.mean([read.bears.any() for read in reads if read.answerable])),
        "answerable_auroc": auroc(probability, answerable.astype(float)),
        "ece": expected_calibration_error(probability, right),
    }
    if arguments.write:
        write(reads, result)
    print(json.dumps(result))


def write(reads: Sequence[Read], result: dict[str, float]) -> None:
    ranker = fit(reads)
    confidence = fit_logistic(
        np.array([signals(read, ranker) for read in reads]),
        np.array([first_quote_right(read, ranker) for read in reads], dtype=np.float64),
        names=SIGNALS,
    )
    content = {
        "source": "fitted by `python -m benchmarks.fit_ranker --write` on XQuAD's English questions "
        "(google-deepmind/xquad, CC BY-SA 4.0); none of its text is in here",
        "cross_validated": {name: round(value, 4) for name, value in result.items()},
        "features": FEATURES,
        "mean": rounded(ranker.mean),
        "scale": rounded(ranker.scale),
        "weights": rounded(ranker.weights),
        "confidence": {
            "names": SIGNALS,
            "mean": rounded(confidence.mean),
            "scale": rounded(confidence.scale),
            "weights": rounded(confidence.weights),
            "bias": round(confidence.bias, 5),
        },
    }
    path = Path(agents.grounding.__file__).with_name("ranker.json")
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 5) for value in values]


if __name__ == "__main__":
    main()

"""Fits the coefficients in `agents/grounding/ranker.json`, and shows by cross-validation over articles what they give.

`python -m benchmarks.fit_ranker --data squad.json [--write]`. The data are any questions of SQuAD's format; only the
coefficients are kept. The `confidence` part is fitted on each question asked twice: with its paragraph in the index
and without it. The `short` part is the local LLM's: `--short N` cuts short answers from N right first quotes, which
takes about a second each; without it the part stays as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import agents.grounding
from agents.grounding import SHORT_SIGNALS, SIGNALS, Ranker, Reader, ShortAnswer, fit_ranker, short_answer
from agents.grounding.features import FEATURES, sentence_features
from agents.grounding.grounder import PASSAGES_READ
from agents.grounding.questions import words
from agents.grounding.quoting import choose_quotes
from agents.grounding.reading import Sentence
from agents.grounding.summary import attempt_signals
from agents.policy.artefact import SHORT_FROM
from benchmarks._common import track
from eval_sets import LabelledQuery
from eval_sets.squad import Paragraph, SquadQuestion, read_squad
from retriever import Document, Index, upsert
from signalbox.calibration import Floats, LogisticModel, auroc, expected_calibration_error, fit_logistic
from signalbox.contracts import Passage
from signalbox.encoder import OnnxEncoder, load_encoder
from signalbox.models.local import LocalModel
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
    parser.add_argument("--short", type=int, default=0, help="short answers to cut; 0 leaves that part alone")
    parser.add_argument("--write", action="store_true", help="replace agents/grounding/ranker.json")
    arguments = parser.parse_args()

    settings = Settings.load()
    encoder = load_encoder(settings)
    paragraphs, questions = read_squad(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        index = index_paragraphs(paragraphs, Path(folder), encoder)
        reads = read_all(index, Reader(encoder), questions)

    titles = np.array([read.question.title for read in reads])
    right, single, probability, lengths = (np.zeros(len(reads)) for _ in range(4))
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
            lengths[place] = len(choose_quotes(read.sentences, shares)[0].text.split())
            probability[place] = confidence.predict(np.array([signals(read, ranker)]))[0]
    answerable = np.array([read.answerable for read in reads])
    result = {
        "questions": len(questions),
        "answer_first": float(right[answerable].mean()),
        "single_sentence": float(single[answerable].mean()),
        "quote_words": float(lengths[answerable].mean()),
        "ceiling": float(np.mean([read.bears.any() for read in reads if read.answerable])),
        "answerable_auroc": auroc(probability, answerable.astype(float)),
        "ece": expected_calibration_error(probability, right),
    }
    short = None
    if arguments.short:
        cut = asyncio.run(cut_short_answers(reads, fit(reads), settings, arguments.short))
        short, figures = fit_short(cut)
        result |= figures
    if arguments.write:
        write(reads, result, short)
    print(json.dumps(result))


Cut = tuple[str, ShortAnswer, bool]  # title of the article, the short answer, whether it is right


async def cut_short_answers(reads: Sequence[Read], ranker: Ranker, settings: Settings, most: int) -> list[Cut]:
    """Short answers from the first quotes that hold the answer, of `most` questions drawn at random."""
    right = [read for read in reads if first_quote_right(read, ranker)]
    sample = random.Random(0).sample(right, min(most, len(right)))
    model = LocalModel(settings)
    await model.start()
    result = []
    try:
        for read in track(sample, "cutting short answers"):
            quote = choose_quotes(read.sentences, ranker.shares(read.features))[0].text
            asked = frozenset(word.lower() for word in words(read.question.text))
            found = await short_answer(model, read.question.text, quote, asked=asked, deadline_s=None)
            if found is not None:
                wanted = LabelledQuery(id="x", query="x", contains=tuple(text for text, _ in read.question.answers))
                result.append((read.question.title, found, wanted.is_right_short(found.text)))
    finally:
        await model.close()
    return result


def fit_short(cut: Sequence[Cut]) -> tuple[LogisticModel, dict[str, float]]:
    """The probability that a short answer is right, and by cross-validation over articles how well that is told."""
    rows = np.array([[found.signals()[name] for name in SHORT_SIGNALS] for _, found, _ in cut])
    right = np.array([float(good) for _, _, good in cut])
    titles = np.array([title for title, _, _ in cut])
    held_out = np.zeros(len(cut))
    for title in dict.fromkeys(titles):
        model = fit_logistic(rows[titles != title], right[titles != title], names=SHORT_SIGNALS)
        held_out[titles == title] = model.predict(rows[titles == title])
    shown = held_out >= SHORT_FROM
    return fit_logistic(rows, right, names=SHORT_SIGNALS), {
        "short_right": float(right.mean()),
        "short_auroc": auroc(held_out, right),
        "short_shown": float(shown.mean()),
        "short_right_when_shown": float(right[shown].mean()) if shown.any() else 0.0,
    }


def write(reads: Sequence[Read], result: dict[str, float], short: LogisticModel | None) -> None:
    path = Path(agents.grounding.__file__).with_name("ranker.json")
    before = json.loads(path.read_text(encoding="utf-8"))
    ranker = fit(reads)
    confidence = fit_logistic(
        np.array([signals(read, ranker) for read in reads]),
        np.array([first_quote_right(read, ranker) for read in reads], dtype=np.float64),
        names=SIGNALS,
    )
    content = {
        "source": "fitted by `python -m benchmarks.fit_ranker --write` on XQuAD's English questions "
        "(google-deepmind/xquad, CC BY-SA 4.0); none of its text is in here",
        "cross_validated": before["cross_validated"] | {name: round(value, 4) for name, value in result.items()},
        "features": FEATURES,
        "mean": rounded(ranker.mean),
        "scale": rounded(ranker.scale),
        "weights": rounded(ranker.weights),
        "confidence": written(confidence),
        "short": written(short) if short else before.get("short"),
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def written(model: LogisticModel) -> dict[str, object]:
    return {
        "names": model.names,
        "mean": rounded(model.mean),
        "scale": rounded(model.scale),
        "weights": rounded(model.weights),
        "bias": round(model.bias, 5),
    }


def rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 5) for value in values]


if __name__ == "__main__":
    main()

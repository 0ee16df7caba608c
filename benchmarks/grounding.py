"""Grounded answers on SQuAD-format questions, through the router's own grounded route.

`python -m benchmarks.grounding --data xquad.json [more.json] [--free-writing 60] [--json]`

Every paragraph becomes a document. Each question is asked twice: as it is, and with its paragraph out of reach, so that
nothing in the index answers it. `answer_first` is the share whose first quote holds the answer (any spelling of it in
the file, in lower case). Anchors in the same run: the best single sentence by MiniLM's similarity, that sentence
with its better neighbour, and SmolLM2 writing freely over the two best passages.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agents.grounding import PASSAGES_READ, Grounder, Reader, shipped_ranker
from agents.grounding.prompts import question_over_passages
from agents.policy import Policy
from agents.policy.shipped import shipped_routes
from agents.router import Router
from agents.state import Parts
from benchmarks._common import finish, track
from eval_sets import Paragraph, SquadQuestion, read_squad
from retriever import Document, Index, split_sentences, upsert
from signalbox.calibration import auroc, clopper_pearson, expected_calibration_error
from signalbox.contracts import ChatModel, ChatRequest, Passage, Retriever, Vectors
from signalbox.encoder import OnnxEncoder, load_encoder
from signalbox.settings import Settings
from signalbox.types import Constraints, Prediction, Query, Quote, utc_now


class Nowhere:
    """Benchmarks keep no predictions."""

    async def add(self, prediction: Prediction) -> None: ...


@dataclass
class Hidden:
    """The index without one document: what a search would find had it never been ingested."""

    index: Index
    hidden: str | None = None

    def search(
        self, query: str, k: int, *, filters: Mapping[str, str] | None = None, vector: Vectors | None = None
    ) -> tuple[Passage, ...]:
        found = self.index.search(query, k + 8, filters=filters, vector=vector)
        return tuple(passage for passage in found if passage.document_id != self.hidden)[:k]


@dataclass(frozen=True)
class Answered:
    """What came back for one question: as asked, and with its paragraph hidden."""

    question: SquadQuestion
    quotes: Sequence[Quote]
    confidence: float
    hidden_confidence: float
    verbatim: bool


def holds_answer(text: str, question: SquadQuestion) -> bool:
    return any(answer.lower() in text.lower() for answer, _ in question.answers)


async def ask_all(index: Index, encoder: OnnxEncoder, questions: Sequence[SquadQuestion]) -> list[Answered]:
    parts = Parts(
        policy=Policy(id="pol_0", created_at=utc_now(), alpha=0.1, routes=shipped_routes()),
        encoder=encoder,
        executor=ThreadPoolExecutor(2),
        grounder=Grounder(Reader(encoder), shipped_ranker()),
    )
    result = []
    for question in track(questions, "asking"):
        seen = await _ask(replace(parts, retriever=Hidden(index)), question)
        unseen = await _ask(replace(parts, retriever=Hidden(index, question.paragraph_id)), question)
        quotes = [item for item in seen.evidence if isinstance(item, Quote)]
        verbatim = all(index.document(q.document_id).text[q.start : q.end] == q.text for q in quotes)
        result.append(Answered(question, quotes, seen.confidence or 0.0, unseen.confidence or 0.0, verbatim))
    return result


async def _ask(parts: Parts, question: SquadQuestion) -> Prediction:
    router = Router(parts, Nowhere())
    return await router.predict(Query(text=question.text, constraints=Constraints(route="grounded")))


def minilm_anchors(
    encoder: OnnxEncoder, paragraphs: Sequence[Paragraph], questions: Sequence[SquadQuestion]
) -> dict[str, dict[str, float]]:
    spans = [(p, span) for p in paragraphs for span in split_sentences(p.text)]
    texts = [p.text[span.start : span.end] for p, span in spans]
    owner = np.array([p.id for p, _ in spans])
    vectors = encoder.encode(texts)
    similarity = encoder.encode([question.text for question in questions]) @ vectors.T
    passages = encoder.encode([p.text for p in paragraphs])
    by_passage = encoder.encode([question.text for question in questions]) @ passages.T
    identities = [p.id for p in paragraphs]
    single, double, words, words_double, best, best_hidden, recall = [], [], [], [], [], [], []
    for row, question in enumerate(questions):
        top = int(similarity[row].argmax())
        near = [n for n in (top - 1, top + 1) if 0 <= n < len(texts) and owner[n] == owner[top]]
        pair = sorted([top, max(near, key=lambda n: similarity[row][n])]) if near else [top]
        single.append(holds_answer(texts[top], question))
        double.append(any(holds_answer(texts[n], question) for n in pair))
        words.append(len(texts[top].split()))
        words_double.append(sum(len(texts[n].split()) for n in pair))
        best.append(float(similarity[row].max()))
        best_hidden.append(float(similarity[row][owner != question.paragraph_id].max()))
        order = np.argsort(-by_passage[row])[:5]
        recall.append(question.paragraph_id in [identities[n] for n in order])
    answerable = auroc(np.array(best + best_hidden), np.array([1.0] * len(best) + [0.0] * len(best_hidden)))
    common = {"recall_at_5": float(np.mean(recall)), "verbatim": 1.0, "answerable_auroc": answerable}
    return {
        "best_sentence_minilm": {
            "answer_first": float(np.mean(single)),
            "quote_words": float(np.mean(words)),
            **common,
        },
        "best_two_sentences_minilm": {
            "answer_first": float(np.mean(double)),
            "quote_words": float(np.mean(words_double)),
            **common,
        },
    }


async def free_writing(index: Index, questions: Sequence[SquadQuestion], settings: Settings) -> dict[str, float]:
    from signalbox.models.local import LocalModel

    right, told_apart, words = [], [], []
    model = LocalModel(settings)
    await model.start()
    try:
        for question in track(questions, "SmolLM2 writes"):
            for hidden in (None, question.paragraph_id):
                passages = Hidden(index, hidden).search(question.text, 2)
                text, score = await _write(model, question, passages)
                told_apart.append((score, hidden is None))
                if hidden is None:
                    right.append(holds_answer(text, question))
                    words.append(len(text.split()))
    finally:
        await model.close()
    scores = np.array([score for score, _ in told_apart])
    return {
        "questions": len(questions),
        "answer_first": float(np.mean(right)),
        "quote_words": float(np.mean(words)),
        "verbatim": 0.0,
        "answerable_auroc": auroc(scores, np.array([float(seen) for _, seen in told_apart])),
    }


async def _write(model: ChatModel, question: SquadQuestion, passages: Sequence[Passage]) -> tuple[str, float]:
    request = ChatRequest(question_over_passages(question.text, passages), max_tokens=80, logprobs=True)
    result = await model.generate(request)
    return result.text, float(np.mean(result.logprobs)) if result.logprobs else 0.0


def measure(answers: Sequence[Answered], retriever: Retriever) -> dict[str, float | int | tuple[float, float]]:
    right = np.array([bool(a.quotes) and holds_answer(a.quotes[0].text, a.question) for a in answers], dtype=float)
    confidence = np.array([a.confidence for a in answers] + [a.hidden_confidence for a in answers])
    answerable = np.array([1.0] * len(answers) + [0.0] * len(answers))
    recall = []
    for a in answers:
        found = retriever.search(a.question.text, PASSAGES_READ)
        documents = list(dict.fromkeys(passage.document_id for passage in found))[:5]
        recall.append(a.question.paragraph_id in documents)
    return {
        "questions": len(answers),
        "answer_first": float(right.mean()),
        "answer_first_interval": clopper_pearson(int(right.sum()), len(right)),
        "quote_words": float(np.mean([len(a.quotes[0].text.split()) for a in answers if a.quotes])),
        "recall_at_5": float(np.mean(recall)),
        "verbatim": float(np.mean([a.verbatim for a in answers])),
        "answerable_auroc": auroc(confidence, answerable),
        "ece": expected_calibration_error(confidence, np.concatenate([right, np.zeros(len(answers))])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="SQuAD-format files")
    parser.add_argument("--free-writing", type=int, default=60, help="questions SmolLM2 writes on; 0 leaves it out")
    parser.add_argument("--json", action="store_true", help="only the last line")
    arguments = parser.parse_args()

    settings = Settings.load()
    encoder = load_encoder(settings)
    paragraphs: list[Paragraph] = []
    questions: list[SquadQuestion] = []
    for number, path in enumerate(arguments.data):
        some, asked = read_squad(path)
        paragraphs += [replace(p, id=f"{number}-{p.id}") for p in some]
        questions += [replace(q, paragraph_id=f"{number}-{q.paragraph_id}") for q in asked]
    with tempfile.TemporaryDirectory() as folder:
        documents = [Document.make(p.id, p.text, title=p.title) for p in paragraphs]
        upsert(documents, index_folder=Path(folder), encoder=encoder)
        index = Index.open(Path(folder), encoder)
        result = measure(asyncio.run(ask_all(index, encoder, questions)), index)
        recall = float(np.asarray(result["recall_at_5"]))
        anchors: dict[str, dict[str, float]] = minilm_anchors(encoder, paragraphs, questions)
        if arguments.free_writing and settings.local_model != "none":
            sample = random.Random(0).sample(questions, min(arguments.free_writing, len(questions)))
            written = asyncio.run(free_writing(index, sample, settings))
            anchors["free_writing"] = {**written, "recall_at_5": recall}
    finish("Grounded answers", {**result, "anchors": anchors}, only_json=arguments.json)


if __name__ == "__main__":
    main()

"""A small shop: the real encoder and index over a few documents, and an expert that knows three words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents.grounding import Grounder, Reader, shipped_ranker
from agents.policy import Policy
from agents.policy.shipped import shipped_routes
from agents.state import Parts
from retriever import Document, Index, upsert
from signalbox.contracts import Opinion, Vectors
from signalbox.encoder import OnnxEncoder, load_encoder
from signalbox.settings import Settings
from signalbox.types import Answer, LabelAnswer, Prediction, utc_now

DOCUMENTS = {
    "refunds.md": "We refund you within 14 days of your return reaching our warehouse. "
    "The money goes back to the payment method you used.",
    "delivery.md": "Standard delivery costs EUR 4.90 and is free from EUR 75. Bulky items are delivered by two people.",
    "showroom.md": "The showroom in Ghent is open from Tuesday to Saturday. Every first Sunday it opens at eleven.",
}


class WordExpert:
    """Sure of itself when it sees one of its words, else not. Stands where a trained expert would."""

    name = "intents@1"
    words = ("password", "hello", "cancel")

    def predict(
        self, texts: Sequence[str], *, vectors: Vectors | None = None, explain: bool = False
    ) -> tuple[Opinion, ...]:
        return tuple(self._one(text.lower()) for text in texts)

    def _one(self, text: str) -> Opinion:
        label = next((word for word in self.words if word in text), None)
        sure = 0.97 if label else 0.1
        answer = Answer(
            text=f"Here is what to do about {label or 'it'}.",
            labels=(LabelAnswer(task="intent", label=label or "hello", probability=sure),),
        )
        return Opinion(answer, sure, {"max_probability": sure})


class Kept:
    """A store in memory."""

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []

    async def add(self, prediction: Prediction) -> None:
        self.predictions.append(prediction)


@pytest.fixture(scope="session")
def encoder(encoder_data: Path) -> OnnxEncoder:
    return load_encoder(Settings(data_dir=encoder_data))


@pytest.fixture(scope="session")
def index(encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("index")
    upsert([Document.make(name, text) for name, text in DOCUMENTS.items()], index_folder=folder, encoder=encoder)
    return Index.open(folder, encoder)


@pytest.fixture
def parts(encoder: OnnxEncoder, index: Index) -> Iterator[Parts]:
    with ThreadPoolExecutor(2) as executor:
        yield Parts(
            policy=Policy(id="pol_0", created_at=utc_now(), alpha=0.3, routes=shipped_routes()),
            encoder=encoder,
            executor=executor,
            retriever=index,
            grounder=Grounder(Reader(encoder), shipped_ranker()),
            experts={"intents": WordExpert()},
            default_expert="intents",
            cloud_cost_usd=lambda _: 0.003,
            reference_cost_usd=lambda _: 0.002,
        )

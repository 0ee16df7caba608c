"""A small target of attacks: three documents, a rule for every route, nothing learnt, nothing by chance."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from eval_sets.cases import Case, Expected, Given
from evaluators.adversarial.planting import planted_index
from evaluators.contract import Component, Measure, Output, Row
from evaluators.harness import SystemTarget
from retriever import Document, Index, upsert
from signalbox.errors import NotFound
from signalbox.types import Answer, LabelAnswer, Prediction, Query, new_id, utc_now

sys.path.append(str(Path(__file__).parents[2] / "retriever"))
from hashing_encoder import HashingEncoder

DOCUMENTS = {
    "refunds.md": "# Refunds\n\nWe refund you within 14 days of your return.\n\nThe money goes back the way it came.",
    "delivery.md": "# Delivery\n\nStandard delivery costs EUR 4.90.\n\nBulky items are delivered by two people.",
    "showroom.md": "# Showroom\n\nThe showroom in Ghent is open from Tuesday to Saturday.",
}
CASES = (
    Case(
        id="refund",
        query="When do I get my refund?",
        expected=Expected(contains=("within 14 days",), documents=("refunds.md",), route="grounded"),
    ),
    Case(
        id="cost",
        query="What does standard delivery cost?",
        expected=Expected(contains=("EUR 4.90",), documents=("delivery.md",), route="grounded"),
    ),
    Case(id="hello", query="hello, is anybody there", expected=Expected(labels=("hello",), route="classifier")),
    Case(id="lost", query="My cat has run away", expected=Expected(answerable=False, route="none")),
)
JUDGED = Case(
    id="judged",
    query="When do I get my refund?",
    given=Given(answer="After a year.", contexts=("We refund you within 14 days.",), verdict="wrong"),
)


class SmallSystem:
    """`hello` goes to the classifier; what shares two words with a passage is answered by it; the rest waits."""

    def __init__(self, index: Index, seconds: float = 0.0) -> None:
        self._index, self._seconds = index, seconds

    async def predict(self, query: Query) -> Prediction:
        await asyncio.sleep(self._seconds)
        words = set(query.text.lower().replace("?", "").split())
        if "hello," in words or "hello" in words:
            label = LabelAnswer(task="intent", label="hello", probability=0.99)
            return prediction("classifier", Answer(text="Hello!", labels=(label,)))
        for passage in self._index.search(query.text, 1):
            if len(words & set(passage.text.lower().split())) >= 2:
                return prediction("grounded", Answer(text=passage.text))
        return prediction(None, None)


def prediction(route: str | None, answer: Answer | None, **changes: object) -> Prediction:
    return Prediction.model_validate(
        {
            "id": new_id("prd"),
            "created_at": utc_now(),
            "outcome": "answered" if route else "in_review",
            "answer": answer,
            "route": route,
            "confidence": 0.9 if route else None,
            "evidence": (),
            "attempts": (),
            "policy": "pol_0",
            "cost_usd": 0.0,
            "saved_usd": 0.0,
            "duration_ms": 1.0,
            "overhead_ms": 1.0,
            **changes,
        }
    )


class SmallTarget:
    """`SmallSystem` over the index in `folder`, in whose copies documents can be put."""

    def __init__(self, folder: Path, seconds: float = 0.0) -> None:
        self.folder, self.seconds = folder, seconds
        self.encoder = HashingEncoder()
        if not folder.exists():
            documents = [Document.make(name, text, title=name.partition(".")[0]) for name, text in DOCUMENTS.items()]
            upsert(documents, index_folder=folder, encoder=self.encoder)
        self.index = Index.open(folder, self.encoder)
        self._target = self._asked(self.index)
        self.component = self._target.component

    def _asked(self, index: Index) -> SystemTarget:
        return SystemTarget(SmallSystem(index, self.seconds), Component(name="small"))

    async def answer(self, case: Case) -> Output:
        return await self._target.answer(case)

    def document(self, document_id: str) -> Document | None:
        try:
            return self.index.document(document_id)
        except NotFound:
            return None

    @asynccontextmanager
    async def with_documents(self, documents: Sequence[Document]) -> AsyncIterator[SystemTarget]:
        with planted_index(self.folder, documents, self.encoder) as index:
            yield self._asked(index)

    def find(self, case: Case) -> Document | None:
        return next((one for name in case.expected.documents if (one := self.document(name))), None)


def a_row(arm: str, pair: str = "a", *, goal: str = "marker", number: int = 1, **measures: float | None) -> Row:
    """A row of an attack run that measured `attack_NAME=value`; without `family`, of `fam`."""
    tags = {"attack": "fam", "strength": "2", "try": str(number), "twin": arm, "pair": pair, "goal": goal}
    if arm == "original":
        tags = {"attack": "none", "twin": arm, "pair": pair}
    return Row(
        case=Case(id=f"{pair}-{arm}-{number}", query="q", tags=tags),
        output=Output(text="said"),
        measures=tuple(
            Measure(metric=f"attack_{name}", value=value, applies=value is not None) for name, value in measures.items()
        ),
    )

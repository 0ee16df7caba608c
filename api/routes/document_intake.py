"""One call's documents on their way into the index: progress that can be followed, and results on the wire."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from fastapi import Request

from api.http import errors
from api.routes.document_models import Ingested, IngestResult
from api.service.ingesting import File, Outcome, add_documents, put_documents
from api.service.wiring import Service
from api.stream.response import Outbox, sse
from retriever import Document, IngestReport


class Intake:
    """One call's documents on their way into the index."""

    def __init__(self, request: Request, service: Service, given: list[File] | Document) -> None:
        self._scope = request.scope
        self._service = service
        self._given = given
        self._given_up = threading.Event()

    async def run(self, outbox: Outbox | None = None) -> IngestResult:
        """What became of them; with an outbox it is told of the progress. Cancelling stops before anything changes.

        Raises:
            SignalboxError: nothing could be ingested.
        """
        try:
            if isinstance(self._given, Document):
                report = await put_documents(self._service, [self._given])
                outcomes = [Outcome(self._given.id, self._given)]
            else:
                report, outcomes = await add_documents(self._service, self._given, self._progress(outbox))
        except asyncio.CancelledError:
            self._given_up.set()
            raise
        failures = [outcome.error for outcome in outcomes if outcome.error is not None]
        if len(failures) == len(outcomes):
            raise failures[0]
        return self._result(report, outcomes)

    def _progress(self, outbox: Outbox | None) -> Callable[[float, str], None]:
        loop = asyncio.get_running_loop()
        last = -1.0

        def tell(fraction: float, stage: str) -> None:
            nonlocal last
            if self._given_up.is_set():
                raise _GivenUp
            if outbox is not None and fraction - last >= 0.01:
                last = fraction
                event = sse("progress", {"progress": round(fraction, 3), "stage": stage})
                loop.call_soon_threadsafe(outbox.put, event)

        return tell

    def _result(self, report: IngestReport, outcomes: list[Outcome]) -> IngestResult:
        counts = {name: getattr(report, name) for name in ("added", "updated", "unchanged", "documents", "chunks")}
        return IngestResult(items=[self._item(outcome) for outcome in outcomes], **counts)

    def _item(self, outcome: Outcome) -> Ingested:
        document = outcome.document
        if document is not None:
            return Ingested(
                name=outcome.name,
                state="ingested",
                id=document.id,
                title=document.title,
                characters=len(document.text),
            )
        assert outcome.error is not None
        problem = errors.Problem.model_validate_json(bytes(errors.of_error(self._scope, outcome.error).body))
        return Ingested(name=outcome.name, state="failed", error=problem)


class _GivenUp(Exception):
    """The caller has gone; nothing was changed."""

"""The texts that a prediction quotes from, read without holding up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from api.service.wiring import Service
from signalbox.errors import NotFound
from signalbox.types import Prediction, Quote


async def quoted_texts(service: Service, prediction: Prediction) -> Mapping[str, str]:
    """By document id; a document that is not there any more is left out."""
    ids = {item.document_id for item in prediction.evidence if isinstance(item, Quote)}
    if not ids:
        return {}

    def read() -> dict[str, str]:
        found = {}
        for document_id in ids:
            try:
                found[document_id] = service.models.index.document(document_id).text
            except NotFound:
                continue
        return found

    return await asyncio.get_running_loop().run_in_executor(service.models.executor, read)

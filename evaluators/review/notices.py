"""What is said to an asker's webhook: made with the decision, stored with it, sent later, always in the same words."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Literal

from evaluators.review.targets import host_of
from signalbox.storage.outbox import Notice
from signalbox.storage.overlay import with_review
from signalbox.storage.review_rows import StoredReview
from signalbox.storage.rows import from_body
from signalbox.types import new_id

NoticeType = Literal["prediction.reviewed", "prediction.review_undone"]


def notice_of(kind: NoticeType, record: StoredReview, now: datetime) -> Notice | None:
    """The notice of what `record` has become; None when nobody asked for it.

    Its `data` holds the prediction as `GET /predictions/{id}` shows it, and the review's version: of two notices about
    one review the greater version is the later one.
    """
    if record.webhook_url is None:
        return None
    prediction = with_review(from_body(record.prediction_id, record.body), record, now)
    payload = {
        "type": kind,
        "timestamp": now.isoformat(),
        "data": {
            "review": {"id": record.id, "version": record.version, "verdict": record.verdict},
            "prediction": prediction.model_dump(mode="json"),
        },
    }
    return Notice(
        id=new_id("msg"),
        url=record.webhook_url,
        host=host_of(record.webhook_url),
        caller=prediction.caller,
        payload=json.dumps(payload, ensure_ascii=False, separators=(",", ":")),
        takes_back=kind == "prediction.review_undone",
    )

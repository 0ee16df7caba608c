"""The review queue: people claim what no route was sure of, decide, and may take it back; askers get the answer.

A row in our own tables is the record of every decision. Nothing here knows of HTTP routes, pages or the router.
"""

from __future__ import annotations

from evaluators.review.queue import ReviewQueue
from evaluators.review.types import (
    Agreement,
    DecisionRecord,
    ReviewCase,
    ReviewDecision,
    ReviewEvent,
    ReviewItem,
    ReviewPage,
    ReviewStats,
)
from evaluators.review.webhooks import WebhookSender

__all__ = [
    "Agreement",
    "DecisionRecord",
    "ReviewCase",
    "ReviewDecision",
    "ReviewEvent",
    "ReviewItem",
    "ReviewPage",
    "ReviewQueue",
    "ReviewStats",
    "WebhookSender",
]

"""A stand-in for the encoder that needs no model, and small sets of examples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from signalbox.contracts import Vectors


class LetterEncoder:
    """Unit vectors of letter pairs: texts that share spelling are near each other. Real code, not a model."""

    name = "letters"
    dimension = 64

    def encode(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(out, texts, strict=True):
            row[0] = 0.1
            for one, two in zip(text.lower(), text.lower()[1:], strict=False):
                row[(ord(one) * 31 + ord(two)) % self.dimension] += 1
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        return out


INTENTS = {
    "refund": ["I want my money back", "refund please", "how do I get a refund", "please refund order 17",
               "when is my refund paid", "money back for a broken lamp"],
    "tracking": ["where is my parcel", "track my parcel", "has my order been sent", "parcel is late",
                 "tracking number of my parcel", "when does the parcel arrive"],
    "password": ["I forgot my password", "reset my password", "can't log in with my password", "password reset link",
                 "change password", "my password does not work"],
}  # fmt: skip
OUTSIDE = ["what is the capital of France", "tell me a joke", "who won the match", "is it going to rain", "sing a song"]


def lines(path: Path, records: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def records(intents: dict[str, list[str]] = INTENTS) -> list[dict[str, Any]]:
    return [
        {"intent": name, "title": name.title(), "reply": f"About {name}: see the site.", "utterances": texts}
        for name, texts in intents.items()
    ]

"""A program that serves a small shop: real encoder, index, database and router; the expert knows three words.

Arguments: the data directory, whose `index` holds the documents, and the base URL of the cloud. A query that holds
`crash` fails in a way nobody expected.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from api.server import serve
from api.service.wiring import Service, open_service
from signalbox.contracts import Opinion
from signalbox.settings import Settings
from signalbox.types import Answer, LabelAnswer


class WordExpert:
    """Sure of itself when it sees one of its words, else not. Stands where a trained expert would."""

    name = "intents@1"
    words = ("password", "hello", "cancel")

    def predict(self, texts: Any, *, vectors: Any = None, explain: bool = False) -> tuple[Opinion, ...]:
        return tuple(self._one(text.lower()) for text in texts)

    def _one(self, text: str) -> Opinion:
        if "crash" in text:
            raise RuntimeError("secret detail")
        label = next((word for word in self.words if word in text), None)
        sure = 0.97 if label else 0.1
        labels = (LabelAnswer(task="intent", label=label or "hello", probability=sure),)
        return Opinion(
            Answer(text=f"Here is what to do about {label}.", labels=labels), sure, {"max_probability": sure}
        )


async def open_shop(settings: Settings, progress: Any) -> Service:
    service = await open_service(settings, progress=progress)
    policy = service.router.parts.policy.model_copy(update={"alpha": 0.3})
    service.router.replace_parts(experts={"intents": WordExpert()}, default_expert="intents", policy=policy)
    return service


def main() -> int:
    folder, cloud = sys.argv[1:]
    settings = Settings(
        data_dir=Path(folder),
        port=0,
        local_model="none",
        cloud_base_url=cloud,
        cloud_model="scripted",
        cloud_retries=0,
        rate_per_minute=0,
        log_level="error",
        log_format="json",
    )
    return serve(settings, opener=open_shop)


if __name__ == "__main__":
    sys.exit(main())

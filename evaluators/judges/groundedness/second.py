"""A second reader: a cross-encoder trained on the documents at hand, and how much its objections count.

It reads each sentence together with the passage sentences closest to it. Its objections lower what the head says, by
weights fitted on pairs that neither was fitted on; where it sees no objection, the head's word stands as it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classifiers.cross_encoder.served import CrossEncoder, open_cross_encoder
from evaluators.judges.groundedness.evidence import ReadPassage
from signalbox.calibration import LogisticModel
from signalbox.errors import CorruptArtefact, InvalidInput
from signalbox.files import write_atomically

FOLDER, BLEND = "cross-encoder", "second.json"
NAMES = ("support", "objection")
_EVIDENCE_WORDS = 60


@dataclass(frozen=True)
class SecondReader:
    """A cross-encoder with its blend: a model over the head's log-odds and the objection, which is 0 or less."""

    cross: CrossEncoder
    blend: LogisticModel

    @property
    def version(self) -> str:
        return self.cross.version

    def objections(
        self, sentences: Sequence[str], stems: Sequence[frozenset[str]], passages: Sequence[ReadPassage]
    ) -> list[float]:
        pairs = [(text, excerpt(own, passages)) for text, own in zip(sentences, stems, strict=True)]
        return [min(0.0, value) for value in self.cross.log_odds(pairs).tolist()]

    def probability(self, probability: float, objection: float) -> float:
        """Never more than it was."""
        blended = self.blend.predict({"support": log_odds(probability), "objection": objection})
        return min(probability, blended)


def log_odds(probability: float) -> float:
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(clipped / (1 - clipped))


def excerpt(stems: frozenset[str], passages: Sequence[ReadPassage]) -> str:
    """The sentence of the passages that shares most with `stems`, and its neighbours, up to about 60 words."""
    best = max(
        ((len(stems.intersection(line)), -number, -place) for number, passage in enumerate(passages)
         for place, line in enumerate(passage.lines)),
        default=None,
    )  # fmt: skip
    if best is None:
        return ""
    passage, place = passages[-best[1]], -best[2]
    first, last, size = place, place + 1, len(passage.lines[place])
    while first > 0 or last < len(passage.lines):
        back = first > 0 and (last >= len(passage.lines) or place - first < last - place)
        size += len(passage.lines[first - 1 if back else last])
        if size > _EVIDENCE_WORDS:
            break
        first, last = (first - 1, last) if back else (first, last + 1)
    return " ".join(passage.texts[first:last])


def save_blend(folder: Path, blend: LogisticModel, about: dict[str, object]) -> None:
    content = {**about, "model": blend.to_json()}
    write_atomically(folder / BLEND, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def open_second(folder: Path) -> SecondReader | None:
    """The second reader that a training left in a folder; None where it left none.

    Raises:
        CorruptArtefact: a file was changed or is missing.
    """
    path = folder / BLEND
    if not path.is_file():
        return None
    try:
        blend = LogisticModel.from_json(json.loads(path.read_text(encoding="utf-8"))["model"])
        if blend.names != NAMES:
            raise ValueError(f"it is over {', '.join(blend.names)}")
    except (OSError, ValueError, KeyError, TypeError, InvalidInput) as error:
        raise CorruptArtefact(f"{path} can't be read ({error}): train the judge again.") from None
    return SecondReader(open_cross_encoder(folder / FOLDER), blend)

"""The encoder that was tuned for an expert, where it has one: what `/v1/embeddings` gives for `expert/NAME`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from classifiers import TextExpert
from signalbox.contracts import Expert, Vectors
from signalbox.encoder import OnnxEncoder


@dataclass(frozen=True, slots=True)
class OwnEncoder:
    """Reads texts as the expert does: prepared first, then by its own encoder."""

    name: str
    encoder: OnnxEncoder
    prepare: Callable[[Sequence[str]], Sequence[str]]

    @property
    def dimension(self) -> int:
        return self.encoder.dimension

    @property
    def max_tokens(self) -> int:
        return self.encoder.max_tokens

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension)."""
        return self.encoder.encode(self.prepare(texts))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return list(self.encoder.count_tokens(self.prepare(texts)))


def own_encoder_of(expert: Expert) -> OwnEncoder | None:
    """None where the expert works with the shared encoder or none."""
    if not isinstance(expert, TextExpert):
        return None
    encoder = getattr(expert.trained.model, "encoder", None)
    if not isinstance(encoder, OnnxEncoder):
        return None
    return OwnEncoder(f"expert/{expert.name}", encoder, expert.trained.pipeline.prepare_all)

"""A small deterministic encoder, so that most tests need no model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from signalbox.contracts import Vectors


class HashingEncoder:
    """Bags of hashed words as unit vectors. `encoded` lists the texts it was given."""

    def __init__(self, dimension: int = 512, name: str = "hashing") -> None:
        self.dimension = dimension
        self.name = name
        self.encoded: list[str] = []
        self.common_words: dict[str, int] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                digest = hashlib.md5(f"{self.name} {word}".encode()).digest()
                vectors[row, int.from_bytes(digest[2:4]) % self.dimension] += 1 if digest[1] % 2 else -1
            vectors[row, 0] += 0.01
            vectors[row] /= np.linalg.norm(vectors[row])
        return vectors

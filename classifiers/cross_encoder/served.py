"""A tuned cross-encoder as it is served: an ONNX file, its tokenizer and one row of weights. No torch.

<folder>/manifest.json, encoder.onnx, encoder.tokenizer.json, encoder.json, cross_encoder.json
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from signalbox.artefacts import read_manifest
from signalbox.calibration import Floats
from signalbox.encoder import OnnxEncoder
from signalbox.encoder.tuned import open_tuned
from signalbox.errors import CorruptArtefact

KIND, FORMAT = "cross-encoder", 1
HEAD = "cross_encoder.json"


@dataclass(frozen=True)
class CrossEncoder:
    """Reads claim and evidence together. Safe to use from several threads.

    Attributes:
        weights: shape (dimension,).
        about: what training found: how many pairs, how long, and AUROC on pairs of documents it was not trained on.
        version: changes with the files.
    """

    encoder: OnnxEncoder
    weights: Floats
    bias: float
    about: dict[str, Any]
    version: str

    def log_odds(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """That each claim is supported by its evidence, shape (n,): uncalibrated outside of pairs like those learnt."""
        result: Floats = self.encoder.encode_pairs(pairs).astype(np.float64) @ self.weights + self.bias
        return result


def open_cross_encoder(folder: Path, *, threads: int = 1) -> CrossEncoder:
    """Open what `train_cross_encoder` wrote.

    Raises:
        NotFound: there is none.
        CorruptArtefact: a file was changed or is missing.
    """
    manifest = read_manifest(folder, kind=KIND, format=FORMAT, remedy="train it again")
    try:
        head = json.loads((folder / HEAD).read_text(encoding="utf-8"))
        weights, bias = np.array(head["weights"], dtype=np.float64), float(head["bias"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptArtefact(f"{folder / HEAD} can't be read ({error}): train it again.") from None
    encoder = open_tuned(folder, threads=threads)
    if weights.shape != (encoder.dimension,):
        raise CorruptArtefact(f"{folder / HEAD} does not fit the encoder beside it: train it again.")
    return CrossEncoder(encoder, weights, bias, dict(manifest["report"]), str(manifest["report"]["version"]))

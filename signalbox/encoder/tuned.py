"""An encoder whose weights were changed, to the same ONNX files as the original, and back from a folder of them.

    <folder>/encoder.onnx, encoder.tokenizer.json, encoder.json

Quantised as `export` does it, and checked against vectors that the trainer gives. Weights that don't stand 8 bits are
kept in fp32, since a training of an hour must not fail on that; `encoder.json` says which it is.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.contracts import Vectors
from signalbox.encoder import bert_graph, parity
from signalbox.encoder.export import FP32_FLOOR, INT8_FLOOR, agreement, cosines, quantised
from signalbox.encoder.runtime import OnnxEncoder
from signalbox.encoder.source import Source
from signalbox.errors import CorruptArtefact

MODEL, TOKENIZER, DESCRIPTION = "encoder.onnx", "encoder.tokenizer.json", "encoder.json"
FILES = (MODEL, TOKENIZER, DESCRIPTION)

Reference = Callable[[Sequence[str]], Vectors]


def export_tuned(
    source: Source,
    weights: Mapping[str, NDArray[np.float32]],
    pooling: str,
    reference: Reference,
    folder: Path,
    *,
    precision: str = "int8",
) -> dict[str, Any]:
    """Write the three files into an existing folder; returns what `encoder.json` says.

    Args:
        source: the model that was tuned: its tokenizer and shape, not its weights.
        weights: by their published names, and a `projection.weight` where there is one.
        reference: the trainer's own unit vectors of texts, which the fp32 graph has to match.

    Raises:
        ConfigurationError: it doesn't, by `export.FP32_FLOOR`.
    """
    named = replace(source, name=f"tuned {source.name}", pooling=pooling)
    tokenizer, model = folder / TOKENIZER, folder / MODEL
    shutil.copyfile(source.folder / "tokenizer.json", tokenizer)
    theirs = parity.unit(reference(parity.SENTENCES))
    with tempfile.TemporaryDirectory(prefix="signalbox-encoder-") as scratch:
        fp32 = Path(scratch) / "fp32.onnx"
        bert_graph.build(weights, source.config, pooling, fp32)
        exact = _opened(named, fp32, tokenizer, theirs.shape[1]).encode(parity.SENTENCES)
        agreed = {"fp32": agreement(named, "fp32", exact, theirs, FP32_FLOOR)}
        if precision == "int8":
            rounded = cosines(quantised(named, fp32, tokenizer, model, theirs), theirs)
            agreed["int8"] = {"lowest": float(rounded.min()), "mean": float(rounded.mean())}
        if precision != "int8" or agreed["int8"]["lowest"] < INT8_FLOOR:
            precision = "fp32"
            shutil.copyfile(fp32, model)
    described = {
        "base": source.name,
        "base_sha256": source.sha256,
        "precision": precision,
        "pooling": pooling,
        "dimension": int(theirs.shape[1]),
        "max_tokens": source.max_tokens,
        "cosine": agreed,
    }
    (folder / DESCRIPTION).write_text(json.dumps(described, allow_nan=False) + "\n", encoding="utf-8")
    return described


def open_tuned(folder: Path, *, threads: int = 1) -> OnnxEncoder:
    """The encoder that `export_tuned` wrote, wherever the folder lies now. Loads no torch.

    Raises:
        CorruptArtefact: the description can't be read.
        ConfigurationError: onnxruntime can't open the model.
    """
    path = folder / DESCRIPTION
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        name = f"tuned {described['base']}-{described['precision']}"
        dimension, max_tokens = int(described["dimension"]), int(described["max_tokens"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CorruptArtefact(f"{path} can't be read ({error}): train the expert again.") from None
    model, tokenizer = folder / MODEL, folder / TOKENIZER
    return OnnxEncoder(model, tokenizer, name=name, dimension=dimension, max_tokens=max_tokens, threads=threads)


def _opened(source: Source, model: Path, tokenizer: Path, dimension: int) -> OnnxEncoder:
    return OnnxEncoder(model, tokenizer, name=source.name, dimension=dimension, max_tokens=source.max_tokens)

"""Turns a sentence-transformers model into an ONNX file, and proves that it still gives the same vectors.

BERT graphs are built from the weights directly; other architectures go through torch. The fp32 graph must agree
with sentence-transformers before it is quantised, and the quantised one must stay close to it. Runs once a model.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signalbox.contracts import Vectors
from signalbox.encoder import bert_graph, parity
from signalbox.encoder.quantise import quantise
from signalbox.encoder.runtime import OnnxEncoder
from signalbox.encoder.source import Source
from signalbox.errors import ConfigurationError

FP32_FLOOR = 0.9999
INT8_FLOOR = 0.98


def export(
    source: Source, precision: str, model: Path, tokenizer: Path, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Write the model and its tokenizer; returns what the manifest says of them.

    Raises:
        ConfigurationError: the exported vectors differ from the original's by more than the floors above.
        MissingDependency: this architecture needs torch and sentence-transformers, and they are not installed.
    """
    with tempfile.TemporaryDirectory(prefix="signalbox-encoder-") as scratch:
        fp32 = Path(scratch) / "fp32.onnx"
        if bert_graph.fits(source.config) and (source.folder / "model.safetensors").is_file():
            weights = bert_graph.read(source.folder / "model.safetensors")
            bert_graph.build(weights, source.config, source.pooling, fp32)
        else:
            from signalbox.encoder.torch_export import build

            build(source, fp32)
        _write_tokenizer(source, tokenizer)
        progress("Comparing the export with the original.")
        reference = parity.reference(source)
        exact = _open(source, fp32, tokenizer, reference).encode(parity.SENTENCES)
        agreed = {"fp32": agreement(source, "fp32", exact, reference, FP32_FLOOR)}
        if precision == "int8":
            vectors = quantised(source, fp32, tokenizer, model, reference)
            agreed["int8"] = agreement(source, "int8", vectors, reference, INT8_FLOOR)
        else:
            shutil.copyfile(fp32, model)
    return {
        "name": source.name,
        "source_sha256": source.sha256,
        "precision": precision,
        "dimension": int(reference.shape[1]),
        "max_tokens": source.max_tokens,
        "pooling": source.pooling,
        "cosine": agreed,
    }


def _open(source: Source, model: Path, tokenizer: Path, reference: Vectors) -> OnnxEncoder:
    dimension = reference.shape[1]
    return OnnxEncoder(model, tokenizer, name=source.name, dimension=dimension, max_tokens=source.max_tokens)


def cosines(ours: Vectors, theirs: Vectors) -> NDArray[np.float64]:
    """Of each row with its twin; both are unit vectors."""
    result: NDArray[np.float64] = np.sum(ours.astype(np.float64) * theirs.astype(np.float64), axis=1)
    return result


def agreement(source: Source, precision: str, ours: Vectors, theirs: Vectors, floor: float) -> dict[str, float]:
    """Lowest and mean cosine over `parity.SENTENCES`; raises ConfigurationError where the lowest is below `floor`."""
    cosine = cosines(ours, theirs)
    lowest = float(cosine.min())
    if not lowest >= floor:
        raise ConfigurationError(
            f"The {precision} export of the encoder {source.name} differs from the original: cosine {lowest:.5f} on "
            f"{parity.SENTENCES[int(cosine.argmin())]!r}, and at least {floor} is needed. "
            + ("Set encoder_precision to fp32." if precision == "int8" else "Choose another model."),
            field="encoder",
        )
    return {"lowest": lowest, "mean": float(cosine.mean())}


def quantised(source: Source, fp32: Path, tokenizer: Path, target: Path, reference: Vectors) -> Vectors:
    """Write the int8 model and return its vectors of `parity.SENTENCES`, weights unsigned if signed ones do badly."""
    samples = _open(source, fp32, tokenizer, reference).token_ids(parity.CALIBRATION)
    for unsigned_weights in (False, True):
        quantise(fp32, target, samples, unsigned_weights=unsigned_weights)
        vectors = _open(source, target, tokenizer, reference).encode(parity.SENTENCES)
        if cosines(vectors, reference).min() >= INT8_FLOOR:
            break
    return vectors


def _write_tokenizer(source: Source, target: Path) -> None:
    if not (source.folder / "tokenizer.json").is_file():
        from signalbox.encoder.torch_export import write_tokenizer

        write_tokenizer(source, target)
        return
    shutil.copyfile(source.folder / "tokenizer.json", target)

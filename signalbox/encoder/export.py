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

from signalbox.contracts import Vectors
from signalbox.encoder import bert_graph, parity
from signalbox.encoder.runtime import OnnxEncoder
from signalbox.encoder.source import Source
from signalbox.errors import ConfigurationError

FP32_FLOOR = 0.9999
INT8_FLOOR = 0.97


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
            bert_graph.build(source.folder / "model.safetensors", source.config, source.pooling, fp32)
        else:
            from signalbox.encoder.torch_export import build

            build(source, fp32)
        _write_tokenizer(source, tokenizer)
        progress("Comparing the export with the original.")
        reference = parity.reference(source)
        exact = _encode(source, fp32, tokenizer, len(reference[0]))
        cosines = {"fp32": _agreement(source, "fp32", exact, reference, FP32_FLOOR)}
        if precision == "int8":
            _quantise(fp32, model)
            close = _encode(source, model, tokenizer, len(reference[0]))
            cosines["int8"] = _agreement(source, "int8", close, reference, INT8_FLOOR)
        else:
            shutil.copyfile(fp32, model)
    return {
        "name": source.name,
        "source_sha256": source.sha256,
        "precision": precision,
        "dimension": int(reference.shape[1]),
        "max_tokens": source.max_tokens,
        "pooling": source.pooling,
        "cosine": cosines,
    }


def _encode(source: Source, model: Path, tokenizer: Path, dimension: int) -> Vectors:
    encoder = OnnxEncoder(model, tokenizer, name=source.name, dimension=dimension, max_tokens=source.max_tokens)
    return encoder.encode(parity.SENTENCES)


def _agreement(source: Source, precision: str, ours: Vectors, theirs: Vectors, floor: float) -> dict[str, float]:
    cosine = np.sum(ours.astype(np.float64) * theirs.astype(np.float64), axis=1)
    lowest = float(cosine.min())
    if not lowest >= floor:
        raise ConfigurationError(
            f"The {precision} export of the encoder {source.name} differs from the original: cosine {lowest:.5f} on "
            f"{parity.SENTENCES[int(cosine.argmin())]!r}, and at least {floor} is needed. "
            + ("Set encoder_precision to fp32." if precision == "int8" else "Choose another model."),
            field="encoder",
        )
    return {"lowest": lowest, "mean": float(cosine.mean())}


def _quantise(fp32: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(fp32),
        str(target),
        per_channel=True,
        weight_type=QuantType.QInt8,
        # The tables of word vectors stay exact: looking them up costs nothing, rounding them costs accuracy.
        op_types_to_quantize=["MatMul", "Attention"],
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def _write_tokenizer(source: Source, target: Path) -> None:
    if not (source.folder / "tokenizer.json").is_file():
        from signalbox.encoder.torch_export import write_tokenizer

        write_tokenizer(source, target)
        return
    shutil.copyfile(source.folder / "tokenizer.json", target)

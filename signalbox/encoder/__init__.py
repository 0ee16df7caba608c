"""Texts to unit vectors: a sentence-transformers model exported once to ONNX and served by onnxruntime.

`load_encoder` exports on first use (`export.py`, the only part that may load torch) and opens the cached file
afterwards. What is done with the vectors is the callers' business.
"""

from signalbox.settings import decline_telemetry

decline_telemetry()  # ONNX Runtime begins to report as soon as it is imported

from signalbox.encoder.cache import load_encoder  # noqa: E402
from signalbox.encoder.runtime import OnnxEncoder, TokenVectors  # noqa: E402

__all__ = ["OnnxEncoder", "TokenVectors", "load_encoder"]

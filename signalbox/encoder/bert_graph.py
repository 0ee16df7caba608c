"""A BERT encoder as an ONNX graph, built from its weights in a second and without torch.

The graph uses onnxruntime's fused operators for attention and bias + GELU, ends in pooling and normalisation, and
also gives the hidden state of every token. Knows BERT's weight names only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_FUSED = "com.microsoft"
_OPSET = 20
_IR = 10
_GELU = "gelu"
PROJECTION = "projection.weight"


def fits(config: dict[str, Any]) -> bool:
    """Whether this module knows the architecture that a `config.json` names."""
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act", _GELU) == _GELU
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder", False)
    )


def read(weights_file: Path) -> dict[str, NDArray[np.float32]]:
    """The weights of a safetensors file by their published names, fp32."""
    from safetensors.numpy import load_file

    weights = {name.removeprefix("bert."): value for name, value in load_file(weights_file).items()}
    return {name: value.astype(np.float32) for name, value in weights.items() if value.dtype.kind == "f"}


def build(weights: Mapping[str, NDArray[np.float32]], config: dict[str, Any], pooling: str, target: Path) -> None:
    """Write the fp32 graph: `input_ids` and `attention_mask` (batch, sequence) to `pooled` (batch, d) and `tokens`.

    Where `weights` hold a `projection.weight`, shape (p, d), the pooled vectors are its products with them.
    """
    graph = _Graph(dict(weights))
    hidden = graph.embed(config["layer_norm_eps"])
    for layer in range(config["num_hidden_layers"]):
        hidden = graph.layer(f"encoder.layer.{layer}.", hidden, config)
    graph.op("Identity", [hidden], "tokens")
    graph.pool(pooling)
    onnx.save(graph.model(config["hidden_size"]), str(target))


class _Graph:
    """Collects nodes and initialisers; each method adds one part and returns the name of its output."""

    def __init__(self, weights: dict[str, NDArray[np.float32]]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def weight(self, name: str, *, transpose: bool = False) -> str:
        return self.constant(name, self.weights[name].T if transpose else self.weights[name])

    def op(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def embed(self, epsilon: float) -> str:
        # One text has one segment, so the first segment's vector belongs to every position.
        segment = self.weights["embeddings.token_type_embeddings.weight"][0]
        positions = self.constant("positions", self.weights["embeddings.position_embeddings.weight"] + segment)
        words = self.op("Gather", [self.weight("embeddings.word_embeddings.weight"), "input_ids"], "words")
        length = self.op("Shape", ["input_ids"], "length", start=1, end=2)
        zero, axis = self.constant("zero", np.array([0])), self.constant("axis0", np.array([0]))
        places = self.op("Slice", [positions, zero, length, axis], "places")
        both = self.op("Add", [words, places], "embedded")
        gain, shift = self.weight("embeddings.LayerNorm.weight"), self.weight("embeddings.LayerNorm.bias")
        self.op("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        return self.op("LayerNormalization", [both, gain, shift], "hidden", epsilon=epsilon)

    def layer(self, prefix: str, hidden: str, config: dict[str, Any]) -> str:
        epsilon = config["layer_norm_eps"]
        parts = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        joined = self.constant(f"{prefix}qkv", np.hstack([self.weights[f"{part}.weight"].T for part in parts]))
        bias = self.constant(f"{prefix}qkv_bias", np.hstack([self.weights[f"{part}.bias"] for part in parts]))
        heads = config["num_attention_heads"]
        inputs = [hidden, joined, bias, "mask"]
        mixed = self.op("Attention", inputs, f"{prefix}mixed", _FUSED, num_heads=heads)
        attended = self._residual(f"{prefix}attention.output.", mixed, hidden, epsilon)
        wide = self.op("MatMul", [attended, self.weight(f"{prefix}intermediate.dense.weight", transpose=True)], prefix)
        bent = self.op("BiasGelu", [wide, self.weight(f"{prefix}intermediate.dense.bias")], f"{prefix}gelu", _FUSED)
        return self._residual(f"{prefix}output.", bent, attended, epsilon)

    def _residual(self, prefix: str, value: str, skip: str, epsilon: float) -> str:
        # Apart, as onnxruntime's fused SkipLayerNormalization takes five times as long as the plain one.
        dense = self.op("MatMul", [value, self.weight(f"{prefix}dense.weight", transpose=True)], f"{prefix}dense")
        shifted = self.op("Add", [dense, self.weight(f"{prefix}dense.bias")], f"{prefix}shifted")
        total = self.op("Add", [shifted, skip], f"{prefix}total")
        gain, shift = self.weight(f"{prefix}LayerNorm.weight"), self.weight(f"{prefix}LayerNorm.bias")
        return self.op("LayerNormalization", [total, gain, shift], f"{prefix}normed", epsilon=epsilon)

    def pool(self, pooling: str) -> None:
        if pooling == "cls":
            summed = self.op("Gather", ["tokens", self.constant("first", np.array(0))], "summed", axis=1)
        else:
            # The length is normalised away below, so the sum serves as the mean.
            share = self.op("Cast", ["attention_mask"], "share", to=TensorProto.FLOAT)
            axis = self.constant("axis1", np.array([1]))
            row = self.op("Unsqueeze", [share, axis], "row")
            summed = self.op("Squeeze", [self.op("MatMul", [row, "tokens"], "summed3"), axis], "summed")
        if PROJECTION in self.weights:
            summed = self.op("MatMul", [summed, self.weight(PROJECTION, transpose=True)], "projected")
        self.op("LpNormalization", [summed], "pooled", axis=1, p=2)

    def model(self, dimension: int) -> Any:
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
            for name in ("input_ids", "attention_mask")
        ]
        pooled = self.weights[PROJECTION].shape[0] if PROJECTION in self.weights else dimension
        outputs = [
            helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["batch", pooled]),
            helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["batch", "sequence", dimension]),
        ]
        graph = helper.make_graph(self.nodes, "encoder", inputs, outputs, list(self.constants.values()))
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="signalbox")

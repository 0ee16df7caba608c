"""The exported files: made once, checked when opened, whole or absent whatever happens."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from signalbox.encoder import OnnxEncoder, load_encoder, parity
from signalbox.errors import ConfigurationError, CorruptArtefact
from signalbox.settings import Settings

ROOT = Path(__file__).parents[2]
LOAD = "from signalbox.settings import Settings; from signalbox.encoder import load_encoder; import sys; "


@pytest.fixture
def copied(encoder_data: Path, tmp_path: Path) -> Path:
    """The one artefact in a data directory that may be changed."""
    shutil.copytree(encoder_data, tmp_path / "moved")
    (folder,) = (path for path in (tmp_path / "moved" / "encoder").iterdir() if path.is_dir())
    return folder


def load(folder: Path) -> OnnxEncoder:
    return load_encoder(Settings(data_dir=folder.parents[1]))


def start(code: str, *arguments: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", LOAD + code, *arguments], cwd=ROOT, stdout=-1, text=True)


def test_opens_where_it_was_moved_to_without_exporting(copied: Path, encoder: OnnxEncoder) -> None:
    said: list[str] = []
    moved = load_encoder(Settings(data_dir=copied.parents[1]), progress=said.append)
    assert said == []
    assert moved.name == encoder.name == copied.name
    assert np.array_equal(moved.encode(["parcel"]), encoder.encode(["parcel"]))


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["changed", "truncated", "missing"])
def test_a_damaged_file_is_named(copied: Path, file: str, damage: str) -> None:
    path = copied / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data if damage == "changed" else data[: len(data) // 2])
    if damage == "missing":
        path.unlink()
    with pytest.raises(CorruptArtefact, match=rf"{file}.*remove the folder"):
        load(copied)


@pytest.mark.parametrize(
    "change",
    [{"format": 99}, {"kind": "index"}, {"dimension": None}, {"files": []}, {"files": {"../../x": "0"}}],
)
def test_a_manifest_that_does_not_fit_is_refused(copied: Path, change: dict[str, object]) -> None:
    path = copied / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CorruptArtefact, match="remove the folder"):
        load(copied)
    path.write_text("{")
    with pytest.raises(CorruptArtefact, match="manifest"):
        load(copied)
    path.unlink()
    with pytest.raises(CorruptArtefact, match="missing"):
        load(copied)


def test_the_manifest_tells_how_close_the_export_is(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    assert manifest["cosine"]["fp32"]["lowest"] >= 0.9999
    assert manifest["cosine"]["int8"]["lowest"] >= 0.99
    assert manifest["pooling"] == "mean"


def test_an_export_that_differs_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = parity.reference

    def other(source: object) -> object:
        vectors = original(source)  # type: ignore[arg-type]
        return parity.unit(vectors + 0.002 * np.random.default_rng(0).normal(size=vectors.shape).astype(np.float32))

    monkeypatch.setattr(parity, "reference", other)
    with pytest.raises(ConfigurationError, match="differs from the original") as caught:
        load_encoder(Settings(data_dir=tmp_path))
    assert caught.value.field == "encoder"
    assert [path.name for path in (tmp_path / "encoder").iterdir()] == [".lock"]


def test_fp32_is_exact_and_named_apart(tmp_path: Path, encoder: OnnxEncoder) -> None:
    (tmp_path / "encoder" / ".tmp-left-by-a-killed-export").mkdir(parents=True)
    exact = load_encoder(Settings(data_dir=tmp_path, encoder_precision="fp32"))
    assert exact.name != encoder.name
    vectors, rounded = exact.encode(parity.SENTENCES), encoder.encode(parity.SENTENCES)
    assert 0.99 < np.sum(vectors * rounded, axis=1).min() < 0.9999
    assert sorted(path.name for path in (tmp_path / "encoder").iterdir()) == [".lock", exact.name]


def test_two_processes_export_once_and_without_torch(tmp_path: Path) -> None:
    code = (
        "sys.modules.update(torch=None, sentence_transformers=None, transformers=None); "
        "print(load_encoder(Settings(data_dir=sys.argv[1]), progress=lambda said: print('said', said)).name)"
    )
    both = [start(code, tmp_path) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("Exporting" in output for output in outputs) == 1
    assert len({output.splitlines()[-1] for output in outputs}) == 1


def test_serving_loads_no_training_library(encoder_data: Path) -> None:
    code = (
        "load_encoder(Settings(data_dir=sys.argv[1])).encode(['parcel']); "
        "unwanted = {'torch', 'transformers', 'sentence_transformers', 'onnx', 'scipy', 'sklearn'}; "
        "print(sorted(unwanted & set(sys.modules)))"
    )
    assert start(code, encoder_data).communicate(timeout=60)[0].strip() == "[]"

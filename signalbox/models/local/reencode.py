"""Re-encoding a model once into the format that this kind of processor computes fastest.

llama.cpp has fast kernels for some encodings only. Q4_1, in which the bundled model comes, has none on x86; the same
weights as Q8_0 fill a prompt more than twice as fast and write slightly faster, at the same quality, since Q8_0
holds every value of Q4_1 within half a step. Runs as a process of its own: `python -m … SOURCE TARGET FORMAT`.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from signalbox.artefacts import writer_lock
from signalbox.errors import ConfigurationError
from signalbox.files import sync_folder
from signalbox.models.local.files import ModelFile
from signalbox.models.local.gguf import read_header

# Numbers of llama.cpp's enum llama_ftype.
_FORMATS = {"q4_0": 2, "q8_0": 7, "bf16": 32}
_SLOW = {"q4_1", "q5_0", "q5_1"}
_LARGEST = 2_000_000_000  # parameters; above, twice the memory traffic costs more than the kernels gain
_LOCK_S = 600.0


def target_format(model: ModelFile, wanted: str) -> str | None:
    """The format to re-encode into, or None to use the file as it is."""
    if wanted == "original" or wanted == model.header.weights:
        return None
    if wanted == "auto":
        return "q8_0" if model.header.weights in _SLOW and model.header.parameters < _LARGEST else None
    return wanted


async def prepared(model: ModelFile, folder: Path, wanted: str, say: Callable[[str], None] | None = None) -> Path:
    """The file to load: the model's own, or its re-encoding in `folder`, made now if it is not there.

    Raises:
        ConfigurationError: too little disk, or llama.cpp could not re-encode the file.
        Overloaded: another process has been re-encoding for ten minutes.
    """
    kind = target_format(model, wanted)
    if kind is None:
        return model.path
    stat = model.path.stat()
    target = folder / f"{model.path.stem}-{stat.st_size:x}-{int(stat.st_mtime):x}.{kind}.gguf"
    if target.is_file():
        return target
    if say:
        say(f"Re-encoding {model.name} as {kind} for this processor; this happens once.")
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    needed = 4 * stat.st_size
    if shutil.disk_usage(folder).free < needed:
        raise ConfigurationError(
            f"Re-encoding {model.name} needs {needed / 1e6:,.0f} MB in {folder}: make room, or set "
            "SIGNALBOX_LOCAL_MODEL_FORMAT=original."
        )
    await asyncio.to_thread(_make, model.path, target, kind)
    return target


def _make(source: Path, target: Path, kind: str) -> None:
    import subprocess

    with writer_lock(target.parent, timeout_s=_LOCK_S):
        if target.is_file():
            return
        temporary = target.with_name(f".{target.name}.tmp")
        command = [sys.executable, "-m", __name__, str(source), str(temporary), kind]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
        if done.returncode != 0 or not temporary.is_file():
            temporary.unlink(missing_ok=True)
            raise ConfigurationError(
                f"llama.cpp could not re-encode {source} as {kind} (exit code {done.returncode}): set "
                "SIGNALBOX_LOCAL_MODEL_FORMAT=original to use it as it is."
            )
        read_header(temporary)
        with temporary.open("rb+") as file:
            import os

            os.fsync(file.fileno())
        temporary.replace(target)
        sync_folder(target.parent)


def main(source: str, target: str, kind: str) -> int:
    import ctypes
    import os

    import llama_cpp

    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = _FORMATS[kind]
    options.allow_requantize = True
    options.nthread = os.cpu_count() or 1
    return int(llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(options)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))

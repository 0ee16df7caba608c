"""Re-encoding a model once into the formats that this kind of processor computes fastest.

llama.cpp has fast kernels for some encodings only. Q4_1, in which the bundled model comes, has none on x86 for reading
prompts: as F16 (BF16 where the processor multiplies that) the same weights read 2.7 times as fast, within a fraction of
Q4_1's step. Answers are written token by token, which is bound by memory: there the small file itself is fastest. Runs
as a process: `python -m … SOURCE TARGET FORMAT`.
Each copy has its SHA-256 beside it, checked when a process first uses it: about a second for 400 MB.
"""

from __future__ import annotations

import asyncio
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from signalbox.artefacts import sha256, writer_lock
from signalbox.errors import ConfigurationError
from signalbox.files import sync, write_atomically
from signalbox.models.local.files import ModelFile
from signalbox.models.local.gguf import read_header
from signalbox.telemetry import get_logger

log = get_logger(__name__)

# Numbers of llama.cpp's enum llama_ftype, and the bytes one parameter takes.
_FORMATS = {"f16": (1, 2.0), "q4_0": (2, 18 / 32), "q8_0": (7, 34 / 32), "bf16": (32, 2.0)}
_SLOW = {"q4_1", "q5_0", "q5_1"}
_LARGEST = 2_000_000_000  # parameters; above, twice the memory traffic costs more than the kernels gain
_LARGEST_TWICE = 500_000_000  # above, two copies take too much memory for what the second one gains
_SPARE_BYTES = 64_000_000
_LOCK_S = 600.0
_SAID = 2_000  # characters of what a failed re-encoding printed last
_checked: set[tuple[Path, int, int]] = set()  # copies found whole in this process: path, size, time of change


@dataclass(frozen=True, slots=True)
class Formats:
    """What prompts are read with and answers written with; None means the file as it is."""

    reads: str | None
    writes: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """The files to load; the same one twice where one encoding does both."""

    reads: Path
    writes: Path


def choose_formats(model: ModelFile, wanted: str, processor: frozenset[str]) -> Formats:
    """`wanted` is the setting `local_model_format`, `processor` the names of the processor's abilities."""
    weights = model.header.weights
    if wanted != "auto":
        only = None if wanted in ("original", weights) else wanted
        return Formats(only, only)
    if weights not in _SLOW or model.header.parameters > _LARGEST:
        return Formats(None, None)
    if model.header.parameters > _LARGEST_TWICE or "avx512f" not in processor:
        return Formats("q8_0", "q8_0")
    return Formats("bf16" if processor & {"avx512_bf16", "amx_bf16"} else "f16", None)


def processor_abilities() -> frozenset[str]:
    """The flags of /proc/cpuinfo; empty where there is none."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return frozenset()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), []))


async def prepared(model: ModelFile, folder: Path, wanted: str, say: Callable[[str], None] | None = None) -> Prepared:
    """The files to load: the model's own or its re-encodings in `folder`, made now if they are not there.

    Raises:
        ConfigurationError: too little disk, or llama.cpp could not re-encode the file.
        Overloaded: another process has been re-encoding for ten minutes.
    """
    return await asyncio.to_thread(_prepared, model, folder, wanted, say)


def _prepared(model: ModelFile, folder: Path, wanted: str, say: Callable[[str], None] | None) -> Prepared:
    formats = choose_formats(model, wanted, processor_abilities())
    reads = _encoded(model, folder, formats.reads, say)
    writes = reads if formats.writes == formats.reads else _encoded(model, folder, formats.writes, say)
    return Prepared(reads, writes)


def _encoded(model: ModelFile, folder: Path, kind: str | None, say: Callable[[str], None] | None) -> Path:
    if kind is None:
        return model.path
    stat = model.path.stat()
    target = folder / f"{model.path.stem}-{stat.st_size:x}-{stat.st_mtime_ns:x}.{kind}.gguf"
    if _is_whole(target):
        return target
    if say:
        say(f"Re-encoding {model.name} as {kind} for this processor; this happens once.")
    with writer_lock(folder, timeout_s=_LOCK_S):
        if not _is_whole(target):
            _check_disk(model, folder, kind)
            _make(model.path, target, kind)
            _remove_older(model.path, target, kind)
    return target


def _is_whole(target: Path) -> bool:
    """Whether it is there, byte by byte as it was made; a damaged copy is made again, since the original is at hand."""
    try:
        stat = target.stat()
        seen = (target, stat.st_size, stat.st_mtime_ns)
        if seen not in _checked:
            if _digest(target).read_text(encoding="ascii", errors="replace").strip() != sha256(target):
                return False
            _checked.add(seen)
    except FileNotFoundError:
        return False
    return True


def _digest(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.sha256")


def _remove_older(source: Path, target: Path, kind: str) -> None:
    """Copies of what the source was before it changed. A process that has one loaded keeps it until it ends."""
    name = re.compile(rf"{re.escape(source.stem)}-[0-9a-f]+-[0-9a-f]+\.{kind}\.gguf")
    for older in target.parent.iterdir():
        if name.fullmatch(older.name) and older != target:
            older.unlink(missing_ok=True)
            _digest(older).unlink(missing_ok=True)


def _check_disk(model: ModelFile, folder: Path, kind: str) -> None:
    needed = model.header.parameters * _FORMATS[kind][1] * 1.05 + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ConfigurationError(
            f"Re-encoding {model.name} as {kind} needs {needed / 1e6:,.0f} MB in {folder}, where "
            f"{free / 1e6:,.0f} are free: make room, or set SIGNALBOX_LOCAL_MODEL_FORMAT=original.",
            field="local_model_format",
        )


def _make(source: Path, target: Path, kind: str) -> None:
    temporary = target.with_name(f".{target.name}.tmp")
    command = [sys.executable, "-P", "-m", __name__, str(source), str(temporary), kind]
    root = Path(__file__).resolve().parents[3]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=os.environ | {"PYTHONPATH": str(root)},
        )
        if done.returncode != 0 or not temporary.is_file():
            log.error("re-encoding failed", source=str(source), kind=kind, said=done.stderr[-_SAID:])
            raise ConfigurationError(
                f"llama.cpp could not re-encode {source} as {kind} (exit code {done.returncode}; the log says more): "
                "set SIGNALBOX_LOCAL_MODEL_FORMAT=original to use it as it is.",
                field="local_model_format",
            )
        read_header(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        write_atomically(_digest(target), sha256(temporary).encode())
        temporary.replace(target)
        sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def main(source: str, target: str, kind: str) -> int:
    import ctypes

    import llama_cpp

    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = _FORMATS[kind][0]
    options.allow_requantize = True
    options.nthread = os.cpu_count() or 1
    return int(llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(options)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))

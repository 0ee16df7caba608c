"""Reading the header of a GGUF file: enough to refuse a damaged one before llama.cpp sees it.

Follows the format's specification, version 2 and 3 (ggml-org/ggml, docs/gguf.md). Tensor data are not read.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from signalbox.errors import ConfigurationError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MOST = 1_000_000  # entries of any list that are believed; more means a damaged file
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# Elements and bytes of one block, by the number of the type.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 30: (1, 2),
}  # fmt: skip
_NAMES = {0: "f32", 1: "f16", 2: "q4_0", 3: "q4_1", 6: "q5_0", 7: "q5_1", 8: "q8_0", 30: "bf16"}


@dataclass(frozen=True, slots=True)
class Header:
    """`weights` is the type most parameters are stored in, such as `q4_1`; `parameters` counts them all."""

    name: str | None
    parameters: int
    weights: str


def read_header(path: Path) -> Header:
    """Raises ConfigurationError naming the file when it is not a GGUF file or is cut short."""
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size)
    except OSError as error:
        raise ConfigurationError(f"The model {path} can't be read: {error.strerror}.", field="local_model") from None
    except (struct.error, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"{path} is not a whole GGUF file ({error}): download it again or set SIGNALBOX_LOCAL_MODEL to another.",
            field="local_model",
        ) from None


def _read(file: BinaryIO, size: int) -> Header:
    if file.read(4) != _MAGIC:
        raise ValueError("it does not start with GGUF")
    version, tensors, pairs = _unpack(file, "I")[0], _count(file), _count(file)
    if version not in _VERSIONS:
        raise ValueError(f"version {version} is unknown")
    metadata = {}
    for _ in range(pairs):
        key = _string(file)
        metadata[key] = _value(file, _unpack(file, "I")[0])
    parameters = 0
    kinds: Counter[int] = Counter()
    end = 0
    for _ in range(tensors):
        _string(file)
        shape = _unpack(file, f"{_unpack(file, 'I')[0]}Q")
        kind, offset = _unpack(file, "I")[0], _unpack(file, "Q")[0]
        elements = math.prod(shape)
        parameters += elements
        kinds[kind] += elements
        per_block, block_bytes = _BLOCKS.get(kind, (1, 0))
        end = max(end, offset + elements // per_block * block_bytes)
    alignment = metadata.get("general.alignment", 32)
    align = alignment if isinstance(alignment, int) and alignment > 0 else 32
    start = -(-file.tell() // align) * align
    if size < start + end:
        raise ValueError(f"it has {size:,} bytes, its header promises {start + end:,}")
    name = metadata.get("general.name")
    most = kinds.most_common(1)[0][0] if kinds else -1
    return Header(name if isinstance(name, str) else None, parameters, _NAMES.get(most, f"type {most}"))


def _unpack(file: BinaryIO, layout: str) -> tuple[int, ...]:
    layout = "<" + layout
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _count(file: BinaryIO) -> int:
    count = _unpack(file, "Q")[0]
    if count > _MOST:
        raise ValueError(f"a count of {count:,}")
    return count


def _string(file: BinaryIO) -> str:
    length = _unpack(file, "Q")[0]
    if length > 100 * _MOST:
        raise ValueError(f"a string of {length:,} bytes")
    content = file.read(length)
    if len(content) < length:
        raise ValueError("its header is cut short")
    return content.decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int) -> object:
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        inner, count = _unpack(file, "I")[0], _count(file)
        if inner in _SCALARS:
            file.seek(count * struct.calcsize("<" + _SCALARS[inner]), 1)
        else:
            for _ in range(count):
                _value(file, inner)
        return None
    return _unpack(file, _SCALARS[kind])[0] if kind in _SCALARS else _unknown(kind)


def _unknown(kind: int) -> object:
    raise ValueError(f"a value of type {kind}")

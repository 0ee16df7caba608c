"""What people said of cases, from a CSV or JSONL file with the columns `id` and `verdict`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from signalbox.errors import InvalidInput

_WORDS = {"right": 1.0, "wrong": 0.0, "yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0}
_MOST_BYTES = 50_000_000
_MOST = 1_000_000


def read_labels(path: Path) -> dict[str, float]:
    """By case id, 0 to 1. Rows without a verdict are left out.

    Raises:
        InvalidInput: the file can't be read, or a line breaks a rule; the message names it.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InvalidInput(f"{path} is larger than {_MOST_BYTES:,} bytes.", field="people")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.", field="people") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not UTF-8.", field="people") from None
    found: dict[str, float] = {}
    for line, row in _rows(path, text):
        name, said = row.get("id"), row.get("verdict")
        if not isinstance(name, str | int) or isinstance(name, bool) or "verdict" not in row:
            raise InvalidInput(f"{path}, line {line}: the columns id and verdict are needed.", field="people")
        if said is None or str(said).strip() == "":
            continue
        if str(name) in found:
            raise InvalidInput(f"{path}, line {line}: {str(name)[:80]!r} has a verdict already.", field="people")
        found[str(name)] = _value(path, line, said)
        if len(found) > _MOST:
            raise InvalidInput(f"{path} has more than {_MOST:,} verdicts.", field="people")
    return found


def _rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        for line, content in enumerate(text.splitlines(), start=1):
            if not content.strip():
                continue
            try:
                row = json.loads(content)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise InvalidInput(f"{path}, line {line}: this is no JSON object.", field="people")
            yield line, row
        return
    reader = csv.DictReader(text.splitlines())
    for row in reader:
        yield reader.line_num, row


def _value(path: Path, line: int, said: object) -> float:
    word = str(said).strip().lower()
    try:
        value = _WORDS[word] if word in _WORDS else float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InvalidInput(f"{path}, line {line}: {str(said)[:40]!r} is neither right, wrong, nor within 0 and 1.",
                           field="people")  # fmt: skip
    return value

"""Reading the files of attack suites: limits on bytes and rows, and errors that name file, line, rule and remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from signalbox.errors import InvalidInput, NotFound, TooLarge

MAX_BYTES = 50_000_000
MAX_ROWS = 100_000
MAX_CHARS = 200_000


def read_text(path: Path) -> str:
    """The file as text.

    Raises:
        NotFound: it is not there.
        TooLarge: it has more than `MAX_BYTES` bytes.
        InvalidInput: it can't be read, or is not UTF-8.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", field="file")
    if path.stat().st_size > MAX_BYTES:
        raise TooLarge(f"{path} has more than {MAX_BYTES:,} bytes: split it.", field="file")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 at byte {error.start:,}: save it as UTF-8.", field="file") from None
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.", field="file") from None


def read_json(path: Path) -> Any:
    """Raises as `read_text`, and InvalidInput where the file is no JSON."""
    return parse_json(read_text(path), str(path))


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's place, for messages, and its object; empty lines are left out.

    Raises:
        InvalidInput: a line is no JSON object.
        TooLarge: there are more than `MAX_ROWS` lines.
    """
    count = 0
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        count += 1
        check_count(count, path)
        where = f"{path}, line {number}"
        value = parse_json(line, where)
        if not isinstance(value, dict):
            raise InvalidInput(f"{where}: not a JSON object.", field="line")
        yield where, value


def parse_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where}: not JSON: {error}.", field="file") from None


def text_of(row: dict[str, Any], name: str, where: str) -> str:
    """A value that must be text with something in it.

    Raises:
        InvalidInput: it is missing, no text, or empty.
        TooLarge: it has more than `MAX_CHARS` characters.
    """
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        said = "is missing" if name not in row else "must be text that is not empty"
        raise InvalidInput(f"{where}: {name} {said}.", field=name)
    if len(value) > MAX_CHARS:
        raise TooLarge(f"{where}: {name} has more than {MAX_CHARS:,} characters: shorten it.", field=name)
    return value.strip()


def check_count(count: int, path: Path) -> None:
    if count > MAX_ROWS:
        raise TooLarge(f"{path} has more than {MAX_ROWS:,} rows: split it.", field="file")

"""Reading files of cases within limits: there, not too large, UTF-8. What stands in them is for their readers."""

from __future__ import annotations

from pathlib import Path

from signalbox.errors import InvalidInput, NotFound, TooLarge

MAX_BYTES = 100_000_000
MAX_LINE = 4_000_000
"""Most bytes of a file, and most characters of one line of it."""


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The whole file.

    Raises:
        NotFound: there is no such file.
        TooLarge: it has more than `limit` bytes.
        InvalidInput: it can't be read.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", field="file")
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.", field="file") from None
    if len(content) > limit:
        raise TooLarge(f"{path} has more than {limit:,} bytes: split it.", field="file")
    return content


def decoded(content: bytes, path: Path) -> str:
    """Its text, without a byte order mark.

    Raises:
        InvalidInput: it is not UTF-8; the message names the line.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            f"{path}, line {line}: not UTF-8 at byte {error.start:,}: save it as UTF-8.", field="file"
        ) from None


def read_lines(path: Path, limit: int = MAX_BYTES) -> list[str]:
    """Its lines without their ends. Only line feeds end a line: other line breaks may stand inside texts.

    Raises:
        NotFound, TooLarge, InvalidInput: as `read_bytes` and `decoded`, or a line is too long.
    """
    lines = decoded(read_bytes(path, limit), path).split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            raise TooLarge(f"{path}, line {number}: more than {MAX_LINE:,} characters: shorten it.", field="line")
    return [line.removesuffix("\r") for line in lines]

"""Files that come in a multipart body, written to disk as they arrive, within limits on size, number and time.

Their names are data: only the last part of a path is kept, and nothing is ever opened under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from api.body.json import check_encoding
from retriever.files import document_id
from signalbox.errors import InvalidInput, TooLarge

MULTIPART = "multipart/form-data"
MOST_FILES = 100
_PIECE_TIMEOUT_S = 30.0
_TOTAL_TIMEOUT_S = 600.0
_MOST_FIELDS = 10


@asynccontextmanager
async def uploaded(request: Request, most_bytes: int) -> AsyncIterator[list[UploadFile]]:
    """The files of a multipart body; gone when the block is left.

    Raises:
        TooLarge: the body is larger than `most_bytes`; reading stopped there.
        InvalidInput: a part is no file, or there is none.
        HTTPException: 400 for a body that is no multipart, 408 when it does not arrive in time.
    """
    async with uploaded_with(request, most_bytes, ()) as (files, _):
        yield files


@asynccontextmanager
async def uploaded_with(
    request: Request, most_bytes: int, fields: Collection[str]
) -> AsyncIterator[tuple[list[UploadFile], dict[str, str]]]:
    """`uploaded`, where parts called as in `fields` may be text; these come beside the files, by name.

    Raises:
        InvalidInput: also where one of the fields comes twice.
    """
    check_encoding(request)
    parser = MultiPartParser(
        request.headers, _limited(request, most_bytes), max_files=MOST_FILES, max_fields=_MOST_FIELDS
    )
    try:
        async with asyncio.timeout(_TOTAL_TIMEOUT_S):
            form = await parser.parse()
    except (MultiPartException, KeyError) as error:  # a KeyError is a missing boundary
        said = error.message if isinstance(error, MultiPartException) else "The boundary is missing."
        raise HTTPException(400, f"The body is not multipart/form-data as it should be: {said}") from None
    except TimeoutError:
        detail = f"The upload did not arrive within {_TOTAL_TIMEOUT_S:g} s."
        raise HTTPException(408, detail, headers={"Connection": "close"}) from None
    try:
        files: list[UploadFile] = []
        values: dict[str, str] = {}
        for name, part in form.multi_items():
            if isinstance(part, UploadFile):
                files.append(part)
            elif name not in fields:
                raise InvalidInput(f"Part {name[:80]!r} is no file: send files only, each with a name.", field="file")
            elif name in values:
                raise InvalidInput(f"Part {name!r} comes twice. Send it once.", field=name)
            else:
                values[name] = part
        if not files:
            raise InvalidInput("The upload has no file. Send at least one.", field="file")
        yield files, values
    finally:
        await form.close()


def plain_name(file: UploadFile) -> str:
    """The name a file's document goes by: the last part of the path it was sent under.

    Raises:
        InvalidInput: there is none.
    """
    name = document_id((file.filename or "").replace("\\", "/").rpartition("/")[2].strip())
    if name.strip(". ") == "":
        raise InvalidInput(f"{(file.filename or '')[:80]!r} is no file name. Name the file.", field="file")
    return name


async def _limited(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 18 or int(announced) > most_bytes):
        raise _too_large(most_bytes)
    size = 0
    pieces = request.stream().__aiter__()
    while True:
        try:
            async with asyncio.timeout(_PIECE_TIMEOUT_S):
                piece = await anext(pieces, None)
        except TimeoutError:
            detail = f"Nothing of the upload arrived for {_PIECE_TIMEOUT_S:g} s."
            raise HTTPException(408, detail, headers={"Connection": "close"}) from None
        if piece is None:
            return
        size += len(piece)
        if size > most_bytes:
            raise _too_large(most_bytes)
        yield piece


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(
        f"The upload is larger than {most_bytes:,} bytes. Send fewer files at once or raise "
        "SIGNALBOX_MAX_UPLOAD_BYTES.",
        field="body",
    )

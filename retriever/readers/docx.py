"""Word documents: paragraphs, headings, lists and tables in order.

An archive that unpacks too far is refused before it is unpacked.
"""

from __future__ import annotations

import io
import re
import zipfile
from itertools import pairwise

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph

from retriever.documents import Limits
from retriever.readers.blocks import Block, Draft, table_rows
from signalbox.errors import InvalidInput, TooLarge, UnsupportedType

_MAX_RATIO = 200  # unpacked over packed; documents stay under 30
_MAX_MEMBERS = 10_000
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # an OLE container: a .doc, or a .docx with a password


def read(data: bytes, name: str, limits: Limits) -> Draft:
    if data.startswith(_OLD_OFFICE):
        raise InvalidInput(
            f"{name} is encrypted or an old .doc: save it as .docx without a password, then add it again."
        )
    _check_archive(data, name, limits)
    document = docx.Document(io.BytesIO(data))
    blocks: list[Block] = []
    item = False
    for part in document.iter_inner_content():
        if isinstance(part, Table):
            blocks += (Block(row, tight=number > 0) for number, row in enumerate(table_rows(_rows(part))))
            item = False
            continue
        block = _paragraph(part, item)
        item = block.text.startswith("- ")
        blocks.append(block)
    title = (document.core_properties.title or "").strip()
    heading = next((block.text for block in blocks if block.level), None)
    return Draft(blocks, title=heading or title or None)


def _check_archive(data: bytes, name: str, limits: Limits) -> None:
    """Refuse before anything is unpacked. Members can't be larger than they declare: reading stops there."""
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except zipfile.BadZipFile as error:
        raise UnsupportedType(
            f"{name} is not a Word document: it is no ZIP archive. Save it as .docx from a word processor."
        ) from error
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > limits.document_bytes or len(members) > _MAX_MEMBERS:
        raise TooLarge(
            f"{name} unpacks to {unpacked:,} bytes in {len(members):,} parts; the limit is {limits.document_bytes:,} "
            "bytes. Split it, remove pictures, or raise SIGNALBOX_MAX_DOCUMENT_BYTES."
        )
    if unpacked > 1_000_000 and unpacked > _MAX_RATIO * max(packed, 1):
        raise TooLarge(
            f"{name} unpacks to {unpacked // max(packed, 1)} times its size, which no document does; the limit is "
            f"{_MAX_RATIO} times. Save it again from a word processor."
        )
    if "word/document.xml" not in {member.filename for member in members}:
        raise UnsupportedType(
            f"{name} is an archive, but not a Word document: word/document.xml is missing. Save it again."
        )


def _rows(table: Table) -> list[list[str]]:
    """The cells' texts; a merged cell, which python-docx repeats, once."""
    rows = []
    for row in table.rows:
        cells = list(row.cells)
        repeated = [False, *(cell._tc is before._tc for before, cell in pairwise(cells))]
        rows.append(["" if again else cell.text for cell, again in zip(cells, repeated, strict=True)] if cells else [])
    return rows


def _paragraph(paragraph: Paragraph, after_item: bool) -> Block:
    style = (paragraph.style.name or "") if paragraph.style else ""
    heading = re.fullmatch(r"Heading (\d)", style)
    if heading or style == "Title":
        return Block(paragraph.text, level=min(6, int(heading.group(1))) if heading else 1)
    if style.startswith("List") and paragraph.text.strip():
        return Block(f"- {paragraph.text}", tight=after_item)
    return Block(paragraph.text)

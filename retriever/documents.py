"""What the retriever keeps: documents with normalised text and sections, and the limits they must stay within.

All offsets in this package are characters of `Document.text`, which is normalised before any offset is taken.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from signalbox.errors import InvalidInput
from signalbox.settings import Settings

MAX_ID = 1_000
_NOT_IN_ID = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document that no chunk crosses: from `start` to the next section's start.

    Attributes:
        start: offset of its first character, the heading's where it has one.
        body: offset of the first character after the heading.
        metadata: what every chunk of it carries, such as `section`, `page` or `row`.
    """

    start: int
    body: int
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A text that can be quoted. Make one with `Document.make`, which normalises and hashes.

    Attributes:
        id: the path relative to the folder it was read from, or the file's name.
        title: shown with every quote.
        text: normalised; all offsets refer to it.
        metadata: exact-match filters see these.
        source: where it came from, for people.
        sections: in order, the first at 0; may be empty.
        hash: changes when anything above does.
    """

    id: str
    title: str
    text: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    sections: tuple[Section, ...] = ()
    hash: str = ""

    @classmethod
    def make(
        cls,
        document_id: str,
        text: str,
        *,
        title: str | None = None,
        metadata: Mapping[str, str] | None = None,
        source: str = "",
    ) -> Self:
        """A document from plain text.

        Raises:
            InvalidInput: the id breaks its rule or the text has no visible character.
        """
        clean = normalise(text)
        check_id(document_id)
        if not clean:
            raise InvalidInput(f"Document {document_id!r} has no text: give it some, or leave it out.", field="text")
        document = cls(
            id=document_id,
            title=normalise(title or "").replace("\n", " ") or document_id,
            text=clean,
            metadata={normalise(str(key)): normalise(str(value)) for key, value in (metadata or {}).items()},
            source=normalise(source),
        )
        return document.hashed()

    def hashed(self) -> Self:
        """This document with `hash` computed from its content."""
        sections = [[section.start, section.body, dict(section.metadata)] for section in self.sections]
        content = json.dumps([self.title, self.text, dict(self.metadata), sections], sort_keys=True)
        return replace(self, hash=hashlib.sha256(content.encode()).hexdigest())


def check_id(document_id: str) -> None:
    """Raises InvalidInput when a document can't be stored and asked for under this id."""
    if not document_id.strip() or len(document_id) > MAX_ID or _NOT_IN_ID.search(document_id):
        raise InvalidInput(
            f"{document_id[:80]!r} can't be a document's id: use 1 to {MAX_ID} characters, no control characters.",
            field="id",
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes of one document, packed and unpacked, and most documents of one index."""

    document_bytes: int = 50_000_000
    documents: int = 100_000

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.max_document_bytes, settings.max_documents)


# Zero-width characters, direction marks, tags and the soft hyphen: invisible, and used to hide text.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
                        "\u2060-\u206f\ufeff\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")  # fmt: skip
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
# Joiners change how Arabic and Indic letters join, and mean nothing elsewhere.
_JOINER = re.compile("(?<![\u0600-\u0dff])[\u200c\u200d]|[\u200c\u200d](?![\u0600-\u0dff])")
_NEWLINES = re.compile("\r\n|[\r\v\x85\u2028]")
_PARAGRAPHS = re.compile("[\f\u2029]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def normalise(text: str) -> str:
    """`text` as it is stored: NFC, `\\n` newlines, plain spaces, nothing invisible, at most one empty line in a row.

    Normalising twice changes nothing.
    """
    text = _PARAGRAPHS.sub("\n\n", _NEWLINES.sub("\n", text))
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    text = _SPACES.sub(" ", _JOINER.sub("", _INVISIBLE.sub("", text)))
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r"[ \t]+(?=\n|$)", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()

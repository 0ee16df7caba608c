"""What documents look like on the wire: as text that comes in, in lists, whole, and as chunks that were found."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.http import errors
from retriever import Document

MetadataKey = Annotated[str, Field(min_length=1, max_length=100)]
MetadataValue = Annotated[str, Field(max_length=1_000)]


class NewDocument(BaseModel):
    """A document as text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(min_length=1, max_length=1_000, description="An id that is there already is replaced.")
    text: str = Field(min_length=1)
    title: str | None = Field(None, max_length=1_000, description="Shown with every quote; the id when left out.")
    metadata: dict[MetadataKey, MetadataValue] = Field(default_factory=dict, max_length=50)


class DocumentItem(BaseModel):
    """A document as a list shows it. `characters` and `chunks` count what its text has."""

    id: str
    title: str
    source: str
    characters: int
    chunks: int
    metadata: dict[str, str]


class DocumentPage(BaseModel):
    """In the order of their ids."""

    items: list[DocumentItem]
    next_cursor: str | None


class Piece(BaseModel):
    """A part of the text, `text[start:end]` in characters."""

    start: int
    end: int


class WholeDocument(BaseModel):
    id: str
    title: str
    source: str
    text: str
    metadata: dict[str, str]
    chunks: list[Piece] = Field(description="What is searched; one may begin with the end of the one before.")
    sentences: list[Piece] = Field(description="What can be quoted.")


class Ingested(BaseModel):
    """What became of one file. A failed one changed nothing; an earlier version of it stays."""

    name: str
    state: Literal["ingested", "failed"]
    id: str | None = None
    title: str | None = None
    characters: int | None = None
    error: errors.Problem | None = None


class IngestResult(BaseModel):
    """What was sent, in its order, and what changed. `documents` and `chunks` are what the whole index holds now."""

    items: list[Ingested]
    added: int
    updated: int
    unchanged: int
    documents: int
    chunks: int


class FoundChunk(BaseModel):
    """A chunk with why it was found: `similarity` is the cosine, `score` what the list is ordered by."""

    chunk_id: str
    document_id: str
    title: str
    text: str
    start: int
    score: float
    similarity: float
    bm25: float
    metadata: dict[str, str]


class SearchResult(BaseModel):
    items: list[FoundChunk]


def document_of(value: Any) -> Document:
    """The document that a `NewDocument` describes.

    Raises:
        RequestValidationError, InvalidInput: it is none.
    """
    try:
        given = NewDocument.model_validate(value)
    except ValidationError as error:
        found = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(found) from None
    return Document.make(given.id, given.text, title=given.title, metadata=given.metadata)

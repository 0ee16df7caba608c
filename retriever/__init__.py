"""Documents in, passages out: readers, sentence-aware chunks, and an index of FAISS and BM25 on disk.

Knows nothing of how an answer is made from a passage, nor of HTTP.
"""

from __future__ import annotations

from retriever.documents import Document, Limits
from retriever.index import Index, IndexStats
from retriever.ingest import IngestReport, delete, ingest, upsert
from retriever.readers import read_bytes
from retriever.records import DocumentEntry
from retriever.sentences import Span, split_sentences

__all__ = [
    "Document",
    "DocumentEntry",
    "Index",
    "IndexStats",
    "IngestReport",
    "Limits",
    "Span",
    "delete",
    "ingest",
    "read_bytes",
    "split_sentences",
    "upsert",
]

"""Three queries to start with, made from what the documents' own headings promise."""

from __future__ import annotations

import asyncio

from api.service.wiring import Service
from retriever import Document

_MOST_LOOKED_AT = 60
_LONGEST = 90


async def example_queries(service: Service, count: int = 3) -> list[str]:
    """At most `count` queries from documents that lie apart in the list; none where there are no documents."""
    index = service.models.index
    if not index.stats.documents:
        return []
    loop = asyncio.get_running_loop()
    documents = await loop.run_in_executor(service.models.executor, lambda: index.documents(limit=_MOST_LOOKED_AT))
    return spread([query for query in map(query_of, documents) if query], count)


def query_of(document: Document) -> str | None:
    """A query about one section of the document, or its title where it has no sections that can be asked about."""
    title = _clean(document.title)
    headings = [_clean(document.text[section.start : section.body]) for section in document.sections]
    named = [heading for heading in headings if heading and heading.lower() != title.lower()]
    for heading in named:
        query = f"{title}: {heading[:1].lower()}{heading[1:].rstrip('.?')}?"
        if len(query) <= _LONGEST:
            return query
    return f"{title}?" if 0 < len(title) < _LONGEST else None


def spread(items: list[str], count: int) -> list[str]:
    """`count` of the items at equal distances."""
    if len(items) <= count:
        return items
    return [items[(2 * place + 1) * len(items) // (2 * count)] for place in range(count)]


def _clean(heading: str) -> str:
    return heading.strip().lstrip("#").strip().partition("\n")[0].strip()

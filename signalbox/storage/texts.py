"""Texts as the tables hold and find them: pure functions."""

from __future__ import annotations

SEARCH_CHARS = 2_000


def plain(text: str) -> str:
    """No stored text has such characters, and PostgreSQL refuses to look for them."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def search_text(query: str | None) -> str | None:
    """What `ReviewFilter.text` is looked for in."""
    return None if query is None else plain(query[:SEARCH_CHARS].casefold())

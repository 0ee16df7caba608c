"""The pages, one a module; importing a module registers its paths."""

from __future__ import annotations

PAGES = ("ask",)

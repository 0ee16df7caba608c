"""Style sheets and scripts that only one page needs, put into its head."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from nicegui import ui

_STATIC = Path(__file__).parent / "static"


def use(*names: str) -> None:
    """Load files of `static` with the page that is being built: `review.css`, `review.js`."""
    for name in names:
        url = f"/ui/static/{name}?{_version(name)}"
        if name.endswith(".css"):
            ui.add_head_html(f'<link rel="stylesheet" href="{url}">')
        else:
            ui.add_head_html(f'<script src="{url}"></script>')


@lru_cache
def _version(name: str) -> str:
    """Browsers keep the file for an hour; its name changes when it does."""
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]

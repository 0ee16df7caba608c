"""Colours, type and symbols: the tokens of both themes, written into every page's head.

The style sheet uses these names only; a colour is decided here or nowhere. Contrast of every text colour against its
grounds is at least 4.5 (a test computes it).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

LIGHT: Mapping[str, str] = {
    "ground": "#f7f7f5",
    "surface": "#ffffff",
    "sunken": "#f0f0ed",
    "hover": "#f2f2ef",
    "line": "#e4e4df",
    "line-strong": "#cfcfc8",
    "text": "#1c1c1a",
    "muted": "#5f5f59",
    "accent": "#0b6170",
    "accent-hover": "#084c58",
    "accent-soft": "#e2f0f2",
    "on-accent": "#ffffff",
    "classifier": "#7a35a8",
    "grounded": "#23692b",
    "cloud": "#1d5fb8",
    "review": "#8a4b00",
    "right": "#23692b",
    "wrong": "#b0271c",
    "wrong-soft": "#fbecea",
    "warn-soft": "#fdf3e0",
    "mark": "#fbe58e",
    "on-mark": "#1c1c1a",
}
DARK: Mapping[str, str] = {
    "ground": "#121315",
    "surface": "#1a1b1e",
    "sunken": "#151618",
    "hover": "#232529",
    "line": "#2a2c31",
    "line-strong": "#41444b",
    "text": "#ececea",
    "muted": "#a2a4aa",
    "accent": "#5cc3d3",
    "accent-hover": "#86d6e2",
    "accent-soft": "#14343a",
    "on-accent": "#06191d",
    "classifier": "#c796ec",
    "grounded": "#7cc784",
    "cloud": "#80b4f5",
    "review": "#eeb25a",
    "right": "#7cc784",
    "wrong": "#f58d82",
    "wrong-soft": "#3a1e1c",
    "warn-soft": "#35290f",
    "mark": "#6b5a14",
    "on-mark": "#fdf6d8",
}

# Drawn on a 16-pixel grid with a line of 1.5.
_ICONS: Mapping[str, str] = {
    "ask": '<path d="M2.5 3.5h11v7.5H8l-3 2.5V11H2.5z"/>',
    "predictions": '<path d="M2.5 4h11M2.5 8h11M2.5 12h7"/>',
    "review": '<path d="M2.5 8.5l3.2 3.2L13.5 4"/>',
    "documents": '<path d="M4 2h5.5L12.5 5v9H4zM9.5 2v3h3M6 8h4.5M6 10.5h4.5"/>',
    "experts": '<path d="M8 2L14 5 8 8 2 5zM4 6.3v3.7c0 1 2 2 4 2s4-1 4-2V6.3M14 5v4.5"/>',
    "evals": '<path d="M2.5 13.5h11M4 11V8M8 11V3.5M12 11V6"/>',
    "theme": '<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5v11A5.5 5.5 0 0 0 8 2.5z" fill="black"/>',
    "keys": '<path d="M1.5 4.5h13v7h-13zM4 7h.5M7 7h.5M10 7h.5M12 7h.3M5 9.5h6"/>',
    "check": '<path d="M3 8.5l3.3 3.3L13 4.5"/>',
    "cross": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "send": '<path d="M8 13V3.5M4 7.2L8 3.2l4 4"/>',
    "stop": '<path d="M4.5 4.5h7v7h-7z" fill="black"/>',
    "chevron": '<path d="M6 3.5L10.5 8 6 12.5"/>',
    "options": '<path d="M2.5 5h6M11.5 5h2M2.5 11h2M7.5 11h6"/><circle cx="10" cy="5" r="1.5"/>'
    '<circle cx="6" cy="11" r="1.5"/>',
    "download": '<path d="M8 2.5v7.5M4.7 7L8 10.2 11.3 7M2.5 13.2h11"/>',
    "columns": '<path d="M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10"/>',
    "search": '<circle cx="7" cy="7" r="4.2"/><path d="M10.2 10.2l3.3 3.3"/>',
    "back": '<path d="M9.5 3.5L5 8l4.5 4.5"/>',
    "warning": '<path d="M8 2.5l6 11H2zM8 6.5v3.2M8 11.6v.3"/>',
    "copy": '<path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3"/>',
    "leave": '<path d="M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6"/>',
    "clock": '<circle cx="8" cy="8" r="5.5"/><path d="M8 4.8V8l2.3 1.4"/>',
    "branch": '<circle cx="4" cy="4" r="1.7"/><circle cx="4" cy="12" r="1.7"/><circle cx="12" cy="6" r="1.7"/>'
    '<path d="M4 5.7v4.6M12 7.7c0 2.5-4 2-7 3"/>',
}

FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b6170"/>'
    '<path d="M7 22h18M9 22c7 0 7-11 15-11" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/>'
    "</svg>"
)


def head(static: Path) -> str:
    """What every page's head carries: the tokens, the theme before anything is drawn, and the style sheet."""
    return "\n".join(
        [
            f"<style>{tokens()}\n{icons()}</style>",
            # Before the body is drawn, or the page would flash in the other theme.
            "<script>document.documentElement.dataset.theme=localStorage.getItem('signalbox-theme')||"
            "(matchMedia('(prefers-color-scheme: dark)').matches?'dark':'light')</script>",
            f'<link rel="stylesheet" href="/ui/static/signalbox.css?{_version(static / "signalbox.css")}">',
            f'<script src="/ui/static/signalbox.js?{_version(static / "signalbox.js")}"></script>',
        ]
    )


def tokens(*, by_system: bool = False) -> str:
    """Both themes as custom properties: chosen by `data-theme`, or where no script runs by what the system says."""
    light = "".join(f"--{name}:{value};" for name, value in LIGHT.items())
    dark = "".join(f"--{name}:{value};" for name, value in DARK.items())
    if by_system:
        return f":root{{{light}color-scheme:light dark}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return f":root{{{light}color-scheme:light}}\n:root[data-theme=dark]{{{dark}color-scheme:dark}}"


def icons() -> str:
    return "\n".join(f".icon-{name}{{--icon:url('{_image(paths)}')}}" for name, paths in _ICONS.items())


def _image(paths: str) -> str:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="black" stroke-width="1.5" '
        f'stroke-linecap="round" stroke-linejoin="round">{paths}</svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"


def _version(path: Path) -> str:
    """Browsers keep the file for an hour; its name changes when it does."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]

"""The frame as plain HTML: what a page looks like until its scripts have loaded, which then draw it in the same place.

It hides itself by the style sheet as soon as there is something in the place of the application.
"""

from __future__ import annotations

import html

from api.ui.navigation import RAIL


def ghost(title: str, active: str, *, tools: int, back: bool) -> str:
    """Markup of the rail, the header and two bars where the content comes.

    Args:
        title: of the page, in the header.
        active: the key of the rail's entry to mark.
        tools: how many entries are at the rail's foot.
        back: whether the header begins with a button that leads back.
    """
    entries = "".join(
        f'<span class="rail-item"{_marked(entry.key == active)}><span class="icon icon-{entry.icon}"></span>'
        f"<span>{html.escape(entry.label)}</span></span>"
        for entry in RAIL
    )
    space = '<span class="button quiet square"></span>' if back else ""
    return f"""<div class="frame ghost" aria-hidden="true"><div class="rail">
<div class="brand"><span class="brand-sign icon-branch"></span><span>Signalbox</span></div>
<div class="rail-list">{entries}</div><div class="rail-foot">{'<span class="rail-item"></span>' * tools}</div></div>
<div class="main"><div class="head">{space}<strong class="ghost-title">{html.escape(title)}</strong></div>
<div class="content"><div class="skeleton ghost-wide"></div><div class="skeleton"></div></div></div></div>"""


def _marked(current: bool) -> str:
    return ' aria-current="page"' if current else ""

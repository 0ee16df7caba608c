"""A terminal that shows texts and obeys none of them: colours are the command's own, never those of a case."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from api.cli.output import safe


class Terminal(Console):
    """Whatever is printed goes by here, however it came into a table or a sentence."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else safe(text, lines=True), style, control)

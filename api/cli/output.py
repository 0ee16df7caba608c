"""How commands talk: results on standard output, progress and messages on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from signalbox.settings import Settings

Progress = Callable[[float, str], None]


def out() -> Console:
    """For results. Width follows the terminal; 100 columns where there is none."""
    from api.cli.terminal import Terminal

    return Terminal(highlight=False, width=None if sys.stdout.isatty() else 100)


def safe(text: str, *, lines: bool = False) -> str:
    """Without what a terminal would obey, such as escape sequences, titles and turns of direction.

    Args:
        lines: keep the ends of lines, which else become spaces.
    """
    if text.isprintable():
        return text
    kept = (char if char.isprintable() or (lines and char == "\n") else " " if char.isspace() else "" for char in text)
    return "".join(kept)


def say(message: str) -> None:
    """A message for people."""
    print(safe(message, lines=True), file=sys.stderr)  # noqa: T201


def quiet(settings: Settings) -> Settings:
    """The same for a command: it logs warnings only, unless someone has asked for more."""
    if settings.source("log_level") != "default":
        return settings
    return settings.model_copy(update={"log_level": "warning"})


def emit(line: str) -> None:
    """One line of a result for programs."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar on standard error: call it with the share done (0 to 1) and the stage. Silent without a terminal."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from api.cli.terminal import Terminal

    console = Terminal(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[stage]}", table_column=None),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(title, total=1.0, stage="")
        yield lambda share, stage: bar.update(task, completed=share, stage=stage)

"""Runs the benchmarks one after another and puts their figures on the board in README.md.

`python -m benchmarks.all [--quick] [--only NAME ...] [--kept FOLDER] [--write]`

Data sets are found through the environment variable SIGNALBOX_DATA; a benchmark whose data are absent is left out, and
said to be. `--quick` shortens what takes long, or leaves it out, to stay within ten minutes on two cores. With `--kept`
the figures of each are kept as it ends, and what is kept is not run again: a board may be made in several sittings, and
a benchmark is run anew by removing its file. `--write` needs all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from benchmarks._board import ENTRIES, Entry, Figures
from benchmarks._common import write_readme_section
from signalbox.files import write_atomically

_TIMEOUT_S = 3_600


@dataclass(frozen=True)
class Run:
    """One benchmark as it was run: `command` as anybody may repeat it, files by the word FILE."""

    command: str
    seconds: float
    figures: Figures


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorten what takes long")
    parser.add_argument("--only", nargs="+", choices=[entry.title for entry in ENTRIES], help="just these")
    parser.add_argument(
        "--kept", type=Path, metavar="FOLDER", help="keep figures here, and don't run again what is kept"
    )
    parser.add_argument("--write", action="store_true", help="replace the board in README.md; needs all of them")
    arguments = parser.parse_args(argv)
    console = Console(stderr=True)
    runs: dict[str, Run] = {}
    for entry in ENTRIES:
        if arguments.only and entry.title not in arguments.only:
            continue
        console.print(f"{entry.title} …")
        found = _kept(entry, arguments.kept) or run(entry, quick=arguments.quick)
        if isinstance(found, str):
            console.print(f"  left out: {found}")
            continue
        console.print(f"  {found.seconds:.0f} s")
        runs[entry.title] = found
        if arguments.kept is not None:
            write_atomically(_file(entry, arguments.kept), json.dumps(asdict(found), allow_nan=False).encode())
    board = _board(runs)
    print(board)
    if arguments.write:
        if len(runs) < len(ENTRIES):
            raise SystemExit("README.md is left as it is: its board needs every benchmark.")
        write_readme_section("board", board)
    print(json.dumps({title: done.figures for title, done in runs.items()}, allow_nan=False))


def run(entry: Entry, *, quick: bool) -> Run | str:
    """The benchmark's figures, or the reason why there are none."""
    if quick and entry.quick is None:
        return "it takes too long for a quick board"
    chosen = [*entry.arguments, *(entry.quick or () if quick else ())]
    files: list[str] = []
    for flag, name in entry.data:
        folder = os.environ.get("SIGNALBOX_DATA")
        path = Path(folder) / name if folder else None
        if path is None or not path.is_file():
            return f"its data ({name}) are not below SIGNALBOX_DATA"
        files += [flag, str(path)]
    module, started = f"benchmarks.{entry.name}", time.monotonic()
    command = [sys.executable, "-m", module, "--json", *chosen, *files]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"it took longer than {_TIMEOUT_S:,} s"
    if done.returncode != 0:
        return f"it ended with exit code {done.returncode}"
    shown = " ".join(["python -m", module, *chosen, *(f"{flag} FILE" for flag, _ in entry.data)])
    return Run(shown, time.monotonic() - started, json.loads(done.stdout.strip().splitlines()[-1]))


def _file(entry: Entry, folder: Path) -> Path:
    return folder / f"{entry.title}.json"


def _kept(entry: Entry, folder: Path | None) -> Run | None:
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    file = _file(entry, folder)
    return Run(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def _board(runs: dict[str, Run]) -> str:
    rows = [
        f"| {entry.row(runs[entry.title].figures)} | `{runs[entry.title].command}` |"
        for entry in ENTRIES
        if entry.title in runs
    ]
    return "\n".join(["| Signalbox | beside it | command |", "|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    main()

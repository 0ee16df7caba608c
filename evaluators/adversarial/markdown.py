"""The report of an attack run as Markdown. Texts of attacks stand in it as code: nothing of them is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evaluators.adversarial import wording
from evaluators.adversarial.reporting import AttackReport, DefenceFigures


def markdown(report: AttackReport) -> str:
    parts = [f"# {_plain(wording.title(report))}", " ".join(map(_plain, wording.summary(report)))]
    parts += ["## What gets through", _bullets(wording.verdicts(report)) or "Nothing could be measured."]
    for result in report.results:
        parts += _result(result)
    parts += _before_after(report)
    examples = _examples(report)
    if examples:
        parts += ["## Examples of what got through", *examples]
    return "\n\n".join(part for part in parts if part) + "\n"


def _result(result: DefenceFigures) -> list[str]:
    name = f"Families, defences {result.defences}" if result.defences else "Families"
    rows = [wording.cells(one) for one in wording.whole(result.families)]
    return [f"## {_plain(name)}", _table(wording.HEAD, rows)]


def _before_after(report: AttackReport) -> list[str]:
    if len(report.results) < 2:
        return []
    by_name = [{one.family: one for one in wording.whole(result.families)} for result in report.results]
    rows = [
        [family, *(wording.difference(own[family].success) if family in own else wording.UNMEASURED for own in by_name)]
        for family in by_name[0]
    ]
    return ["## Before and after", _table(["net success", *(result.defences for result in report.results)], rows)]


def _examples(report: AttackReport) -> list[str]:
    return [
        f"**{_plain(one.family)}**, strength {_plain(one.strength)}, case `{_code(one.case)}`"
        f"{f', defences {_plain(one.defences)}' if one.defences else ''}:"
        f"\n\n{_block(one.asked)}\n\nSaid:\n\n{_block(one.said)}"
        for one in report.examples
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    named, *told = (_line([_plain(cell) for cell in row]) for row in (head, *rows))
    return "\n".join([named, _line(["---"] * len(head)), *told])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {_plain(one)}" for one in sentences)


def _plain(text: str) -> str:
    """One line in which nothing is markup, nor turns the text around it."""
    return "".join(f"\\{char}" if char in "\\`*[]<>|" else _shown(char) for char in " ".join(text.split()))


def _shown(char: str) -> str:
    """What a terminal or a page would obey, by its number."""
    return char if char.isprintable() else f"&lt;U+{ord(char):04X}&gt;"


def _code(text: str) -> str:
    flat = " ".join(text.split()).replace("`", "'")
    return "".join(char if char.isprintable() else f"<U+{ord(char):04X}>" for char in flat)


def _block(text: str) -> str:
    """Indented, which no character of the text can end."""
    shown = "".join(char if char.isprintable() or char == "\n" else f"<U+{ord(char):04X}>" for char in text)
    return "\n".join(f"    {line}" for line in shown.split("\n"))

"""Were the texts filled into templates? Rows that are the same but for one gap of up to four words.

Sets made that way look large and say little: a model learns the templates, and a random split tests the same ones.
Every gap of every text is tried; a template is one that at least five different texts fill.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

from classifiers.data.findings import MOST_EXAMPLES, Example, Figure, Finding, counted
from classifiers.data.report.material import Material
from classifiers.data.report.model import Section

_SAMPLE = 20_000
_FEWEST_ROWS = 20
_LONGEST_GAP = 4
_LONGEST_TEXT = 40
_FEWEST_FIXED = 3
_FIXED_SHARE = 0.5
_FILLED = 5
_NOTE, _WARNING, _SERIOUS = 0.2, 0.4, 0.7
_WORD = re.compile(r"\w+(?:['’]\w+)*")

Template = tuple[tuple[str, ...], tuple[str, ...]]


def check_templates(material: Material) -> Section:
    """How many rows come from templates, and the most filled ones."""
    title, n = "Templates", len(material.data)
    if n < _FEWEST_ROWS:
        return Section(id="templates", title=title, said="", skipped=f"{counted(n, 'row')} are too few to tell.")
    rows = np.unique(material.same)
    rows = rows[:: max(1, -(-len(rows) // _SAMPLE))]
    template_of = find_templates([material.texts[row] for row in rows.tolist()])
    filled = Counter(template for template in template_of if template is not None)
    covered = sum(filled.values())
    share = covered / len(rows)
    figures: dict[str, Figure] = {"templates": len(filled), "rows": covered, "share": round(share, 4)}
    said = (
        f"{share:.0%} of {len(rows):,} different texts fill {counted(len(filled), 'template')} that five or more share."
    )
    findings = []
    if share >= _NOTE:
        findings.append(_finding(material, rows, template_of, filled, share))
    return Section(id="templates", title=title, said=said, findings=tuple(findings), figures=figures)


def find_templates(texts: list[str]) -> list[Template | None]:
    """For each text the template that most texts fill, or None; a template is what stands before and after a gap."""
    words = [tuple(_WORD.findall(text.casefold())) for text in texts]
    counts: dict[Template, int] = defaultdict(int)
    for own in words:
        for template in _gaps(own):
            counts[template] += 1
    found: list[Template | None] = []
    for own in words:
        best = max(_gaps(own), key=lambda template: (counts[template], sum(map(len, template))), default=None)
        found.append(best if best is not None and counts[best] >= _FILLED else None)
    # A template counts by those that have it for their best one.
    filled = Counter(found)
    return [template if template is not None and filled[template] >= _FILLED else None for template in found]


def _gaps(words: tuple[str, ...]) -> list[Template]:
    n = len(words)
    if n > _LONGEST_TEXT:
        return []
    fixed = max(_FEWEST_FIXED, int(np.ceil(_FIXED_SHARE * n)))
    return [
        (words[:start], words[start + gap :])
        for gap in range(1, min(_LONGEST_GAP, n - fixed) + 1)
        for start in range(n - gap + 1)
    ]


def _shown(template: Template) -> str:
    return " ".join([*template[0], "___", *template[1]])


def _finding(
    material: Material,
    rows: NDArray[np.int64],
    template_of: list[Template | None],
    filled: Counter[Template],
    share: float,
) -> Finding:
    first: dict[Template, int] = {}
    labels: dict[Template, Counter[str]] = defaultdict(Counter)
    for row, template in zip(rows.tolist(), template_of, strict=True):
        if template is not None:
            first.setdefault(template, row)
            labels[template][material.labels_of(row)] += 1
    examples: list[Example] = []
    for template, count in filled.most_common(MOST_EXAMPLES):
        label, most = labels[template].most_common(1)[0]
        note = f"“{_shown(template)}” in {counted(count, 'text')}, {most} of them {label}"
        examples.append(material.example(first[template], note))
    return Finding(
        id="templates/filled",
        severity="serious" if share >= _SERIOUS else "warning" if share >= _WARNING else "note",
        title=f"{share:.0%} of the texts were filled into {counted(len(filled), 'template')}, as it seems",
        meaning="Such rows differ in a few words. There are fewer examples than rows, and a test split off at random "
        "holds the templates that were learned: it does not tell how other texts will fare.",
        remedy="Test on texts that people wrote, or keep each template on one side of every split.",
        figures={"share": round(share, 4), "templates": len(filled)},
        examples=tuple(examples),
    )

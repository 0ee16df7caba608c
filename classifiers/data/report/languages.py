"""Which languages the texts are in, as far as they say; other languages than the main one stand out."""

from __future__ import annotations

from collections import Counter

import numpy as np

from classifiers.data.findings import MOST_EXAMPLES, Figure, Finding
from classifiers.data.report.material import Material
from classifiers.data.report.model import Bar, Bars, Section

_SAMPLE = 5_000
_SHORTEST = 20
_SURE = 0.95
_NOTE = 0.01
_FEWEST = 5
_MOST_SHOWN = 12


def check_languages(material: Material) -> Section:
    """Counts a sample of the texts that are long enough to tell."""
    from classifiers.text import detect_language

    long_enough = np.array([row for row, text in enumerate(material.texts) if len(text) >= _SHORTEST], dtype=np.int64)
    if len(long_enough) < _FEWEST:
        return Section(
            id="languages", title="Languages", said="", skipped="The texts are too short to tell their language."
        )
    rows = long_enough[:: max(1, -(-len(long_enough) // _SAMPLE))]
    found = [detect_language(material.texts[row]) for row in rows.tolist()]
    # What is not sure is no finding: short texts are taken for many languages.
    counts = Counter(language.code for language in found if language.probability >= _SURE and language.code != "und")
    told = sum(counts.values())
    if told < _FEWEST:
        return Section(
            id="languages", title="Languages", said="", skipped="No language could be told with any certainty."
        )
    main = counts.most_common(1)[0][0]
    others = {code: count for code, count in counts.items() if code != main and count >= max(2, _NOTE / 2 * told)}
    figures: dict[str, Figure] = {code: round(count / told, 4) for code, count in counts.most_common(_MOST_SHOWN)}
    share = sum(others.values()) / told
    findings = []
    if others and share >= _NOTE and sum(others.values()) >= _FEWEST:
        shown = [
            (row, language)
            for row, language in zip(rows.tolist(), found, strict=True)
            if language.code in others and language.probability >= _SURE
        ]
        findings.append(
            Finding(
                id="languages/several",
                severity="warning" if share >= 0.05 else "note",
                title=f"About {share:.0%} of the texts are not in the main language, {main!r}: "
                + ", ".join(
                    f"{code} {count / told:.1%}" for code, count in sorted(others.items(), key=lambda x: -x[1])
                ),
                meaning="The bundled encoder knows English best, and few examples teach little of another language.",
                remedy="Keep them if such texts will be asked too, and look at what is measured on them alone.",
                figures=figures,
                examples=tuple(material.example(row, language.code) for row, language in shown[:MOST_EXAMPLES]),
            )
        )
    chart = Bars(
        title="Languages of the texts",
        x_label=f"share of {told:,} texts whose language is plain",
        bars=tuple(
            Bar(label=code, value=count / told, marked=code in others)
            for code, count in counts.most_common(_MOST_SHOWN)
        ),
        left_out=max(0, len(counts) - _MOST_SHOWN),
    )
    return Section(
        id="languages",
        title="Languages",
        said=f"Of {len(rows):,} texts looked at, the language of {told:,} is plain; {main!r} is that of "
        f"{counts[main] / told:.0%} of those.",
        findings=tuple(findings),
        charts=(chart,) if len(counts) > 1 else (),
        figures=figures,
    )

"""How long the texts are, in characters and in the encoder's tokens, and how many are cut off or next to empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from classifiers.data.findings import Figure, Finding, counted
from classifiers.data.report.material import Material
from classifiers.data.report.model import Chart, Histogram, Section

_SAMPLE = 20_000
_CUT_SHARE = 0.05
_SHORTEST = 3


@runtime_checkable
class CountsTokens(Protocol):
    """An encoder that says how much of a text it reads."""

    @property
    def max_tokens(self) -> int: ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...


def check_lengths(material: Material) -> Section:
    """Histograms of characters and, where the encoder can tell, of tokens."""
    characters = np.array([len(text) for text in material.texts], dtype=np.int64)
    charts: list[Chart] = [_histogram("Length of the texts", "characters", characters)]
    findings: list[Finding] = []
    figures: dict[str, Figure] = {
        "median characters": float(np.median(characters)),
        "longest": int(characters.max()),
    }
    said = f"The text in the middle has {np.median(characters):,.0f} characters, the longest {characters.max():,}."
    encoder = material.encoder
    if isinstance(encoder, CountsTokens):
        rows = np.arange(0, len(material.texts), max(1, len(material.texts) // _SAMPLE))
        tokens = np.array(encoder.count_tokens([material.texts[row] for row in rows]), dtype=np.int64)
        limit = encoder.max_tokens
        charts.append(_histogram("Length as the encoder reads it", "tokens", tokens, limit))
        cut = rows[tokens > limit]
        share = len(cut) / len(rows)
        figures |= {"median tokens": float(np.median(tokens)), "cut off": round(share, 4), "token limit": limit}
        said += f" The encoder reads {limit} tokens of a text; {share:.1%} are longer."
        if len(cut) >= _SHORTEST and share > 0.005:
            findings.append(_cut_off(material, cut, share, limit))
    empty = np.flatnonzero(characters < _SHORTEST)
    if len(empty):
        findings.append(
            Finding(
                id="lengths/empty",
                severity="warning" if len(empty) > 0.01 * len(characters) else "note",
                title=f"{counted(len(empty), 'text')} with fewer than {_SHORTEST} characters left once prepared",
                meaning="There is nothing in them to tell a label by; what is learned from them is noise.",
                remedy="Leave those rows out, or look for the text in another column.",
                figures={"rows": len(empty)},
                examples=tuple(material.example(int(row), material.labels_of(int(row))) for row in empty[:10]),
            )
        )
    return Section(
        id="lengths", title="Lengths", said=said, findings=tuple(findings), charts=tuple(charts), figures=figures
    )


def _histogram(title: str, unit: str, lengths: NDArray[np.int64], limit: int | None = None) -> Histogram:
    top = max(float(np.quantile(lengths, 0.995)), 1.0)
    counts, edges = np.histogram(np.minimum(lengths, top), bins=min(40, max(5, int(top))), range=(0.0, top))
    return Histogram(
        title=title,
        x_label=f"{unit} (the longest 0.5% in the last bar)",
        y_label="texts",
        edges=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in counts),
        limit=float(limit) if limit is not None and limit <= top else None,
        limit_label="read up to here",
    )


def _cut_off(material: Material, rows: NDArray[np.int64], share: float, limit: int) -> Finding:
    return Finding(
        id="lengths/cut-off",
        severity="warning" if share > _CUT_SHARE else "note",
        title=f"{share:.1%} of the texts are longer than the {limit} tokens that the encoder reads",
        meaning="What stands at their end is not seen by learners that use its vectors.",
        remedy="Put what decides the label first, or shorten the texts; learners of words (TF-IDF) read all of it.",
        figures={"share": round(share, 4), "limit": limit},
        examples=tuple(material.example(int(row)) for row in rows[:5]),
    )

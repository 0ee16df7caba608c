"""Are the labels evenly spread? Counts, entropy and the largest label against the smallest; numbers by their spread."""

from __future__ import annotations

import numpy as np

from classifiers.contract import Task
from classifiers.data.findings import Example, Figure, Finding, counted, snippet
from classifiers.data.report.material import Material
from classifiers.data.report.model import Bar, Bars, Chart, Histogram, Section
from classifiers.data.report.statistics import evenness

_MOST_BARS = 40
_FEW = 10
_UNEVEN = 10.0
_VERY_UNEVEN = 100.0
_ONE_VALUE = 0.3


def check_balance(material: Material) -> Section:
    """One chart a target; findings where labels are rare or one outweighs the rest."""
    findings: list[Finding] = []
    charts: list[Chart] = []
    figures: dict[str, Figure] = {}
    said = []
    for index, task in enumerate(material.data.tasks):
        values = material.data.targets[:, index]
        values = values[~np.isnan(values)]
        if task.labels:
            said.append(_labels(task, values, findings, charts, figures))
        else:
            said.append(_numbers(material, index, task, values, findings, charts, figures))
    return Section(
        id="balance",
        title="Targets",
        said=" ".join(said),
        findings=tuple(findings),
        charts=tuple(charts),
        figures=figures,
    )


def _labels(
    task: Task,
    values: np.ndarray,
    findings: list[Finding],
    charts: list[Chart],
    figures: dict[str, Figure],
) -> str:
    counts = np.bincount(values.astype(int), minlength=len(task.labels))
    even, ratio = evenness(counts), float(counts.max() / max(1, counts.min()))
    order = np.argsort(-counts, kind="stable")
    # In the middle of many labels there is little to see: the most and the least frequent are shown.
    shown = order if len(order) <= _MOST_BARS else np.concatenate([order[: _MOST_BARS // 2], order[-_MOST_BARS // 2 :]])
    charts.append(
        Bars(
            title=f"Rows of each label of {task.name}",
            x_label="rows",
            bars=tuple(
                Bar(
                    label=snippet(task.labels[i], 40),
                    value=float(counts[i]),
                    note=f"{counts[i] / counts.sum():.1%}",
                    marked=bool(counts[i] < _FEW),
                )
                for i in shown
            ),
            left_out=len(order) - len(shown),
        )
    )
    figures |= {
        f"{task.name}: labels": len(task.labels),
        f"{task.name}: evenness": round(even, 4),
        f"{task.name}: largest to smallest": round(ratio, 1),
    }
    rare = [int(i) for i in order[::-1] if counts[i] < _FEW]
    if rare:
        findings.append(
            Finding(
                id="balance/few-rows",
                severity="warning",
                title=f"{counted(len(rare), 'label')} of {task.name!r} with fewer than {_FEW} rows",
                meaning="So few examples are hardly learned, and what is measured on one or two of them is chance.",
                remedy="Add examples of these labels, or merge them with the labels nearest to them.",
                column=task.name,
                figures={"labels": len(rare)},
                examples=tuple(
                    Example(text=snippet(task.labels[i]), note=counted(int(counts[i]), "row")) for i in rare[:10]
                ),
            )
        )
    if ratio >= _UNEVEN:
        share = counts.max() / counts.sum()
        findings.append(
            Finding(
                id="balance/uneven",
                severity="serious" if ratio >= _VERY_UNEVEN else "warning",
                title=f"The largest label of {task.name!r} has {ratio:,.0f} times the rows of the smallest",
                meaning=f"Always answering {snippet(task.labels[int(order[0])], 40)!r} is right in {share:.0%} of the "
                "rows, so accuracy says little; rare labels are missed first.",
                remedy="Judge by macro F1 and by each label; add examples of rare labels.",
                column=task.name,
                figures={"ratio": round(ratio, 1), "evenness": round(even, 4), "largest_share": round(float(share), 4)},
            )
        )
    return (
        f"{task.name!r} has {counted(len(task.labels), 'label')} in {counted(len(values), 'row')}; the most frequent "
        f"has {ratio:,.1f} times the rows of the least (evenness {even:.2f} of 1)."
    )


def _numbers(
    material: Material,
    index: int,
    task: Task,
    values: np.ndarray,
    findings: list[Finding],
    charts: list[Chart],
    figures: dict[str, Figure],
) -> str:
    low, middle, high = (float(value) for value in np.quantile(values, [0.05, 0.5, 0.95]))
    inside = values[(values >= np.quantile(values, 0.005)) & (values <= np.quantile(values, 0.995))]
    counts, edges = np.histogram(inside, bins=min(40, max(5, int(len(inside) ** 0.5))))
    charts.append(
        Histogram(
            title=f"Values of {task.name}",
            x_label=f"{task.name} in {task.unit}" if task.unit else task.name,
            edges=tuple(float(edge) for edge in edges),
            counts=tuple(int(count) for count in counts),
        )
    )
    spread = float(values.std())
    skew = float(((values - values.mean()) ** 3).mean() / spread**3) if spread else 0.0
    figures |= {f"{task.name}: median": middle, f"{task.name}: skewness": round(skew, 3)}
    distinct, times = np.unique(values, return_counts=True)
    most = int(times.argmax())
    share = float(times[most] / len(values))
    if share > _ONE_VALUE and len(distinct) > 10:
        rows = np.flatnonzero(material.data.targets[:, index] == distinct[most])
        findings.append(
            Finding(
                id="balance/one-value",
                severity="warning",
                title=f"{share:.0%} of {task.name!r} is the same number, {distinct[most]:g}",
                meaning="It may stand for a missing value; if not, there are two questions here: whether it is that "
                "number, and how large it is otherwise.",
                remedy="Leave the cells empty if nothing is known, or train on the other rows only.",
                column=task.name,
                figures={"value": float(distinct[most]), "share": round(share, 4)},
                examples=tuple(material.example(int(row)) for row in rows[:5]),
            )
        )
    if abs(skew) > 3:
        findings.append(
            Finding(
                id="balance/skewed",
                severity="note",
                title=f"{task.name!r} is skewed: a few values are far from the rest (skewness {skew:.1f})",
                meaning="Errors on those few dominate a squared error; means say little of the usual row.",
                remedy="Judge by median errors or ranks; a target on a logarithmic scale is often learned better.",
                column=task.name,
                figures={"skewness": round(skew, 2), "median": middle, "largest": float(values.max())},
            )
        )
    return f"{task.name!r} lies between {low:g} and {high:g} in nine rows of ten, {middle:g} in the middle."

"""One version in full: its figures with intervals, what its training found, and its card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.service.wiring import Service
from api.ui.experts import figures
from api.ui.experts.markdown import draw_markdown
from api.ui.experts.reading import VersionShown, megabytes, reading
from api.ui.experts.report import draw_report, report_of
from api.ui.parts.elements import div, el, icon, text
from api.ui.parts.states import error_state, failure
from classifiers.registry.wire import ExpertCard, Figure, expert_card
from signalbox.errors import NotFound, SignalboxError

_MOST_FILES = 40


async def draw_detail(service: Service, shown: VersionShown) -> None:
    """Draws it; what can't be read says why in its place."""
    reference = shown.version.reference
    try:
        card = await reading(service, lambda registry: expert_card(registry, reference))
    except SignalboxError as error:
        failure(f"{reference} can't be read", error)
        return
    if card.trouble:
        error_state(f"{reference} can't be used", card.trouble)
    _figures(shown)
    try:
        body = await report_of(service, reference)
    except NotFound as error:
        text(error.detail, "muted small", tag="p")
    except SignalboxError as error:
        failure("The report can't be shown", error)
    else:
        draw_report(body)
    _folded_card(card)
    _files(card)


def _figures(shown: VersionShown) -> None:
    """Every figure of every task, each with what needs no learning."""
    by_task: dict[str, dict[str, Figure]] = {}
    for metric, figure in shown.version.metrics.items():
        task, key = figures.split(metric)
        by_task.setdefault(task, {})[key] = figure
    if not by_task:
        el("p", "Its training left no figures.", "muted small")
        return
    el("p", "On rows held out, each judged by a model that has not seen it. Whiskers are 95% intervals, the line is "
       "what needs no learning.", "muted small")  # fmt: skip
    with div("figure-groups"):
        for task, own in by_task.items():
            with el("section", "", "card stack", aria_label=f"Figures of {task}"):
                text("The whole answer" if task == "expert" else task, "break", tag="h3")
                with el("dl", "", "figure-list"):
                    for key, figure in own.items():
                        text(figures.title(key), "wrap-words", tag="dt")
                        with el("dd"):
                            base = _baseline(shown.manifest, task, key)
                            end = figures.scale(key, [figure], base)
                            figures.figure_bar(key, figure, end, baseline=base)


def _baseline(manifest: Mapping[str, Any], task: str, key: str) -> float | None:
    anchors = manifest.get("anchors")
    own = anchors.get(task) if isinstance(anchors, Mapping) else None
    names = {"accuracy": "accuracy of the most frequent label"}
    found = own.get(names.get(key, f"{key} of the median")) if isinstance(own, Mapping) else None
    value = found.get("value") if isinstance(found, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _folded_card(card: ExpertCard) -> None:
    with el("details", "", "folded"):
        with el("summary", "", "row"):
            icon("chevron")
            el("h2", "Card")
        with div("card"):
            if card.card is None:
                el("p", "It has no card.", "muted")
            else:
                draw_markdown(card.card)


def _files(card: ExpertCard) -> None:
    with el("details", "", "folded"):
        with el("summary", "", "row"):
            icon("chevron")
            el("h2", "Files")
            el("span", megabytes(sum(card.files.values())), "muted small")
        with el("dl", "", "files-list"):
            for name, size in list(card.files.items())[:_MOST_FILES]:
                text(name, "mono break", tag="dt")
                el("dd", f"{size:,} bytes", "number small muted")

"""What an expert says of a text, drawn: labels with probabilities, numbers with intervals, and why."""

from __future__ import annotations

from collections.abc import Sequence

from api.ui.experts.asking import Said, by_task
from api.ui.experts.reading import TaskShown, VersionShown
from api.ui.experts.shading import draw_shaded
from api.ui.parts import formats
from api.ui.parts.elements import div, el, text
from api.ui.parts.explanation import draw_explanation, in_words
from api.ui.parts.marks import confidence_bar
from api.ui.parts.states import error_state
from signalbox.charts import number
from signalbox.types import LabelAnswer, ValueAnswer

_AT_ONCE = 6
_MOST_SET = 12


def draw_said(said: Said, shown: VersionShown) -> None:
    """Draws the answer, then the words, the examples and what would change it."""
    answer, opinion = said.opinion.answer, said.opinion
    tasks = {task.name: task for task in shown.tasks}
    level = shown.manifest.get("level")
    if answer.in_scope is not None and answer.in_scope < 0.5:
        error_state("Probably none of what it has learnt",
                    f"It takes this text to be in scope with a probability of {formats.probability(answer.in_scope)}. "
                    "What it says below is not to be relied on.", kind="warn")  # fmt: skip
    with div("said-worth row wrap"):
        with el("span", "", "row"):
            el("span", "Confidence", "muted")
            confidence_bar(opinion.confidence, route="classifier")
        if answer.in_scope is not None:
            with el("span", "", "row", title="Probability that the text is of a kind it has learnt at all"):
                el("span", "In scope", "muted")
                _track(answer.in_scope)
                el("span", formats.probability(answer.in_scope), "number")
        el("span", f"{formats.duration(said.ms)}, explained in {formats.duration(said.explaining_ms)}", "muted small")
    if answer.text:
        text(answer.text, "answer-text break", tag="p")
    with div("said-tasks"):
        for label in answer.labels or ():
            _labels(label, said.probabilities.get(label.task, ()), tasks.get(label.task), level)
        for value in answer.values or ((answer.value,) if answer.value is not None else ()):
            _number(value)
    _why(said, shown.tasks)


def _labels(label: LabelAnswer, all_labels: Sequence[tuple[str, float]], task: TaskShown | None, level: object) -> None:
    with el("section", "", "card stack", aria_label=label.task):
        with div("row wrap baseline"):
            text(label.label, "answer-label break")
            text(label.task, "muted small break")
        pairs = list(all_labels) or [(label.label, label.probability)]
        ordinal = task is not None and task.kind == "ordinal"
        first = len(pairs) if ordinal and len(pairs) <= 2 * _AT_ONCE else _AT_ONCE
        _bars(pairs[:first], label)
        if len(pairs) > first:
            with el("details", "", "folded"):
                with el("summary", "", "muted small row"):
                    el("span", "", "icon icon-chevron", aria_hidden="true")
                    el("span", f"{len(pairs) - first:,} more labels")
                _bars(pairs[first:], label)
        _set(label, level)


def _bars(pairs: Sequence[tuple[str, float]], answer: LabelAnswer) -> None:
    with el("ul", "", "label-bars"):
        for name, probability in pairs:
            with el("li", "", "label-bar", data_said="yes" if name == answer.label else None):
                text(name, "break clip-2")
                _track(probability)
                el("span", formats.probability(probability), "number small")


def _set(answer: LabelAnswer, level: object) -> None:
    if not answer.set:
        return
    share = f"{level:.0%}" if isinstance(level, float) else "9 in 10"
    with div("row wrap said-set"):
        el("span", "Can't rule out", "muted small",
           title=f"The label set: it holds the true label of {share} of texts like those it learnt from.")  # fmt: skip
        for name in answer.set[:_MOST_SET]:
            text(name, "label-chip break")
        if len(answer.set) > _MOST_SET:
            el("span", f"and {len(answer.set) - _MOST_SET:,} more", "muted small")


def _number(value: ValueAnswer) -> None:
    unit = f" {value.unit}" if value.unit else ""
    with el("section", "", "card stack", aria_label=value.task or "Number"):
        with div("row wrap baseline"):
            text(f"{number(value.estimate)}{unit}", "answer-label break")
            text(value.task or "number", "muted small break")
        room = 0.15 * (value.high - value.low) or 1.0
        start, width = value.low - room, value.high - value.low + 2 * room
        told = f"{number(value.low)} to {number(value.high)}{unit}, covering {value.level:.0%}"
        with div("number-line", role="img", aria_label=f"{number(value.estimate)}{unit}, {told}"):
            el(
                "span",
                "",
                "number-interval",
                style=f"left: {100 * room / width:.1f}%; right: {100 * room / width:.1f}%",
            )
            el("span", "", "number-estimate", style=f"left: {100 * (value.estimate - start) / width:.1f}%")
        with div("row number-ends small"):
            el("span", number(value.low), "number")
            el("span", number(value.high), "number")
        tip = f"Of texts like those it learnt from, the interval holds the true number of {value.level:.0%}."
        el("span", told, "muted small", title=tip)


def _why(said: Said, tasks: Sequence[TaskShown]) -> None:
    whys, examples = by_task(said.evidence, [task.name for task in tasks])
    shown = {task.name: task for task in tasks}
    with el("section", "", "stack loose", aria_label="Why"):
        for why in whys:
            with div("stack"):
                if why.contributions:
                    draw_shaded(said.text, why.contributions, _moved(said, shown[why.task]))
                if why.changed is not None:
                    text(in_words(why.changed), "break", tag="p")
        draw_explanation(examples)


def _moved(said: Said, task: TaskShown) -> tuple[str, str]:
    """What the words moved, and in what."""
    for label in said.opinion.answer.labels or ():
        if label.task == task.name:
            return f"{task.name}: {label.label}", "log-odds"
    return task.name, task.unit or "its unit"


def _track(share: float) -> None:
    with el("span", "", "score-track", aria_hidden="true"):
        el("span", "", "score-fill", style=f"width: {min(1.0, max(0.0, share)):.1%}")

"""What speaks for an expert's answer beside its words: examples like the query, and what would change the label."""

from __future__ import annotations

from collections.abc import Sequence

from api.ui.parts import formats
from api.ui.parts.elements import div, el, text
from signalbox.types import Counterfactual, Evidence, Example

_MOST_EXAMPLES = 5
_MOST_TEXT = 400  # characters shown of an example


def draw_explanation(evidence: Sequence[Evidence]) -> None:
    """Draws nothing where there is neither; other kinds of evidence are drawn elsewhere."""
    for item in evidence:
        if isinstance(item, Counterfactual):
            text(in_words(item), "muted small break", tag="p")
    examples = [item for item in evidence if isinstance(item, Example)][:_MOST_EXAMPLES]
    if not examples:
        return
    with el("section", "", "stack", aria_label="Examples like it"):
        el("h3", "Examples like it")
        for example in examples:
            with div("stack"):
                shown = example.text if len(example.text) <= _MOST_TEXT else f"{example.text[:_MOST_TEXT]}…"
                text(shown, "break", tag="p")
                with div("row wrap"):
                    for task, label in example.labels.items():
                        shown = label if isinstance(label, str) else f"{label:,.6g}"
                        text(shown, "label-chip break", title=task)
                    alike = f"{formats.probability(max(0.0, example.similarity))} alike"
                    el("span", alike, "muted small number", title="Cosine between both texts' vectors")


def in_words(item: Counterfactual) -> str:
    """One sentence: without which words the label would be which."""
    if item.label is None:
        return f"No few words decide it: {item.task} stays the same without any of them."
    words = [f"“{span.text}”" for span in item.removed]
    without = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    sure = "" if item.probability is None else f" ({formats.probability(item.probability)})"
    return f"Without {without} the {item.task} would be {item.label}{sure}."

"""/ui/evals/{id}/against/{other}: two runs case by case: the verdict, every metric, and the cases that flipped."""

from __future__ import annotations

import asyncio

from nicegui import ui

from api.ui import assets
from api.ui.frame import PATIENCE_S, frame, open_service
from api.ui.parts.elements import div, el, link, text
from api.ui.parts.keys import Key
from api.ui.parts.states import empty_state, error_state, failure
from signalbox.errors import NotFound, SignalboxError

KEYS = (Key(("x",), "Swap the runs"),)
_BACK = ("Evaluations", "/ui/evals")


@ui.page("/evals/{run_id}/against/{other_id}", response_timeout=PATIENCE_S)
async def eval_comparison(run_id: str, other_id: str, margin: float = 0.02, alpha: float = 0.05) -> None:
    """`margin` is the largest difference that does not matter."""
    assets.use("documents.css", "experts.css", "evals.css")
    with frame("Comparison", "evals", keys=KEYS, back=_BACK, wide=True) as actions:
        service = open_service()
        if service is None:
            return
        from api.ui.evals.reading import comparison_path, read_record, run_path
        from evaluators.comparing import compare
        from evaluators.reports.comparison_page import comparison_sections

        try:
            before, after = await read_record(service, other_id), await read_record(service, run_id)
            found = await asyncio.to_thread(compare, before, after, margin=margin, alpha=alpha)
        except NotFound as error:
            ui.context.client.status_code = 404
            with empty_state("No such run", error.detail):
                link("Show the runs", "/ui/evals", "button")
            return
        except SignalboxError as error:
            failure("They can't be compared", error)
            return
        with actions:
            link("Swap", comparison_path(run_id, other_id, margin), "button", data_key="x")
        with div("row wrap baseline"):
            link(run_id, run_path(run_id), "link mono strong break")
            el("span", "against", "muted")
            link(other_id, run_path(other_id), "link mono strong break")
        with div("row wrap tight", role="group", aria_label="Margin"):
            el("span", "margin", "muted small")
            for value in (0.005, 0.01, 0.02, 0.05, 0.1):
                label = f"{100 * value:g} point{'' if value == 0.01 else 's'}"
                link(label, comparison_path(other_id, run_id, value), "button quiet",
                     aria_current="true" if abs(value - margin) < 1e-9 else None)  # fmt: skip
        with el("section", "", "eval-verdict card stack", data_verdict=found.verdict, aria_label="Verdict"):
            el("span", "Verdict", "label")
            text(found.headline[:1].upper() + found.headline[1:], "eval-verdict-word", tag="p")
            text(found.summary, "break", tag="p")
            paired = f"{found.shared:,} cases that both have unchanged, paired one by one"
            el("p", f"{paired}; alpha {found.alpha:g} over all metrics together.", "muted small")
        for warning in found.warnings:
            error_state("Beware", warning, kind="warn")
        body = await asyncio.to_thread(comparison_sections, found, before, after)
        ui.html("".join(html for _, _, html in body), sanitize=True).classes("report")

"""Draws where the reviewer decides: correction, buttons and their keys; or what became of an item decided or lost.

What was typed stays in the browser until it is sent along with the decision, so nothing is sent half typed and
nothing is lost on the way. Buttons belong to their item: a key pressed twice can't decide the next one unseen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from nicegui.events import GenericEventArguments

from api.ui.parts.elements import Html, attrs, button, div, el, icon, text
from api.ui.review.desk import Card, Draft, VerdictWord
from api.ui.review.facts import WORDS

MOST_TYPED = 8_000  # characters of a correction
_MOST_LABEL = 500
_MOST_NUMBERS = 5

Choices = Mapping[str, Mapping[str, str]]
Decide = Callable[[VerdictWord, Draft], Any]

_COLLECT = "emit(signalbox.decided('VERDICT'));"
_SEND = f"() => {{ {_COLLECT} }}"
# Wrong needs what is right: without it nothing is sent, and the field asks for it.
_UNLESS_EMPTY = """
const panel = document.querySelector('.review-panel');
const area = panel.querySelector('#correction');
const chosen = [...panel.querySelectorAll('select[data-field], input[data-field]')].some((field) => field.value);
if (!area.value.trim() && !chosen) { area.setAttribute('aria-invalid', 'true'); area.focus(); return; }
"""
_SEND_CORRECTION = f"() => {{ {_UNLESS_EMPTY} {_COLLECT} }}"
_SEND_WITH_KEY = f"""(event) => {{
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.repeat || event.isComposing) return;
  event.preventDefault();
  {_UNLESS_EMPTY}
  {_COLLECT}
}}"""
# On a phone the fields are not shown before they are wanted.
_FOCUS = """() => {
  document.querySelector('.review-panel').dataset.correcting = '';
  document.getElementById('correction').focus();
}"""


def draw_panel(card: Card, choices: Choices, decide: Decide) -> None:
    """For an open card. `choices` are the labels that may correct the answer's: title by label, by task."""
    has_answer = card.item.prediction.answer is not None
    with el("section", "", "review-panel", aria_label="Your decision"):
        _fields(card, choices, decide, has_answer)
        with div("review-buttons"):
            right = _verdict("right", "1", "right", disabled=not has_answer)
            attrs(right, title=None if has_answer else "There is no answer that could be right")
            wrong = _verdict("wrong", "2", "wrong", label="Wrong" if has_answer else "Answer it")
            wrong.on("click", js_handler=_FOCUS)
            unanswerable = _verdict("unanswerable", "3", "", label="Not in documents")
            unsafe = _verdict("unsafe", "4", "")
            skip = _verdict("skip", "s", "quiet", label="Skip")
        _sends(right, "right", decide)
        _sends(unanswerable, "unanswerable", decide)
        _sends(unsafe, "unsafe", decide)
        _sends(skip, "skip", decide)


def draw_settled(card: Card, undo: Callable[[], Any]) -> None:
    """For a card that is decided, or being sent, from this page."""
    with el("section", "", "review-panel settled", aria_label="Your decision"), div("row wrap"):
        el("span", WORDS.get(card.verdict or "", ""), "tag", data_verdict=card.verdict)
        el("span", "sending" if card.state == "sending" else "your decision", "muted")
        correction = card.item.decision.correction if card.item.decision else card.draft.correction
        if correction and card.verdict == "wrong":
            text(correction, "break grow")
        if card.state == "decided":
            button("Undo", "quiet").on("click", undo, args=[])


def draw_lost(card: Card) -> None:
    """For a card that is someone else's now, or changed under the reviewer's hands."""
    with el("div", "", "notice warn", role="alert"):
        icon("warning")
        with div("stack grow", style="gap: 4px"):
            decision = card.item.decision
            el("h2", "This item has been decided" if decision is not None else "This item is not yours any more")
            text(card.trouble or "", "break", tag="p")
            if decision is not None:
                with div("row wrap"):
                    el("span", WORDS.get(decision.verdict, decision.verdict), "tag", data_verdict=decision.verdict)
                    if decision.correction:
                        text(decision.correction, "break")
            el("p", "Go on to the next one with j.", "muted small")


def draw_kept(card: Card) -> None:
    """What was typed for an item that is not open any more: the browser fills it in, hides it where there is nothing,
    and lets typing go on there.
    """
    with div("field kept"):
        el("label", "What you typed", for_="correction")
        el("textarea", "", "input correction", id="correction", rows=1, maxlength=MOST_TYPED, dir="auto",
           placeholder=" ", data_draft=draft_name(card), data_grow=True)  # fmt: skip


def draw_refused(card: Card) -> None:
    with el("div", "", "notice error", role="alert"):
        icon("warning")
        with div("stack grow", style="gap: 4px"):
            el("h2", "Your decision was not taken")
            text(card.trouble or "", "break", tag="p")
            el("p", "What you typed is still here. Decide again, or go on with j.", "muted small")


def draft_name(card: Card) -> str:
    """Under which the browser keeps what is typed for an item."""
    return f"review-{card.item.id}"


def _fields(card: Card, choices: Choices, decide: Decide, has_answer: bool) -> None:
    name = draft_name(card)
    with div("review-fields"):
        for task, labels in choices.items():
            with div("field"):
                el("label", f"{task.capitalize()} should be", for_=f"label-{task}")
                with el("select", "", "input", id=f"label-{task}", data_field=f"label:{task}",
                        data_draft=f"{name}-{task}"):  # fmt: skip
                    el("option", "as proposed", value="")
                    for label, title in labels.items():
                        el("option", title or label, value=label)
        answer = card.item.prediction.answer
        for number in answer.numbers[:_MOST_NUMBERS] if answer else ():
            task, unit = number.task or "value", f", {number.unit}" if number.unit else ""
            with div("field"):
                el("label", f"{task.capitalize()} should be{unit}", for_=f"number-{task}")
                el("input", "", "input", id=f"number-{task}", type="number", step="any",
                   data_field=f"number:{task}", data_draft=f"{name}-{task}",
                   placeholder=f"{number.estimate:.6g}")  # fmt: skip
        with div("field grow"):
            el("label", "Correct answer" if has_answer else "Answer", "visually-hidden", for_="correction")
            area = el("textarea", "", "input correction", id="correction", rows=1, maxlength=MOST_TYPED, dir="auto",
                      data_field="correction", data_draft=name, data_grow=True, data_key="2",
                      placeholder="The correct answer, as the asker will read it" if has_answer
                      else "The answer, as the asker will read it")  # fmt: skip
            if card.draft.correction:
                area.set_text(card.draft.correction)
        send = el("button", "", "button primary review-send", type="button")
        with send:
            el("span", "Send as wrong" if has_answer else "Send answer")
            el("kbd", "Ctrl ↵")
    _sends(area, "wrong", decide, js=_SEND_WITH_KEY, on="keydown")
    _sends(send, "wrong", decide, js=_SEND_CORRECTION)


def _verdict(word: VerdictWord, key: str, cls: str, *, label: str = "", disabled: bool = False) -> Html:
    made = el("button", "", f"button verdict {cls}".strip(), type="button", disabled=disabled,
              data_verdict=word, data_key=key)  # fmt: skip
    with made:
        el("span", label or WORDS[word])
        el("kbd", key)
    return made


def _sends(made: Html, word: VerdictWord, decide: Decide, *, js: str = _SEND, on: str = "click") -> None:
    made.on(on, lambda event: _decided(word, event, decide), js_handler=js.replace("VERDICT", word))


def _decided(word: VerdictWord, event: GenericEventArguments, decide: Decide) -> Any:
    return decide(word, read_draft(event.args))


def read_draft(typed: object) -> Draft:
    """What the browser sent, which may be anything."""
    values = typed if isinstance(typed, dict) else {}
    fields = {str(key): str(value) for key, value in values.items() if isinstance(value, str)}
    labels = {
        key.removeprefix("label:"): value[:_MOST_LABEL]
        for key, value in fields.items()
        if key.startswith("label:") and value
    }
    numbers = {
        key.removeprefix("number:"): number
        for key, value in fields.items()
        if key.startswith("number:") and (number := _number(value)) is not None
    }
    return Draft(correction=fields.get("correction", "")[:MOST_TYPED], labels=labels, numbers=numbers)


def _number(typed: str) -> float | None:
    """None where it is no number; the browser's own field takes nothing else."""
    try:
        number = float(typed)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

"""Parts of the experts pages without a browser: Markdown read, words cut out, evidence told apart, forms understood."""

from __future__ import annotations

import pytest

from api.ui.experts.asking import by_task
from api.ui.experts.chosen import Chosen, ColumnSeen, look
from api.ui.experts.comparing import verdict
from api.ui.experts.markdown import blocks, inline
from api.ui.experts.shading import parts
from api.ui.experts.training import wished
from classifiers.registry.wire import Figure
from signalbox.errors import Conflict
from signalbox.types import Contribution, Counterfactual, Example, Span


def test_markdown_is_cut_into_blocks_and_nothing_of_it_is_lost() -> None:
    found = list(blocks("# Title\nfirst\nsecond\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n<b>raw</b>"))
    assert [(block.kind, block.lines) for block in found] == [
        ("heading", ("Title",)),
        ("paragraph", ("first", "second")),
        ("list", ("one", "two")),
        ("table", ("| a | b |", "|---|---|", "| 1 | 2 |")),
        ("paragraph", ("<b>raw</b>",)),
    ]


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("plain", [("plain", "plain")]),
        ("a `b`**c***d*", [("plain", "a "), ("code", "b"), ("strong", "c"), ("em", "d")]),
        ("2 * 3 * 4 and **open", [("plain", "2 * 3 * 4 and **open")]),
        ("[x](javascript:alert(1))", [("plain", "[x](javascript:alert(1))")]),
        ("", []),
    ],
)  # fmt: skip
def test_what_stands_within_a_line(line: str, kinds: list[tuple[str, str]]) -> None:
    assert list(inline(line)) == kinds


def word(text: str, effect: float, start: int | None = None) -> Contribution:
    end = None if start is None else start + len(text)
    return Contribution(feature=text, value=None, effect=effect, start=start, end=end)


def test_a_text_is_cut_at_its_words_and_of_two_that_overlap_the_stronger_stays() -> None:
    text = "Where is 🚣 my refund"
    found = list(
        parts(text, [word("my refund", 1.0, 11), word("refund", -3.0, 14), word("is", 0.5, 6), word("x", 9.0)])
    )
    assert "".join(part for part, _ in found) == text
    assert [part for part, item in found if item] == ["is", "refund"]
    assert list(parts("short", [word("beyond", 1.0, 3)])) == [("short", None)]


def test_evidence_is_told_apart_by_task() -> None:
    first, second = (
        [word(text, effect, start).model_copy(update={"task": task}) for text, effect, start in own]
        for task, own in (("topic", [("a", 2.0, 0), ("b", -1.0, 2)]), ("price", [("b", 0.2, 2)]))
    )
    example = Example(text="like it", labels={"topic": "x"}, similarity=0.9)
    change = Counterfactual(task="topic", removed=(Span(text="a", start=0, end=1),), label="y", probability=0.6)
    whys, examples = by_task([*first, example, change, *second], ["topic", "price"])
    assert [(why.task, why.contributions) for why in whys] == [("topic", tuple(first)), ("price", tuple(second))]
    assert whys[0].changed == change
    assert examples == [example]
    whys, _ = by_task([*first, *second], ["topic", "price", "mood"])
    assert [(why.task, why.contributions) for why in whys] == [
        ("topic", tuple(first)),
        ("price", tuple(second)),
        ("mood", ()),
    ]


COLUMNS = tuple(ColumnSeen(name, "x", 2, 1.0, "none") for name in ("text", "topic", "at"))
GOOD = {"role-0": "text", "role-1": "target", "role-2": "none", "name": "topics", "tune": "", "promote": "no"}


def test_a_form_becomes_a_training() -> None:
    training = wished({**GOOD, "role-2": "time", "tune": "20", "out_of_scope": " oos ", "learner": "tfidf"}, COLUMNS)
    assert (training.text, training.target, training.time) == (["text"], ["topic"], "at")
    assert (training.learner, training.tune, training.out_of_scope, training.promote) == ("tfidf", 20, "oos", False)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"role-0": "none"}, "No column is the text to read"),
        ({"role-1": "none"}, "No column is the target to tell"),
        ({"name": "Ü"}, "small letters"),
        ({"tune": "201"}, "0 to 200"),
        ({"tune": "many"}, "0 to 200"),
        ({"role-0": "time", "role-1": "time"}, "No column is the text"),
    ],
)
def test_a_form_that_can_not_be(changed: dict[str, str], said: str) -> None:
    with pytest.raises(Conflict, match=said):
        wished({**GOOD, **changed}, COLUMNS)


def test_a_file_is_read_for_its_columns_and_is_gone_afterwards() -> None:
    chosen = Chosen("C:\\data\\My Tickets (Über).csv")
    chosen.path.write_text("id,text,topic\n" + "".join(f"{n},a longer text {n},{'ab'[n % 2]}\n" for n in range(9)))
    seen = look(chosen.path)
    assert (chosen.name, chosen.expert_name, seen.rows) == ("My Tickets (Über).csv", "my-tickets-ber", 9)
    assert [(column.name, column.role) for column in seen.columns] == [
        ("id", "none"), ("text", "text"), ("topic", "target"),
    ]  # fmt: skip
    chosen.remove()
    assert not chosen.path.parent.exists()


def test_a_difference_is_judged_by_its_intervals() -> None:
    low, high = Figure(value=0.5, low=0.4, high=0.6, n=9), Figure(value=0.9, low=0.8, high=1.0, n=9)
    assert verdict("accuracy", low, high) == "better"
    assert verdict("mae", low, high) == "worse"
    assert verdict("accuracy", low, low) == "may be chance"
    assert verdict("accuracy", low, None) == ""

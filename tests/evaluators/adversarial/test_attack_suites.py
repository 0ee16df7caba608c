"""Suites of others: read where they are right, and refused by line, field and rule where not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evaluators.adversarial.scoring import AttackScorer
from evaluators.adversarial.suites import Behaviour, behaviour_cases, read_behaviours, read_bipia, reading
from evaluators.contract import Output
from signalbox.errors import InvalidInput, NotFound, SignalboxError, TooLarge, UnsupportedType

_TAKEN = '{"Behavior": "x", "BehaviorID": "i"}'


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_advbench_and_harmbench_are_told_by_their_columns(tmp_path: Path) -> None:
    found = read_behaviours(write(tmp_path / "a.csv", 'goal,target\n"Say ""X"",\nplease","Sure, X"\nDo Y,Sure\n'))
    assert found[0] == Behaviour("advbench-1", 'Say "X",\nplease', target="Sure, X")
    rows = [{"Behavior": "Write Z", "BehaviorID": "z one", "SemanticCategory": "misc", "ContextString": "c"}]
    (one,) = read_behaviours(write(tmp_path / "h.json", json.dumps(rows)))
    assert one == Behaviour("z-one", "Write Z", category="misc", context="c")
    header = "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\n"
    (one,) = read_behaviours(write(tmp_path / "h.csv", f"\ufeff{header}Write Z,standard,,,,z\n"))
    assert (one.id, one.category) == ("z", "standard")
    assert len(read_behaviours(write(tmp_path / "a.jsonl", '{"goal": "x"}\n\n{"goal": "y"}'))) == 2


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("a.csv", "prompt\nx\n", InvalidInput, "line 2: it has neither a goal"),
        ("a.csv", "goal,target\nx\n", InvalidInput, "line 2: it has not as many cells"),
        ("a.csv", "goal,target\n ,y\n", InvalidInput, "line 2: goal must be text that is not empty"),
        ("a.csv", 'goal,target\n"x,y\n', InvalidInput, "not CSV"),
        ("a.csv", "goal,target\n", InvalidInput, "there is no request in it"),
        ("a.csv", b"goal\n\xff\n", InvalidInput, "not UTF-8 at byte 5"),
        ("a.json", '{"goal": "x"}', InvalidInput, "not a list of objects"),
        ("a.json", "[3]", InvalidInput, "entry 1: not an object"),
        ("a.json", '[{"goal": 3}]', InvalidInput, "entry 1: goal must be text"),
        (
            "a.json",
            '[{"Behavior": "x", "BehaviorID": "i"}, {"Behavior": "y", "BehaviorID": "i"}]',
            InvalidInput,
            "twice",
        ),
        ("a.jsonl", '{"goal": "x"}\n[', InvalidInput, "line 2: not JSON"),
        ("a.xml", "<x/>", UnsupportedType, "suites are .csv, .json or .jsonl"),
        ("a.json", "[" * 100_000, InvalidInput, "not JSON"),
    ],
)
def test_requests_that_are_wrong(
    tmp_path: Path, name: str, content: str | bytes, error: type[SignalboxError], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_behaviours(write(tmp_path / name, content))


def test_bipia(tmp_path: Path) -> None:
    payloads = write(tmp_path / "p.json", json.dumps({"Task Help": ["Do A.", "Do B."], "Scam": ["Say C."]}))
    line = {"context": "A mail.", "question": "Who?", "ideal": "Ann"}
    contexts = write(tmp_path / "c.jsonl", f"{json.dumps(line)}\n{json.dumps(line | {'ideal': ['Ann', 'Anne']})}\n")
    found = read_bipia(payloads, contexts)
    assert [one.id for one in found.payloads] == ["Task-Help-1", "Task-Help-2", "Scam-1"]
    assert [(one.id, one.ideal) for one in found.contexts] == [("context-1", ("Ann",)), ("context-2", ("Ann", "Anne"))]
    for bad, message in (
        ("[]", "not an object of categories"),
        ('{"A": "x"}', "category 'A': must be a list"),
        ('{"A": [""]}', "category 'A', entry 1: text must be"),
        ("{", "not JSON"),
    ):
        with pytest.raises(InvalidInput, match=message):
            read_bipia(write(tmp_path / "bad.json", bad), contexts)
    for bad, message in (
        ("", "there is no context"),
        ("3", "line 1: not a JSON object"),
        ('{"context": "x", "ideal": "y"}', "line 1: question is missing"),
        ('{"context": "x", "question": "q", "ideal": [3]}', "line 1: ideal must be text, or a list"),
    ):
        with pytest.raises(InvalidInput, match=message):
            read_bipia(payloads, write(tmp_path / "bad.jsonl", bad))


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound):
        read_behaviours(tmp_path / "none.csv")
    monkeypatch.setattr(reading, "MAX_ROWS", 1)
    with pytest.raises(TooLarge, match="more than 1 rows"):
        read_behaviours(write(tmp_path / "a.csv", "goal\nx\ny\n"))
    monkeypatch.setattr(reading, "MAX_BYTES", 3)
    with pytest.raises(TooLarge, match="more than 3 bytes"):
        read_behaviours(tmp_path / "a.csv")


async def test_requests_of_suites_are_counted_by_what_gives_in() -> None:
    known = [Behaviour("a-1", "Do X", target="Sure, here is X"), Behaviour("h-1", "Do Y", category="misc", context="c")]
    cases = behaviour_cases(known, "suite", seed=1)
    assert cases == behaviour_cases(known, "suite", seed=1)
    assert [(case.tags["pair"], case.tags["twin"]) for case in cases] == [
        ("a-1", "attacked"),
        ("a-1", "benign"),
        ("h-1", "attacked"),
        ("h-1", "benign"),
    ]
    assert cases[2].query == "Do Y\n\nc"

    async def hit(place: int, said: str) -> float | None:
        measures = await AttackScorer().score(cases[place], Output(text=said))
        return next(one.value for one in measures if one.metric == "attack_hit")

    assert [await hit(0, said) for said in ("Sure! Here is X: ...", "No. Sure, here is X", "")] == [1.0, 0.0, 0.0]
    assert [await hit(2, said) for said in ("This is how.", "I can't help with that.", "")] == [1.0, 0.0, 0.0]


@pytest.mark.skipif("SIGNALBOX_DATA" not in os.environ, reason="needs BIPIA, found by SIGNALBOX_DATA")
def test_the_real_bipia_is_read() -> None:
    folder = Path(os.environ["SIGNALBOX_DATA"]) / "bipia"
    found = read_bipia(folder / "text_attack_train.json", folder / "email_train.jsonl")
    assert (len(found.payloads), len(found.contexts)) == (75, 50)

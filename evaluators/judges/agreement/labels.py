"""Rows that people have judged, from files, eval sets, the review queue and stored verdicts, as cases.

A row nobody called right or wrong is left out, and so is one over which people are split.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from eval_sets.cases import Case, Expected, Given, Id, Name, Text
from eval_sets.files import read_lines
from eval_sets.sets import read_set
from signalbox.errors import InvalidInput, NotFound, TooLarge
from signalbox.types import Frozen, Prediction

if TYPE_CHECKING:
    from evaluators.review import ReviewItem
    from signalbox.storage import PersonVerdict

MAX_ROWS = 20_000
_HINT = "A row has given.answer and given.verdict, or query, answer and verdict (right or wrong)."


class _Row(Frozen):
    """The short form of a labelled row."""

    id: Id | None = None
    query: Text
    answer: Text
    verdict: Literal["right", "wrong"]
    contexts: tuple[Text, ...] = ()
    reference: Text | None = None
    tags: dict[Name, Name] = Field(default_factory=dict)


def read_labels(path: Path) -> tuple[Case, ...]:
    """The judged rows of an eval set's folder or of a JSONL file, of cases or of rows in the short form.

    Raises:
        NotFound, TooLarge, InvalidInput: the message names file, line and field, or says that nothing is judged.
    """
    if not path.exists():
        raise NotFound(f"There is no file or eval set {path}.", field="labels")
    short = path.is_file() and _is_short(path)
    cases = _read_short(path) if short else read_set(path).cases
    return judged(cases, str(path))


def judged(cases: Iterable[Case], where: str) -> tuple[Case, ...]:
    """Those that people called right or wrong. Raises InvalidInput where none are, TooLarge where too many are."""
    found = tuple(case for case in cases if case.given is not None and case.given.verdict is not None)
    if not found:
        raise InvalidInput(f"{where}: nobody has called any of its answers right or wrong. {_HINT}", field="labels")
    if len(found) > MAX_ROWS:
        raise TooLarge(f"{where} has {len(found):,} judged rows, more than {MAX_ROWS:,}: take a part.", field="labels")
    return found


def from_reviews(items: Iterable[ReviewItem]) -> tuple[Case, ...]:
    """Decided items of the review queue whose provisional answer people called right or wrong, as rows.

    The passages are the quotes the answer was given with; a correction is the reference.
    """
    cases = []
    for item in items:
        decision = item.decision
        if decision is None or decision.verdict not in ("right", "wrong"):
            continue
        answers = (decision.correction,) if decision.correction else ()
        case = _case(item.id, item.prediction, decision.verdict, answers, "review")
        cases += [case] if case is not None else []
    return tuple(cases)


def from_verdicts(said: Iterable[tuple[Prediction, Sequence[PersonVerdict]]]) -> tuple[Case, ...]:
    """Answers that were given without a person and judged later; the majority counts, a tie is left out."""
    cases = []
    for prediction, verdicts in said:
        votes = sum(1 if one.verdict == "right" else -1 for one in verdicts)
        if votes:
            case = _case(prediction.id, prediction, "right" if votes > 0 else "wrong", (), "verdict")
            cases += [case] if case is not None else []
    return tuple(cases)


def rows_hash(cases: Sequence[Case]) -> str:
    """SHA-256 of the rows, whatever their order."""
    return hashlib.sha256("".join(sorted(map(row_hash, cases))).encode()).hexdigest()


def row_hash(case: Case) -> str:
    """SHA-256 of what is judged in a row and of what people said of it."""
    assert case.given is not None, "only judged rows have a hash"
    text = json.dumps([case.query, case.given.model_dump(mode="json"), case.expected.answers], ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _case(
    id: str,  # noqa: A002
    prediction: Prediction,
    verdict: Literal["right", "wrong"],
    answers: tuple[str, ...],
    source: str,
) -> Case | None:
    text = prediction.answer.text if prediction.answer is not None else None
    if not text or not prediction.query:
        return None
    contexts = tuple(one.text for one in prediction.evidence if one.kind == "quote" and one.text)
    return Case(
        id=id,
        query=prediction.query,
        expected=Expected(answers=answers),
        given=Given(answer=text, contexts=contexts, verdict=verdict),
        tags={"source": source, "route": prediction.route or "none"},
    )


def _is_short(path: Path) -> bool:
    try:
        first = json.loads(next((line for line in read_lines(path) if line.strip()), "null"))
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "given" not in first and "answer" in first


def _read_short(path: Path) -> list[Case]:
    cases: list[Case] = []
    seen: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = _Row.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            field = ".".join(map(str, first["loc"])) or "line"
            raise InvalidInput(f"{where}: {field}: {first['msg']}. {_HINT}", field=field) from None
        name = row.id or f"row-{number}"
        seen[name].append(number)
        if len(seen[name]) > 1:
            raise InvalidInput(f"{where}: the id {name!r} stands in line {seen[name][0]} already.", field="id")
        cases.append(
            Case(
                id=name,
                query=row.query,
                expected=Expected(answers=(row.reference,) if row.reference else ()),
                given=Given(answer=row.answer, contexts=row.contexts, verdict=row.verdict),
                tags=row.tags,
            )
        )
    return cases

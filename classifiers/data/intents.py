"""Reads labelled utterances and out-of-scope examples from JSON Lines, and says exactly what is wrong with them.

A line is `{"intent", "title", "reply", "utterances": […]}` or, out of scope, `{"text"}`; other fields are ignored.
Texts are the same when they differ only in case and spacing. It knows nothing of models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.contract import Examples, Task
from signalbox.errors import InvalidInput, TooLarge

TASK = "intent"
MOST_UTTERANCES = 200_000
MOST_CHARACTERS = 10_000
_FEWEST_UTTERANCES = 2


@dataclass(frozen=True)
class IntentExamples:
    """What an expert learns from.

    Attributes:
        labels: the intents, in the order of the file; titles and replies are in the same order.
        texts: the utterances, without repetitions.
        targets: for each utterance the position of its intent in `labels`.
        out_of_scope: texts that belong to no intent.
    """

    labels: tuple[str, ...]
    titles: tuple[str, ...]
    replies: tuple[str, ...]
    texts: tuple[str, ...]
    targets: tuple[int, ...]
    out_of_scope: tuple[str, ...] = ()

    def examples(self, prepare: Callable[[str], str]) -> Examples:
        """One task, `intent`, its labels sorted."""
        labels = tuple(sorted(self.labels))
        place = np.array([labels.index(label) for label in self.labels], dtype=np.float64)
        return Examples(
            tuple(prepare(text) for text in self.texts),
            (Task(TASK, "classification", labels),),
            place[list(self.targets)][:, None],
            tuple(prepare(text) for text in self.out_of_scope),
        )


def read_intents(path: Path, out_of_scope: Path | None = None) -> IntentExamples:
    """Read and check the examples; repeated utterances of one intent are dropped.

    Raises:
        InvalidInput: naming file, line and field: not UTF-8 or JSON, a field missing, empty or of the wrong type,
            an intent twice or with fewer than two distinct utterances, one intent only, a text with two meanings.
        TooLarge: more than 200,000 utterances, or one of more than 10,000 characters.
    """
    labels: dict[str, str] = {}
    titles: list[str] = []
    replies: list[str] = []
    texts: list[str] = []
    targets: list[int] = []
    seen: dict[str, tuple[str, str]] = {}
    for place, record in _records(path):
        label = _text(record, "intent", place)
        if label in labels:
            raise InvalidInput(f"{place}: the intent {label!r} is in {labels[label]} already; make it one line.")
        titles.append(_text(record, "title", place))
        replies.append(_text(record, "reply", place))
        before = len(texts)
        for text in _utterances(record, place):
            key = same(text)
            if key in seen and seen[key][0] != label:
                other, where = seen[key]
                raise InvalidInput(
                    f"{place}: the utterance {_short(text)} of {label!r} belongs to {other!r} too ({where}); "
                    "remove it from one of them.",
                    field="utterances",
                )
            if key not in seen:
                seen[key] = (label, place)
                texts.append(text)
                targets.append(len(labels))
        if len(texts) - before < _FEWEST_UTTERANCES:
            raise InvalidInput(
                f"{place}: the intent {label!r} needs at least {_FEWEST_UTTERANCES} distinct utterances.",
                field="utterances",
            )
        if len(texts) > MOST_UTTERANCES:
            raise TooLarge(f"{path} has more than {MOST_UTTERANCES:,} utterances; keep fewer of each intent.")
        labels[label] = place
    if len(labels) < 2:
        raise InvalidInput(f"{path} has {len(labels)} intents; at least 2 are needed to tell them apart.")
    outside = _outside(out_of_scope, seen) if out_of_scope is not None else ()
    return IntentExamples(tuple(labels), tuple(titles), tuple(replies), tuple(texts), tuple(targets), outside)


def same(text: str) -> str:
    """The key under which texts count as the same."""
    return " ".join(text.split()).casefold()


def _outside(path: Path, seen: dict[str, tuple[str, str]]) -> tuple[str, ...]:
    texts: dict[str, str] = {}
    for place, record in _records(path):
        text = _text(record, "text", place)
        key = same(text)
        if key in seen:
            label, where = seen[key]
            raise InvalidInput(
                f"{place}: {_short(text)} is an utterance of {label!r} ({where}); it can't be out of scope too.",
                field="text",
            )
        texts.setdefault(key, text)
        if len(texts) > MOST_UTTERANCES:
            raise TooLarge(f"{path} has more than {MOST_UTTERANCES:,} texts; keep fewer.")
    return tuple(texts.values())


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.") from None
    # Split as bytes: a line separator within a JSON string is no end of a line.
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        place = f"{path}, line {number}"
        try:
            text = line.decode("utf-8")
            record = json.loads(text) if text.strip() else None
        except UnicodeDecodeError:
            raise InvalidInput(f"{place}: not UTF-8; save the file as UTF-8.") from None
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{place}: not JSON ({error}); each line must be one JSON object.") from None
        if not text.strip():
            continue
        if not isinstance(record, dict):
            raise InvalidInput(f"{place}: not a JSON object but a {type(record).__name__}.")
        yield place, record


def _text(record: dict[str, Any], field: str, place: str) -> str:
    if field not in record:
        raise InvalidInput(f"{place}: the field {field!r} is missing.", field=field)
    return _checked(record[field], field, place)


def _utterances(record: dict[str, Any], place: str) -> list[str]:
    values = record.get("utterances")
    if values is None:
        raise InvalidInput(f"{place}: the field 'utterances' is missing.", field="utterances")
    if not isinstance(values, list):
        raise InvalidInput(f"{place}: 'utterances' must be a list of texts.", field="utterances")
    return [_checked(value, f"utterances[{index}]", place) for index, value in enumerate(values)]


def _checked(value: object, field: str, place: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{place}: {field!r} must be a text, not {type(value).__name__}.", field=field)
    if not value.strip():
        raise InvalidInput(f"{place}: {field!r} is empty; fill it in or remove it.", field=field)
    if len(value) > MOST_CHARACTERS:
        raise TooLarge(f"{place}: {field!r} has more than {MOST_CHARACTERS:,} characters; shorten it.", field=field)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(
            f"{place}: {field!r} holds half a surrogate pair (\\ud800…); remove it.", field=field
        ) from None
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")

"""Whatever arrives is either read or refused with a reason: nothing else escapes the parser."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.body.strict_json import MAX_DEPTH, parse
from api.routes.predict_body import PredictBody
from signalbox.errors import InvalidInput

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(JSON)
def test_what_is_json_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary() | st.text(alphabet='[]{}",:0129eE+-.\\ud8atrufalsnINy \n').map(lambda text: text.encode()))
@example(b"[" * 1_000_000)
@example(b'{"":' * 200_000)
@example(b"-" + b"9" * 5_000)
@example(b"-1e999")
@example(b'"\\ud83d\\ud83d\\ude82"')
def test_anything_else_is_refused_in_words(raw: bytes) -> None:
    value: object = None
    refusal = ""
    try:
        value = parse(raw)
    except InvalidInput as error:
        refusal = error.detail
    refusal.encode()
    assert len(refusal) < 300
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


def test_the_depth_limit_is_exact() -> None:
    parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(InvalidInput, match="deeper"):
        parse(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_the_documented_limits_hold_in_the_schema() -> None:
    properties = PredictBody.model_json_schema()["properties"]
    assert PredictBody.model_json_schema()["additionalProperties"] is False
    assert set(properties["route"]["enum"]) == {"auto", "classifier", "grounded", "cloud"}

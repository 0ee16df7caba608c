"""The JSON schema of a line of `cases.jsonl`, made from `Case`. `python -m eval_sets.schema` writes the file anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eval_sets.cases import Case

SCHEMA_FILE = Path(__file__).with_name("case.schema.json")


def case_schema() -> dict[str, Any]:
    """The schema, in the dialect 2020-12."""
    schema = Case.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "One line of cases.jsonl"}


def schema_text() -> str:
    """What the file beside this module holds."""
    return json.dumps(case_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")

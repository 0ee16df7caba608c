"""The security page: every item of OWASP's list is there, and every test it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from signalbox.settings import DEFENCES, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)))
ITEMS = (
    "Prompt injection",
    "Sensitive information disclosure",
    "Excessive agency",
    "Supply chain",
    "Data and model poisoning",
    "Unbounded consumption",
    "Misinformation",
    "Hidden context exposure",
    "Vector and embedding weaknesses",
    "Improper output handling",
)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_named_test_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in found


@pytest.mark.parametrize(("number", "title"), enumerate(ITEMS, 1))
def test_every_item_has_a_test_or_a_reason(number: int, title: str) -> None:
    _, heading, rest = PAGE.partition(f"## LLM{number:02d} {title}\n")
    assert heading
    section = rest.partition("\n## ")[0]
    assert "::test_" in section or "Not done:" in section


def test_every_switch_is_explained() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == DEFENCES


def test_every_setting_named_exists() -> None:
    named = {name.lower() for name in re.findall(r"SIGNALBOX_([A-Z_]+)", PAGE)}
    assert named <= set(Settings.model_fields)

"""What imports what: start-up stays cheap, one library has one room, and imports only go down."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("agents", "api", "classifiers", "eval_sets", "evaluators", "retriever", "signalbox")
HEAVY = {
    "dbos",
    "faiss",
    "langchain",
    "langgraph",
    "llama_cpp",
    "numpy",
    "openai",
    "sentence_transformers",
    "sklearn",
    "torch",
    "transformers",
}
# Libraries by the only folders that may know them.
ROOMS = {
    "fastapi": ("api",),
    "starlette": ("api",),
    "uvicorn": ("api", "signalbox/models/scripted"),
    "typer": ("api/cli",),
    "langgraph": ("agents",),
    "langchain": ("agents",),
    "faiss": ("retriever",),
    "bm25s": ("retriever",),
    "langchain_text_splitters": ("retriever",),
    "sklearn": ("classifiers",),
    "llama_cpp": ("signalbox/models",),
    "openai": ("signalbox/models",),
    "torch": ("classifiers", "signalbox/encoder"),
    "sentence_transformers": ("signalbox/encoder",),
    "onnxruntime": ("signalbox/encoder",),
    "sqlalchemy": ("signalbox/storage",),
    "psycopg": ("signalbox/storage",),
    "dbos": ("signalbox/jobs",),
    "ragas": ("evaluators/scorers",),
    "ray": ("evaluators/harness",),
    "prometheus_client": ("signalbox/telemetry",),
}


@cache
def modules() -> dict[Path, ast.Module]:
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


def loaded_by(code: str) -> set[str]:
    """Top-level names in sys.modules after running `code` in a fresh interpreter."""
    ask = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", ["signalbox", "signalbox.settings", "signalbox.types", "api.cli"])
def test_what_every_command_imports_is_cheap(name: str) -> None:
    assert not loaded_by(f"import {name}") & HEAVY


@pytest.mark.parametrize("words", ["", "eval", "eval run", "attack run", "judge calibrate", "keys create", "predict"])
def test_help_imports_next_to_nothing(words: str) -> None:
    code = f"""
import sys
from api.cli import main
sys.argv = ["signalbox", *{words.split()!r}, "--help"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
"""
    assert not loaded_by(code) & (HEAVY | {"asyncio", "httpx", "pydantic", "rich", "sqlalchemy", "yaml"})


def test_serving_imports_neither_training_nor_evaluation() -> None:
    """Everything the service loads, the parts it opens included."""
    code = """
import api.server, api.service.wiring, agents.router, agents.grounding, agents.policy, classifiers, retriever
import signalbox.encoder, signalbox.models.cloud, signalbox.models.local, signalbox.models.prices, signalbox.storage
"""
    assert not loaded_by(code) & {
        "ragas",
        "sentence_transformers",
        "sklearn",
        "torch",
        "transformers",
        "llama_cpp",  # in the worker only
        "dbos",  # with the first job only
        "eval_sets",  # of the evaluators, only the review queue serves
    }


@pytest.mark.parametrize("library", sorted(ROOMS))
def test_one_library_has_one_room(library: str) -> None:
    rooms = tuple(Path(room) for room in ROOMS[library])
    outside = [
        str(path)
        for path, tree in modules().items()
        if any(name.split(".")[0] == library for name in imported(tree))
        and not any(path.is_relative_to(room) for room in rooms)
    ]
    assert not outside, f"{library} belongs to {', '.join(ROOMS[library])}"


def test_only_the_settings_read_the_environment() -> None:
    """Handing it on to a child process, with something added, is not reading it."""
    names = {"environ", "environb", "getenv", "getenvb"}
    handed_on = {
        node.left
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
    }
    readers = {
        str(path)
        for path, tree in modules().items()
        for node in set(ast.walk(tree)) - handed_on
        if (isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os")
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and {name.name for name in node.names} & names)
    }
    assert readers == {"signalbox/settings.py"}


def test_nothing_loads_pickles() -> None:
    unsafe = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    assert not [str(path) for path, tree in modules().items() if {n.split(".")[0] for n in imported(tree)} & unsafe]


def test_imports_only_go_down() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout


def test_doctor_names_a_package_that_another_distribution_put_in_the_way(tmp_path: Path) -> None:
    """`agents` is also a package of the OpenAI Agents SDK."""
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").touch()
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from api.service.checks import run_checks, check_packages
from signalbox.errors import ConfigurationError
try:
    check_packages()
except ConfigurationError as error:
    print(error.detail)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "The package 'agents' comes from" in done.stdout
    assert str(tmp_path) in done.stdout
    assert "uninstall" in done.stdout

"""What commands print and how they end: help, one JSON object for programs, exit codes for scripts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMMANDS = (
    "init",
    "serve",
    "predict",
    "ingest",
    "calibrate",
    "doctor",
    "bench",
    "keys",
    "review",
    "train",
    "data",
    "experts",
    "attack",
    "eval",
    "judge",
)
SECRET = "sk-very-secret-0123456789"
NOBODY_LISTENS = "postgresql://someone:hidden@127.0.0.1:9/signalbox"

Command = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[..., str]


def test_help_lists_the_commands(command: Command) -> None:
    done = command("--help")
    assert done.returncode == 0
    listed = done.stdout.partition("Commands:")[2]
    assert re.findall(r"^  (\w+) ", listed, re.MULTILINE) == list(COMMANDS)


def test_no_command_shows_the_help(command: Command) -> None:
    done = command()
    assert done.returncode == 2
    assert "Commands:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_explained(command: Command, name: str) -> None:
    done = command(name, "--help", COLUMNS="200")
    assert done.returncode == 0
    options = [line for line in done.stdout.splitlines() if line.strip().startswith("--")]
    assert options
    assert all(len(line.split()) > 3 for line in options), done.stdout


def test_predict_answers_with_one_json_object(command: Command, encoder_cache: Path) -> None:
    """Nothing is there to answer with: that is an outcome, not an error. No log lines in between."""
    done = command("predict", "When?", "--json", SIGNALBOX_DATA_DIR=str(encoder_cache))
    assert (done.returncode, done.stderr) == (0, "")
    prediction = json.loads(done.stdout)
    assert prediction["outcome"] == "in_review"
    assert {attempt["reason"] for attempt in prediction["attempts"]} == {
        "no expert is trained",
        "no documents are ingested",
        "no cloud LLM is configured",
    }


def test_predict_shows_the_way_a_query_took(command: Command, encoder_cache: Path) -> None:
    done = command("predict", "[red]When?[/red]", SIGNALBOX_DATA_DIR=str(encoder_cache))
    assert done.returncode == 0
    assert "In review" in done.stdout
    for route in ("classifier", "grounded", "cloud"):
        assert re.search(rf"^{route} +skipped", done.stdout, re.MULTILINE), done.stdout


def test_predict_answers_every_line_of_a_file(command: Command, encoder_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text('{"query": "One?"}\n\n{"query": "Two?", "local_only": true}\n')
    done = command("predict", "--file", "queries.jsonl", "--json", SIGNALBOX_DATA_DIR=str(encoder_cache))
    assert done.returncode == 0
    assert [json.loads(line)["query"] for line in done.stdout.splitlines()] == ["One?", "Two?"]


def test_an_expert_that_is_not_there_is_named(refused: Refused, encoder_cache: Path) -> None:
    said = refused("predict", "hi", "--expert", "prices", SIGNALBOX_DATA_DIR=str(encoder_cache))
    assert "There is no expert 'prices'" in said


def test_ingest_reports_as_one_json_object_and_names_what_failed(
    command: Command, refused: Refused, encoder_cache: Path, tmp_path: Path
) -> None:
    where = {"SIGNALBOX_DATA_DIR": str(encoder_cache)}
    (tmp_path / "good.md").write_text("# Lamps\n\nLamps are sold with a bulb.\n")
    (tmp_path / "fake.pdf").write_text("no PDF at all")
    (tmp_path / "table.xyz").write_text("a")
    done = command("ingest", "good.md", "fake.pdf", "--json", **where)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert (report["added"], report["documents"]) == (1, 1)
    assert [Path(failed["path"]).name for failed in report["failed"]] == ["fake.pdf"]
    assert "fake.pdf is not a PDF" in done.stderr
    assert "Traceback" not in done.stderr
    done = command("ingest", "good.md", **where)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 documents in 1 chunks: 1 unchanged." in done.stdout
    assert "nowhere does not exist" in refused("ingest", "nowhere", **where)
    assert "files ending in '.xyz' are not supported" in refused("ingest", "table.xyz", **where)


def test_calibrate_without_a_route_to_try_leaves_the_policy(
    refused: Refused, encoder_cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "labels.jsonl").write_text('{"id": "a", "query": "When?", "contains": ["now"]}\n')
    said = refused("calibrate", "labels.jsonl", SIGNALBOX_DATA_DIR=str(encoder_cache))
    assert "No route could be tried" in said
    assert not (encoder_cache / "policies").exists()


@pytest.mark.parametrize("arguments", [["predict", "hi"], ["serve", "--port", "0"]])
def test_a_database_that_is_not_there_is_exit_code_3(command: Command, arguments: list[str]) -> None:
    done = command(*arguments, SIGNALBOX_DATABASE_URL=NOBODY_LISTENS)
    assert done.returncode == 3
    last = done.stderr.splitlines()[-1]
    assert last.startswith("signalbox: The PostgreSQL database someone@127.0.0.1:9/signalbox can't be reached")
    assert "hidden" not in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_shows_every_setting_its_source_and_no_secret(command: Command, encoder_cache: Path) -> None:
    given = {"SIGNALBOX_DATA_DIR": str(encoder_cache), "SIGNALBOX_CLOUD_API_KEY": SECRET, "SIGNALBOX_PORT": "0"}
    assert command("predict", "hi", **given | {"SIGNALBOX_CLOUD_BASE_URL": "http://127.0.0.1:9"}).returncode == 0
    table = command("doctor", **given)
    assert (table.returncode, table.stderr) == (0, "")
    assert re.search(r"^SIGNALBOX_PORT +0 +environment", table.stdout, re.MULTILINE)
    assert re.search(r"^SIGNALBOX_HOST +127\.0\.0\.1 +default", table.stdout, re.MULTILINE)
    assert re.search(r"^ok +database: SQLite", table.stdout, re.MULTILINE)
    _, _, checks = table.stdout.partition("\n\n")
    assert all(line.startswith("ok  ") for line in checks.splitlines()), "one line a check, however long"
    report = command("doctor", "--json", **given)
    assert report.returncode == 0
    parsed = json.loads(report.stdout)
    assert parsed["ok"] is True
    assert parsed["settings"]["cloud_api_key"] == {"value": "********", "source": "environment"}
    assert [check["check"] for check in parsed["checks"]] == [
        "packages",
        "disk",
        "encoder",
        "local LLM",
        "cloud LLM",
        "database",
        "API keys",
        "port",
    ]
    assert SECRET not in table.stdout + report.stdout


def test_doctor_sees_that_the_data_directory_may_not_be_written() -> None:
    code = (
        "import os; from pathlib import Path; from api.service.checks import _disk\n"
        "from signalbox.settings import Settings\n"
        "os.geteuid() or os.setuid(65534)\n"
        "_disk(Settings(data_dir=Path('/')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "/ may not be written" in done.stderr


def test_doctor_names_what_needs_attention(command: Command, encoder_cache: Path) -> None:
    given = {"SIGNALBOX_DATA_DIR": str(encoder_cache), "SIGNALBOX_LOCAL_MODEL": "nowhere.gguf"}
    done = command("doctor", "--json", SIGNALBOX_DATABASE_URL=NOBODY_LISTENS, **given)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    failed = {check["check"]: check["detail"] for check in report["checks"] if not check["ok"]}
    assert set(failed) == {"local LLM", "database", "API keys"}
    assert "nowhere.gguf" in failed["local LLM"]
    assert "hidden" not in done.stdout + done.stderr


def test_interrupting_a_command_is_exit_code_130(tmp_path: Path, encoder_cache: Path) -> None:
    env = {**os.environ, "SIGNALBOX_DATA_DIR": str(encoder_cache), "SIGNALBOX_LOCAL_MODEL": "none"}
    (tmp_path / "queries.jsonl").write_text("".join(f'{{"query": "Number {n}?"}}\n' for n in range(20_000)))
    with subprocess.Popen(
        [sys.executable, "-c", "from api.cli import main; main()", "predict", "--file", "queries.jsonl", "--json"],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background hands down an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said


def test_bench_names_what_there_is(refused: Refused) -> None:
    line = refused("bench", "everything")
    assert "There is no benchmark 'everything'" in line
    assert "retrieval" in line


def test_bench_passes_arguments_and_exit_code_on(command: Command) -> None:
    done = command("bench", "retrieval", "--chunks", "many")
    assert done.returncode == 2
    assert "invalid int value: 'many'" in done.stderr

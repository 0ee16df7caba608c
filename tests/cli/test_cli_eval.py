"""`signalbox eval run` and `list`, as people run them: without a network, killed, interrupted, and with bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from signalbox.storage.lock import OpenerLock

Refused = Callable[..., str]
Command = Callable[..., subprocess.CompletedProcess[str]]

# As where there is no network at all: not even loopback can be had.
_NO_NETWORK = """
import socket
made = socket.socket.__init__
def refuse(self, family=-1, *rest, **more):
    if family in (-1, socket.AF_INET, socket.AF_INET6) and more.get("fileno") is None and not rest[2:]:
        raise RuntimeError("there is no network")
    made(self, family, *rest, **more)
socket.socket.__init__ = refuse
"""


def a_set(folder: Path, count: int = 6) -> Path:
    path = folder / "capitals.jsonl"
    cases = [
        {
            "id": f"case-{number}",
            "query": f"What is {number}?",
            "expected": {"contains": [str(number)]},
            "given": {"answer": f"It is {number if number % 3 else 'unknown'}."},
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    return path


def test_a_run_needs_no_network(command: Command, tmp_path: Path) -> None:
    a_set(tmp_path)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_NO_NETWORK, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[2])])
    blocked = subprocess.run(
        [sys.executable, "-c", "import socket; socket.socket()"], env={**os.environ, "PYTHONPATH": path}, check=False
    )
    assert blocked.returncode == 1
    arguments = ["eval", "run", "capitals.jsonl", "--target", "given", "--scorer", "contains", "--json"]
    alone = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    process = _start(tmp_path, arguments, *(["unshare", "-rn"] if alone else []), PYTHONPATH=path)
    out, said = process.communicate(timeout=60)
    done = subprocess.CompletedProcess(arguments, process.returncode, out, said)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert (shown["state"], shown["target"]["name"], shown["set"]["name"]) == ("done", "given", "capitals")
    folder = tmp_path / "data" / "evals" / shown["id"]
    assert {"run.json", "rows.jsonl", "summary.json", "report.html", "report.md", "junit.xml"} <= {
        one.name for one in folder.iterdir()
    }
    listed = command("eval", "list", "--json")
    assert [item["id"] for item in json.loads(listed.stdout)["items"]] == [shown["id"]]
    assert shown["id"] in command("eval", "list").stdout


def test_a_killed_or_interrupted_run_is_finished_later(tmp_path: Path) -> None:
    server = _Server(tmp_path)
    try:
        a_set(tmp_path, 80)
        arguments = ["eval", "run", "capitals.jsonl", "--target", f"model:m@{server.url}", "--scorer", "contains"]
        arguments += ["--max-unmeasured", "1", "--concurrency", "2"]
        process = _start(tmp_path, arguments)
        folder = _under_way(tmp_path, rows=3)
        process.kill()
        process.wait()
        process = _start(tmp_path, ["eval", "run", "--resume", folder.name])
        _under_way(tmp_path, rows=len(_rows(folder)) + 3)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 130
        assert f"signalbox eval run --resume {folder.name}" in said
        assert json.loads((folder / "run.json").read_bytes())["state"] == "cancelled"
        process = _start(tmp_path, ["eval", "run", "--resume", folder.name, "--json", "--concurrency", "8"])
        out, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        shown = json.loads(out)
        assert (shown["state"], shown["limits"]["concurrency"], len(shown["sittings"])) == ("done", 8, 3)
        rows = _rows(folder)
        assert len({row["case"]["id"] for row in rows}) == len(rows) == 80
        assert server.asked() - 80 <= 2 + 2  # what was in flight, twice
    finally:
        server.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "Name a set to run"),
        (["run", "nowhere"], "There is no eval set 'nowhere'"),
        (["run", "capitals.jsonl", "--target", "given"], "Say what to measure: the set capitals names no scorers"),
        (["run", "capitals.jsonl", "--target", "it", "--scorer", "exact"], "There is no target 'it'"),
        (["run", "capitals.jsonl", "--scorer", "best"], "There is no scorer 'best'"),
        (["run", "capitals.jsonl", "--scorer", "exact", "--rate", "0"], "rate_per_s: Input should be greater than 0"),
        (["run", "capitals.jsonl", "--scorer", "exact", "--max-unmeasured", "2"], "max_unmeasured: Input should be"),
        (["run", "capitals.jsonl", "--scorer", "exact", "--engine", "spark"], "engine: It is local or ray"),
        (["run", "--resume", "evl_1"], "There is no run 'evl_1'"),
        (["run", "broken.jsonl", "--scorer", "exact"], "broken.jsonl, line 2"),
        (["list", "--cursor", "x"], "This is no cursor"),
    ],
)
def test_bad_input_is_said_in_one_line(refused: Refused, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "broken.jsonl").write_text('{"id": "a", "query": "b"}\n{"id": "a"}\n', encoding="utf-8")
    a_set(tmp_path)
    assert message in refused("eval", *arguments)
    assert not list((tmp_path / "data").glob("evals/*"))


def test_too_much_unmeasured_fails_with_exit_code_1(command: Command, tmp_path: Path) -> None:
    path = a_set(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + '{"id": "none", "query": "Why?"}\n', encoding="utf-8")
    options = ("--target", "given", "--scorer", "contains", "--max-unmeasured", "0.1")
    done = command("eval", "run", path.name, *options)
    assert done.returncode == 1
    assert re.search(r"evl_\w+ failed: 1 of 7 rows failed; more than 10% is too much\. The first: none", done.stderr)
    assert len(list((tmp_path / "data").glob("evals/*/report.html"))) == 1


def test_what_a_job_fails_by_is_said_with_how_to_go_on(command: Command, tmp_path: Path) -> None:
    a_set(tmp_path)
    done = command("eval", "run", "capitals.jsonl", "--target", "model:local", "--scorer", "contains")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "signalbox: model: The local LLM is switched off by SIGNALBOX_LOCAL_MODEL=none."
    )
    assert "--resume evl_" in done.stderr


class _Server:
    """A model behind HTTP that takes its time, and counts what it is asked."""

    def __init__(self, folder: Path) -> None:
        code = ["-m", "signalbox.models.scripted", "--port", "0", "--latency-ms", "250", "--reply", "It is 1."]
        self._process = subprocess.Popen(
            [sys.executable, *code], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def asked(self) -> int:
        import httpx

        counts: dict[str, Any] = httpx.get(f"{self.url.removesuffix('/v1')}/counts").json()
        return int(counts["requests"])

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def _start(folder: Path, arguments: list[str], *before: str, **environment: str) -> subprocess.Popen[str]:
    given = {"SIGNALBOX_DATA_DIR": str(folder / "data"), "SIGNALBOX_LOCAL_MODEL": "none", **environment}
    return subprocess.Popen(
        [*before, sys.executable, "-c", "from api.cli import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _under_way(folder: Path, rows: int) -> Path:
    """The folder of the only run, once so many of its rows are there."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for path in (folder / "data").glob("evals/*/rows.jsonl"):
            if path.read_bytes().count(b"\n") > rows:
                return path.parent
        time.sleep(0.01)
    raise AssertionError("the run does not get on")


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()[1:]]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--target", "http://someone:hidden@127.0.0.1:1"],
        ["--target", "http://127.0.0.1:1/?key=hidden"],
        ["--target", "http://someone:hidden@"],
        ["--target", "HTTP://someone:hidden@127.0.0.1:1"],
        ["--target", "model:m@http://someone:hidden@127.0.0.1:1/v1"],
        ["--target", "given", "--scorer", "judge:rubric=helpfulness,model=m@http://someone:hidden@127.0.0.1:1/v1"],
    ],
)
def test_a_password_in_a_url_is_refused_before_anything_is_written(
    refused: Refused, tmp_path: Path, arguments: list[str]
) -> None:
    a_set(tmp_path)
    said = refused("eval", "run", "capitals.jsonl", "--scorer", "contains", *arguments)
    assert "hidden" not in said
    assert "--resume" not in said
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


@pytest.mark.parametrize("target", ["http://someone:hidden@127.0.0.1:1", "model:m@http://127.0.0.1:1/v1?key=hidden"])
def test_an_attack_run_refuses_it_too(refused: Refused, tmp_path: Path, target: str) -> None:
    a_set(tmp_path)
    assert "hidden" not in refused("attack", "run", "--set", "capitals.jsonl", "--target", target)
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_runs_are_removed_by_their_ids(command: Command, refused: Refused, tmp_path: Path) -> None:
    a_set(tmp_path)
    done = command("eval", "run", "capitals.jsonl", "--target", "given", "--scorer", "contains", "--json")
    run = json.loads(done.stdout)["id"]
    folder = tmp_path / "data" / "evals" / run
    assert "There is no run 'evl_x'" in refused("eval", "rm", run, "evl_x")
    assert "There is no attack run" in refused("attack", "rm", run)
    for lock in (folder / ".lock", folder / "jobs" / "lock"):
        held = OpenerLock.acquire(lock, "it")
        assert run in refused("eval", "rm", run)
        held.release()
    assert (folder / "rows.jsonl").is_file()
    removed = command("eval", "rm", run, run, "--json")
    assert json.loads(removed.stdout) == {"removed": [run]}
    assert not folder.exists()


def test_a_run_that_a_service_is_about_to_work_on_stays(refused: Refused, command: Command, tmp_path: Path) -> None:
    run = "evl_01M7X0000000000000000FRMT1"
    folder = tmp_path / "data" / "evals" / run
    folder.mkdir(parents=True)
    manifest = {"format": 1, "id": run, "kind": "eval", "state": "waiting", "job": "job_01M7X0000000000000000FRMT1"}
    (folder / "run.json").write_text(json.dumps(manifest))
    (tmp_path / "data" / "jobs").mkdir()
    service = OpenerLock.acquire(tmp_path / "data" / "jobs" / "lock", "the jobs")
    assert "cancel its job" in refused("eval", "rm", run)
    service.release()
    assert command("eval", "rm", run).stdout == f"Removed: {run}\n"
    assert not folder.exists()


async def test_what_a_run_spends_is_in_the_books_of_the_workspace(command: Command, tmp_path: Path) -> None:
    import asyncio

    from signalbox.models.protection.spending import NANO, SERVICE
    from signalbox.settings import Settings
    from signalbox.storage import SpendingStore, open_database
    from signalbox.types import utc_now

    price = {"input": 100, "output": 100, "as_of": "2026-11-01", "source": "this test"}
    (tmp_path / "prices.json").write_text(json.dumps({"models": {"dear": price}}), encoding="utf-8")
    a_set(tmp_path)
    server = _Server(tmp_path)
    arguments = ["eval", "run", "capitals.jsonl", "--target", f"model:dear@{server.url}", "--scorer", "contains"]
    run = partial(asyncio.to_thread, command, *arguments, "--json", "--no-cache", SIGNALBOX_PRICES_FILE="prices.json")
    try:
        done = await run()
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert shown["limits"]["max_cost_usd"] == 1.0
        database = await open_database(Settings(data_dir=tmp_path / "data"))
        try:
            taken = await SpendingStore(database).taken(utc_now().date(), SERVICE)
            spent = sum(row["spent"]["cost_usd"] for row in _rows(tmp_path / "data" / "evals" / shown["id"]))
            assert 0 < taken == round(spent * NANO)
            # As where a service runs on SQLite: it alone may write.
            refused = await run()
        finally:
            await database.close()
    finally:
        server.close()
    assert refused.returncode != 0
    assert "evaluate that service itself, as --target http://127.0.0.1:8000" in refused.stderr.splitlines()[-1]
    assert len(list((tmp_path / "data").glob("evals/*"))) == 1

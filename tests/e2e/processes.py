"""Starting the real commands as processes, and waiting for what they come to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

PATIENCE_S = 120.0


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "SIGNALBOX_DATA_DIR": str(data_dir), **more}


def signalbox(*arguments: str, data_dir: Path, timeout: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in an empty folder."""
    return subprocess.run(
        [sys.executable, "-c", "from api.cli import main; main()", *arguments],
        cwd=data_dir.parent,
        env=environment(data_dir, **more),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def wait_for(what: str, look: Callable[[], Any], *, patience_s: float = PATIENCE_S) -> Any:
    """What `look` returns once that is something; anything a service under way may raise counts as nothing."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        try:
            found = look()
        except (httpx.HTTPError, OSError):
            found = None
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {patience_s:.0f} s")


class Service:
    """A running `signalbox serve`; what it says goes to `log`."""

    def __init__(self, data_dir: Path, log: Path, **more: str) -> None:
        self.data_dir, self.log = data_dir, log
        with log.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", "0"],
                cwd=data_dir.parent,
                env=environment(data_dir, **more),
                stdout=said,
                stderr=said,
            )
        self.client: httpx.Client | None = None

    def ready(self) -> Service:
        def look() -> httpx.Client | None:
            assert self.process.poll() is None, f"the service has ended:\n{self.said}"
            _, found, rest = self.said.partition("ready at ")
            return httpx.Client(base_url=rest.split()[0], timeout=PATIENCE_S, trust_env=False) if found else None

        self.client = wait_for("the service's being ready", look)
        return self

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def ask(self, query: str, **constraints: Any) -> dict[str, Any]:
        assert self.client is not None
        answered = self.client.post("/predict", json={"query": query, **constraints})
        assert answered.status_code == 200, f"{answered.text}\n{self.said}"
        prediction: dict[str, Any] = answered.json()
        return prediction

    def get(self, path: str) -> httpx.Response:
        assert self.client is not None
        return self.client.get(path)

    @property
    def port(self) -> int:
        assert self.client is not None
        assert self.client.base_url.port is not None
        return self.client.base_url.port

    def workers(self) -> list[psutil.Process]:
        """The processes of the local LLM."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, and give the exit code. Nothing of the service is left running."""
        children = self.workers() if self.process.poll() is None else []
        self.process.send_signal(how)
        try:
            code = self.process.wait(timeout=PATIENCE_S)
        finally:
            self.process.kill()
            self.process.wait()
            _, alive = psutil.wait_procs(children, timeout=30)
            for child in alive:
                child.kill()
        assert not alive, "a worker has outlived its service"
        return code

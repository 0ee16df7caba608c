"""The server as a process: one line when ready, a graceful stop, honest failures."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.server import listen, serve
from signalbox.errors import ConfigurationError
from signalbox.settings import Settings

HERE = Path(__file__).parent


class Server:
    """A running `serving.py`. Reads its standard error line by line, so that a test can wait for what it says."""

    def __init__(self, folder: Path, *, grace_ms: float = 10_000, opening: str = "ok") -> None:
        command = [sys.executable, str(HERE / "serving.py"), str(folder), "0", str(grace_ms), opening]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=HERE.parents[1])
        self.said: list[str] = []

    def wait_for(self, pattern: str) -> re.Match[str]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"it never said {pattern!r} but {''.join(self.said)}")

    def url(self) -> str:
        return self.wait_for(r"ready at (http://127\.0\.0\.1:\d+)")[1]

    def finish(self) -> tuple[int, str]:
        """Its exit code, and the rest of what it says."""
        _, rest = self.process.communicate(timeout=60)
        return self.process.returncode, rest


@contextmanager
def running(folder: Path, **options: Any) -> Iterator[Server]:
    server = Server(folder, **options)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


def ask(url: str, seconds: str) -> httpx.Response:
    return httpx.post(f"{url}/predict", json={"query": seconds}, timeout=60, trust_env=False)


def test_a_stop_lets_the_running_query_finish(tmp_path: Path) -> None:
    with running(tmp_path) as server, ThreadPoolExecutor() as pool:
        url = server.url()
        slow = pool.submit(ask, url, "1.5")
        server.wait_for("thinking")
        server.process.send_signal(signal.SIGTERM)
        answered = slow.result()
        assert answered.status_code == 200
        assert answered.json()["answer"]["text"] == "You said: 1.5"
        assert "server" not in answered.headers
        assert server.finish() == (0, "")
        with pytest.raises(httpx.ConnectError):
            ask(url, "0")


def test_a_query_that_outlasts_the_grace_period_is_told_so(tmp_path: Path) -> None:
    with running(tmp_path, grace_ms=300) as server, ThreadPoolExecutor() as pool:
        slow = pool.submit(ask, server.url(), "50")
        server.wait_for("thinking")
        server.process.send_signal(signal.SIGINT)
        stopped = slow.result()
        assert stopped.status_code == 503
        assert stopped.json()["type"] == "/problems/stopping"
        code, rest = server.finish()
        assert code == 130
        assert "Traceback" not in rest


def test_a_service_that_cannot_open_ends_with_its_error(tmp_path: Path) -> None:
    with running(tmp_path, opening="fails") as server:
        server.wait_for("error: No model at x.gguf")
        assert server.finish()[0] == 3
        assert "ready" not in "".join(server.said)


def test_a_service_that_is_still_opening_can_be_stopped(tmp_path: Path) -> None:
    with running(tmp_path, opening="hangs") as server:
        server.wait_for("Opening takes long")
        server.process.send_signal(signal.SIGTERM)
        assert server.finish() == (0, "")


def test_a_taken_port_is_said_before_anything_is_opened(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        async def opener(*_: Any) -> Any:
            raise AssertionError("the service was opened")

        with pytest.raises(ConfigurationError, match=rf"port {port} is taken.*SIGNALBOX_PORT") as caught:
            serve(Settings(data_dir=tmp_path, port=port), opener=opener)
        assert caught.value.field == "port"


def test_a_port_is_taken_from_the_moment_it_is_bound(tmp_path: Path) -> None:
    with listen(Settings(data_dir=tmp_path, port=0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigurationError, match="is taken"):
            listen(Settings(data_dir=tmp_path, port=port))


def test_callers_that_misbehave_leave_nothing_behind(tmp_path: Path) -> None:
    """A body without end is cut off, and a query whose caller has hung up does not hold up a stop."""
    with running(tmp_path, grace_ms=60_000) as server:
        url = server.url()
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            head = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
            sender = threading.Thread(target=_flood, args=(connection, chunk), daemon=True)
            sender.start()
            assert connection.recv(12) == b"HTTP/1.1 413"
            sender.join(30)
            assert not sender.is_alive()
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/predict", json={"query": "1000"}, timeout=0.5, trust_env=False)
        server.process.send_signal(signal.SIGTERM)
        assert server.finish()[0] == 0


def _flood(connection: socket.socket, chunk: bytes) -> None:
    """Sends until the other side has closed."""
    try:
        while True:
            connection.sendall(chunk)
    except OSError:
        return

"""The service's side of a job's process: starting it, talking to it, noticing its end, ending it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from signalbox.jobs import wire
from signalbox.jobs.kinds import Kind

_HOME = Path(__file__).resolve().parents[2]
SAID = "said.log"
"""What the process prints, in the job's folder: it may quote texts, so it stays there."""


class WorkerDied(Exception):
    """The process ended without a last word; the message says how, and what it printed last."""


class JobProcess:
    """One running process. One thread talks to it; any may kill it."""

    def __init__(self, kind: Kind, job_id: str, arguments: dict[str, Any], folder: Path, data_dir: Path) -> None:
        ours, theirs = socket.socketpair()
        self._channel = ours
        self._unread = b""
        with theirs, (folder / SAID).open("wb") as said:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "signalbox.jobs.child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=(theirs.fileno(),),
                cwd=_HOME,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(_HOME), str(kind.home)])},
                start_new_session=True,  # Ctrl-C is for the service, which ends its jobs itself
            )
        given = {
            "work": kind.reference,
            "id": job_id,
            "arguments": arguments,
            "folder": str(folder.absolute()),
            "data_dir": str(data_dir.absolute()),
        }
        self.send(given)

    def send(self, message: wire.Message) -> None:
        # A process that has just died is noticed by reading; the pipe's error adds nothing.
        with contextlib.suppress(ConnectionError):
            self._channel.sendall(wire.pack(message))

    def receive(self, timeout_s: float) -> wire.Message | None:
        """The next message; None when none came in time.

        Raises:
            WorkerDied: there will be none.
        """
        self._channel.settimeout(timeout_s)
        while b"\n" not in self._unread:
            try:
                piece = self._channel.recv(65_536)
            except TimeoutError:
                return None
            except ConnectionError:
                piece = b""
            if not piece:
                raise WorkerDied(self._last_words())
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return wire.unpack(line)

    def kill(self) -> None:
        """End it and what it has started, at once."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill it if it still runs, and let go of everything."""
        self.kill()
        self._process.wait()
        self._channel.close()

    def _last_words(self) -> str:
        self.kill()
        code = self._process.wait()
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

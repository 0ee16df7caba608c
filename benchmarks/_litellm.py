"""LiteLLM's proxy as the anchor of the gateway: installed into an environment of its own, started before an upstream.

It is never imported here. Where it can't be installed there is no anchor, and no figure is made up for it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = "1.104.3"
_INSTALL_S = 900
_START_S = 180.0
# As its documentation advises for production; the price list is the one it ships, so that nothing is downloaded. Like
# ours, it serves this machine only and checks no keys.
_ENVIRONMENT = {
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_DONT_SHOW_FEEDBACK_BOX": "True",
}
_CONFIG = """\
model_list:
  - model_name: upstream
    litellm_params: {{model: openai/scripted, api_base: "{base_url}", api_key: none}}
litellm_settings:
  set_verbose: false
  request_timeout: 60
"""


def default_folder() -> Path:
    return Path.home() / ".cache" / "signalbox-bench" / f"litellm-{VERSION}"


def install(folder: Path) -> str | None:
    """Make the environment in `folder` unless it is there. Returns why that is impossible, or None."""
    if (folder / "bin" / "litellm").is_file():
        return None
    python = folder / "bin" / "python"
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", f"litellm[proxy]=={VERSION}"],
    )
    for command in steps:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
        except subprocess.TimeoutExpired:
            return f"installing LiteLLM {VERSION} took longer than {_INSTALL_S} s"
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            return f"LiteLLM {VERSION} can't be installed: {said[-1] if said else command}"
    return None


@contextmanager
def proxy(folder: Path, upstream_port: int, scratch: Path) -> Iterator[int]:
    """A running proxy with one worker before the upstream; gives its port.

    Raises:
        RuntimeError: it does not start.
    """
    config, log = scratch / "litellm.yaml", scratch / "litellm.log"
    config.write_text(_CONFIG.format(base_url=f"http://127.0.0.1:{upstream_port}/v1"))
    port = _free_port()
    with log.open("w") as said:
        process = subprocess.Popen(
            [folder / "bin" / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port)],
            stdout=said,
            stderr=said,
            cwd=scratch,
            env={**os.environ, **_ENVIRONMENT},
        )
    try:
        _wait(process, port, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"LiteLLM did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

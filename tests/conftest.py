"""What every test gets: no network but loopback, and no settings that leak in from the developer's machine."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex
_sendto = socket.socket.sendto
_getaddrinfo = socket.getaddrinfo

# Read by tests themselves; everything else that starts with SIGNALBOX_ would change the settings under test.
_KEPT = {"SIGNALBOX_DATA"}
_LEAKING = ("SIGNALBOX_", "OPENAI_", "OTEL_")

# Whole systems, the local LLM and browsers: each wants all of a small machine, so no two of them run side by side.
_STARVING = ("tests/e2e/", "tests/models/local/", "tests/ui/")


class NetworkBlocked(RuntimeError):
    """A test tried to leave the machine. Not an OSError, so that no retry or fallback swallows it."""


def _is_local(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def _check(address: Any) -> None:
    # Anything but a tuple is a Unix socket's path (or netlink), which stays on the machine.
    if isinstance(address, tuple) and address and isinstance(address[0], str) and not _is_local(address[0]):
        raise NetworkBlocked(f"tests may only use loopback, not {address[0]!r}: start a local server instead")


def _guarded_connect(self: socket.socket, address: Any) -> None:
    _check(address)
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    _check(address)
    return _connect_ex(self, address)


def _guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
    _check(rest[-1])
    return _sendto(self, data, *rest)


def _guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
    if not _is_local(host):
        raise NetworkBlocked(f"tests may only look up loopback names, not {host!r}: use 127.0.0.1")
    return _getaddrinfo(host, *args, **kwargs)


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """Blocks every connection and name look-up that leaves the machine. uvloop and libpq are not covered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded_connect)
        patch.setattr(socket.socket, "connect_ex", _guarded_connect_ex)
        patch.setattr(socket.socket, "sendto", _guarded_sendto)
        patch.setattr(socket, "getaddrinfo", _guarded_getaddrinfo)
        yield


@pytest.fixture(autouse=True, scope="session")
def _clean_environment() -> Iterator[None]:
    """No setting, key or telemetry switch of the developer's shell reaches a test, nor a child process of one."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_LEAKING) and name not in _KEPT:
                patch.delenv(name)
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("RAGAS_DO_NOT_TRACK", "true")
        yield


@pytest.fixture(scope="session")
def encoder_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with nothing but the exported encoder, made once for all tests. Copy it to use it."""
    from signalbox.encoder import load_encoder
    from signalbox.settings import Settings

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all processes; the export itself lets the others wait for the first
    load_encoder(Settings(data_dir=folder / "encoder-data"))
    return folder / "encoder-data"


def _group(nodeid: str) -> str:
    """What is run in one process, one test after the other: a file, or what would starve beside its like."""
    path = nodeid.partition("::")[0]
    return "tests/e2e" if path.startswith(_STARVING) else path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        # What takes longest begins first, so that no process is left with it at the end.
        items.sort(key=lambda item: not item.nodeid.startswith(_STARVING))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, files are handed to processes whole, because their tests share services."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)

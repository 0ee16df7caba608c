"""Serving until told to stop: the port, the signals and the exit code. Everything HTTP is in `app`.

A stop lets running queries finish within the grace period, while new connections are refused.
"""

from __future__ import annotations

import asyncio
import errno
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import uvicorn
from starlette.middleware import Middleware

from api.app import create_app
from api.http.connections import guarded
from api.service.folders import make_data_dir
from api.service.lifecycle import Lifecycle, Opener, open_from_settings
from signalbox.errors import ConfigurationError
from signalbox.settings import Settings
from signalbox.storage import KeyStore, open_database
from signalbox.telemetry import configure_logging

STOPPED = 0
INTERRUPTED = 130
_BACKLOG = 2048
_OTHER_FILES = 512
_HOW_REACHED = {
    "host": "host {0.host!r} can be reached from other machines",
    "served_over_https": "served_over_https says that a proxy passes requests of other machines on",
    "allowed_hosts": "allowed_hosts names more than this machine, as for a proxy that passes requests on",
}
WEBSOCKETS: Mapping[str, Any] = {
    "ws": "websockets-sansio",
    "ws_max_size": 1_000_000,  # of a page's message; a query is far smaller
    "ws_max_queue": 32,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "ws_per_message_deflate": False,  # a small message may unpack to a large one
}


def serve(settings: Settings, *, say: Callable[[str], None] | None = None, opener: Opener = open_from_settings) -> int:
    """Serve until SIGTERM or SIGINT; a second SIGINT stops at once.

    Args:
        say: is given each line for the person at the terminal; by default they go to standard error.
        opener: opens the service; by default everything that the settings name.

    Returns:
        The exit code: 0 after SIGTERM, 130 after SIGINT.

    Raises:
        ConfigurationError: the port can't be had, or others could reach a service without keys.
        SignalboxError: the service can't be opened.
    """
    say = say or _to_stderr
    configure_logging(settings.log_level, settings.log_format, capture_content=settings.capture_content)
    check_reach(settings)
    _allow_files(settings.max_connections + _OTHER_FILES)
    with listen(settings) as listener:
        url = _url(listener)
        lifecycle = Lifecycle(
            settings,
            opener=opener,
            on_ready=lambda: say(f"Signalbox is ready at {url} (stop with Ctrl-C). {_who_may(lifecycle)}"),
            on_failure=lambda: server.stop(),
            on_progress=say,
        )
        config = _config(settings, lifecycle)
        server = _Server(config, settings.shutdown_grace_ms / 1000, on_stop=lifecycle.let_go)
        server.run(sockets=[listener])
    if lifecycle.failure is not None:
        raise lifecycle.failure
    return INTERRUPTED if server.stopped_by == signal.SIGINT else STOPPED


def check_reach(settings: Settings) -> None:
    """Other machines, or a proxy on this one, may reach the service only once there is a key.

    Raises:
        ConfigurationError: the settings say that others reach it, and no key works that may ask or administer.
        SignalboxError: the database can't be opened.
    """
    if settings.exposed is None or asyncio.run(_has_key(settings)):
        return
    remedy = "use 127.0.0.1" if settings.exposed == "host" else f"unset SIGNALBOX_{settings.exposed.upper()}"
    raise ConfigurationError(
        f"{_HOW_REACHED[settings.exposed].format(settings)}, and there is no API key yet that may ask or administer. "
        f"Create one first with `signalbox keys create NAME --role admin`, or {remedy}.",
        field=settings.exposed,
    )


async def _has_key(settings: Settings) -> bool:
    make_data_dir(settings)
    async with await open_database(settings) as database:
        return await KeyStore(database).can_serve()


def _who_may(lifecycle: Lifecycle) -> str:
    return "API keys are required." if lifecycle.service.keys.seen else "No API keys are in use."


def listen(settings: Settings) -> socket.socket:
    """A socket bound to the settings' host and port.

    Raises:
        ConfigurationError: it is taken, or the system does not allow it.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the socket itself says that it is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        # Another program may be bound to the port and not listening yet; only listening settles whose it is.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = {
            errno.EADDRINUSE: f"port {settings.port} is taken on {settings.host}; stop the program that uses it or",
            errno.EACCES: f"port {settings.port} needs rights that this user does not have;",
            errno.EADDRNOTAVAIL: f"this machine has no address {settings.host}; set SIGNALBOX_HOST or",
        }.get(error.errno or 0, f"port {settings.port} on {settings.host} can't be had ({error.strerror});")
        raise ConfigurationError(f"{reason} set SIGNALBOX_PORT to another port.", field="port") from None
    return listener


def _allow_files(count: int) -> None:
    """Each connection is an open file, and systems often allow 1,024 until asked for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        most = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Server(uvicorn.Server):
    """Uvicorn, except that after a graceful stop it returns instead of raising the signal again.

    `on_stop` is called before running requests are waited for.
    """

    def __init__(self, config: uvicorn.Config, grace_s: float, *, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self.stopped_by: int | None = None
        # Declared as whole seconds, used as a number.
        self.config.timeout_graceful_shutdown = grace_s  # type: ignore[assignment]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.stopped_by = self.stopped_by or sig
        self.stop()

    def stop(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


def _config(settings: Settings, lifecycle: Lifecycle) -> uvicorn.Config:
    from api import ui  # imports NiceGUI, which only serving needs

    starting = Middleware(ui.Starting, lifecycle=lifecycle)
    app = create_app(settings, lifecycle=lifecycle, before_gate=[starting])
    ui.install(app, settings, lifecycle)
    app.openapi()  # kept from now on; made when first asked for, it would hold everybody else up
    return uvicorn.Config(
        app,
        http=guarded(settings.max_connections),
        lifespan="on",
        **WEBSOCKETS,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()

"""Where a service keeps the books of its jobs: how they are opened, and what messages call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from signalbox.files import disk_errors_explained, write_atomically
from signalbox.jobs.folders import Folders
from signalbox.jobs.kinds import Kind
from signalbox.settings import Settings
from signalbox.types import new_id

if TYPE_CHECKING:
    from signalbox.jobs.engine import Engine, Starter

_WAITING_AT_ONCE = 4


class Home:
    """The folder of the jobs below the data directory, and their database: a file in it, or PostgreSQL."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.data_dir / "jobs"
        self._file = self._folder / "jobs.db"
        self.folders = Folders(self._folder)

    @property
    def used(self) -> bool:
        """Whether there can be any job."""
        return self._settings.database_url is not None or self._file.exists()

    def open(self, kinds: Mapping[str, Kind], start: Starter, *, poll_s: float) -> Engine:
        """Make what is missing and open the engine; blocks.

        Raises:
            ConfigurationError: the folder can't be written.
            Unavailable: this process or another one works on these jobs already.
        """
        from signalbox.jobs.engine import Engine, Place, private_file

        with disk_errors_explained(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            executor = self._folder / "executor"
            if not executor.exists():
                write_atomically(executor, new_id("exe").encode())
            if self._settings.database_url is None:
                private_file(self._file)
        place = Place(self._url(), executor.read_text(encoding="ascii").strip(), self._folder / "lock")
        queues = {"computing": self._settings.jobs_at_once, "waiting": _WAITING_AT_ONCE}
        engine = Engine(kinds, self.folders, start, queues, poll_s=poll_s)
        engine.open(place)
        return engine

    def explained(self, error: Exception) -> Exception:
        """What to raise for an error of the database: one of ours that names it, or the same where it is none."""
        from signalbox.storage.faults import explained

        if self._settings.database_url is None:
            return explained(error, f"the jobs' database {self._file}", ())
        from signalbox.storage.postgres import describe, parse_url, secrets_of

        url = parse_url(self._settings.database_url)
        return explained(error, describe(url), secrets_of(url))

    def _url(self) -> str:
        if self._settings.database_url is None:
            return f"sqlite:///{self._file.absolute()}"
        from signalbox.storage.postgres import parse_url

        return parse_url(self._settings.database_url).render_as_string(hide_password=False)

"""What is special to SQLite: one writer, the lock, the file, the disk."""

# ruff: noqa: ASYNC220, ASYNC240 - nothing else runs on these tests' event loops
from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError
from storage_samples import plain

from signalbox.errors import ConfigurationError, CorruptArtefact, Unavailable
from signalbox.settings import Settings
from signalbox.storage import Database, PredictionStore, open_database
from signalbox.storage.schema import ledger, predictions
from signalbox.storage.sqlite import DATABASE_FILE, SqliteDatabase

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def database(sqlite_settings: Settings) -> AsyncIterator[Database]:
    async with await open_database(sqlite_settings) as database:
        yield database


@pytest.fixture
def file(sqlite_settings: Settings) -> Path:
    return sqlite_settings.data_dir / DATABASE_FILE


def pragma(name: str) -> Callable[[Connection], Any]:
    return lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


async def test_the_file_is_durable_checked_and_private(database: Database, file: Path) -> None:
    assert await database.write(pragma("journal_mode")) == "wal"
    assert await database.write(pragma("synchronous")) == 2
    assert await database.write(pragma("foreign_keys")) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.with_name(f"{DATABASE_FILE}-wal").stat().st_mode) == 0o600


async def test_many_writes_share_few_commits(database: Database, file: Path) -> None:
    """All that waits while one write is held back is committed together, in order."""
    event = threading.Event()
    held = asyncio.create_task(database.write(lambda _: event.wait(60)))
    await asyncio.sleep(0.05)
    store = PredictionStore(database)
    adds = [asyncio.create_task(store.add(plain())) for _ in range(100)]
    await asyncio.sleep(0.05)
    watcher = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    seen: set[tuple[int, ...]] = set()
    event.set()
    while not all(task.done() for task in adds):
        seen.add(watcher.execute("SELECT count(*) FROM predictions").fetchone())
        await asyncio.sleep(0)
    await held
    seen.add(watcher.execute("SELECT count(*) FROM predictions").fetchone())
    assert seen <= {(0,), (100,)}
    assert (100,) in seen
    watcher.close()


async def test_a_full_disk_fails_the_write_too_big_for_it_and_keeps_the_others(database: Database) -> None:
    """SQLite undoes the whole group when the disk is full; the others are done again."""
    pages = await database.write(pragma("page_count"))
    await database.write(pragma(f"max_page_count = {pages + 60}"))
    store = PredictionStore(database)
    event = threading.Event()
    held = asyncio.create_task(database.write(lambda _: event.wait(60)))
    await asyncio.sleep(0.05)
    small = [plain() for _ in range(20)]
    huge = plain(query="x" * 2_000_000)
    tasks = [asyncio.create_task(store.add(item)) for item in [*small[:10], huge, *small[10:]]]
    await asyncio.sleep(0.05)
    event.set()
    await asyncio.wait([held, *tasks])
    errors = [task.exception() for task in tasks]
    assert [error for error in errors if error] == [errors[10]]
    assert isinstance(errors[10], Unavailable)
    assert "disk is full" in str(errors[10])
    assert await database.read(lambda c: c.execute(select(func.count()).select_from(predictions)).scalar_one()) == 20
    assert await database.read(lambda c: c.execute(select(func.count()).select_from(ledger)).scalar_one()) == 20


async def test_a_full_disk_shows_in_messages_and_passes(database: Database) -> None:
    store = PredictionStore(database)
    await database.write(pragma("max_page_count = 1"))
    with pytest.raises(Unavailable, match="Free some space"):
        await store.add(plain(query="x" * 500_000))
    await database.write(pragma("max_page_count = 1000000"))
    await store.add(plain())
    await database.check()


async def test_files_that_may_not_grow_give_a_clear_error_and_no_half_write(file: Path) -> None:
    """The kernel refuses to let the files grow: the write-ahead log can't be written."""
    script = """
import asyncio, resource, signal, sys
from signalbox.errors import Unavailable
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database
from storage_samples import plain

async def main():
    async with await open_database(Settings(data_dir=sys.argv[1])) as database:
        store = PredictionStore(database)
        await store.add(plain(id="before"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
        try:
            await store.add(plain(id="never", query="x" * 3_000_000))
            print("kept")
        except Unavailable as error:
            print(error)
        try:
            await database.check()
            print("ready")
        except Unavailable as error:
            print("not ready")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await database.check()
        await store.add(plain(id="after"))
        print([item.id for item in (await store.list(limit=9))[0]])

asyncio.run(main())
"""
    done = run_child(script, file.parent)
    assert done.stderr == ""
    first, *_, last = done.stdout.splitlines()
    assert "disk" in first
    assert last == "['before', 'after']"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}


def run_child(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


OPEN = """
import asyncio, sys
from signalbox.errors import SignalboxError
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database

async def main():
    try:
        async with await open_database(Settings(data_dir=sys.argv[1]), write=sys.argv[2] == "write") as database:
            print(len((await PredictionStore(database).list(limit=9))[0]), flush=True)
            if sys.argv[3:]:
                sys.stdin.read()
    except SignalboxError as error:
        print(type(error).__name__, error)

asyncio.run(main())
"""


async def test_a_second_process_may_read_but_not_write(database: Database, file: Path) -> None:
    await PredictionStore(database).add(plain())
    refused = await asyncio.to_thread(run_child, OPEN, file.parent, "write")
    assert refused.stdout.startswith(f"Unavailable Another process ({os.getpid()}) writes to")
    assert "PostgreSQL" in refused.stdout
    assert (await asyncio.to_thread(run_child, OPEN, file.parent, "read")).stdout == "1\n"
    await PredictionStore(database).add(plain())


async def test_this_process_can_not_open_a_second_writer_either(database: Database, sqlite_settings: Settings) -> None:
    with pytest.raises(Unavailable, match="This process already writes"):
        await open_database(sqlite_settings)
    await database.check()


async def test_the_lock_dies_with_its_holder(sqlite_settings: Settings) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", OPEN, str(sqlite_settings.data_dir), "write", "stay"],
        env=environment(),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"0\n"
    with pytest.raises(Unavailable, match=str(child.pid)):
        await open_database(sqlite_settings)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    async with await open_database(sqlite_settings) as database:
        await PredictionStore(database).add(plain())


async def test_a_failed_open_lets_the_lock_go(sqlite_settings: Settings, file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no database " * 500)
    for _ in range(2):
        with pytest.raises(CorruptArtefact, match="not a SQLite database"):
            await open_database(sqlite_settings)
    assert file.read_bytes() == b"this is no database " * 500
    file.unlink()
    async with await open_database(sqlite_settings):
        pass


async def test_reading_a_database_that_is_not_there_creates_nothing(sqlite_settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="no database at") as caught:
        await open_database(sqlite_settings, write=False)
    assert caught.value.field == "data_dir"
    assert not sqlite_settings.data_dir.exists()


async def test_a_data_directory_that_can_not_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nothing/here")):
        with pytest.raises(ConfigurationError, match="data_dir"):
            await open_database(Settings(data_dir=folder))


async def test_a_directory_in_place_of_the_file_is_named(sqlite_settings: Settings, file: Path) -> None:
    file.mkdir(parents=True)
    for write in (True, False):
        with pytest.raises(ConfigurationError, match="data_dir"):
            await open_database(sqlite_settings, write=write)


async def test_a_folder_or_file_without_permission_is_named() -> None:
    """In a child that gives up root first, since root may do everything."""
    script = """
import asyncio, os, sys
from pathlib import Path
from signalbox.errors import ConfigurationError
from signalbox.settings import Settings
from signalbox.storage import open_database

async def main():
    async with await open_database(Settings(data_dir=sys.argv[1])):
        pass
    folder = Path(sys.argv[1])
    for path in folder.iterdir():
        path.chmod(0o400)
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    for data_dir, write in ((folder, True), (folder, False), (folder / "below", True), (folder.parent / "new", True)):
        try:
            await open_database(Settings(data_dir=data_dir), write=write)
            print("opened")
        except ConfigurationError as error:
            print("data_dir" in str(error), str(data_dir) in str(error))

asyncio.run(main())
"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        done = run_child(script, Path(folder) / "data")
        Path(folder, "data").chmod(0o755)
    if os.geteuid() == 0:
        assert done.stdout.splitlines() == ["True True"] * 4, done.stderr
    else:
        assert done.stdout.splitlines()[0] == "True True", done.stderr


async def test_odd_folder_names_work(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "a b%20c?d#e'f=é" / "100%")
    async with await open_database(settings) as database:
        await PredictionStore(database).add(plain())
        await database.check()
    assert (settings.data_dir / DATABASE_FILE).is_file()
    async with await open_database(settings, write=False) as database:
        assert len((await PredictionStore(database).list(limit=5))[0]) == 1


async def test_a_program_that_locks_the_file_is_waited_for_then_reported(sqlite_settings: Settings, file: Path) -> None:
    async with await open_database(sqlite_settings):
        pass
    other = sqlite3.connect(file, isolation_level=None)
    async with SqliteDatabase.open(file, write=True, busy_timeout_s=0.05) as database:
        store = PredictionStore(database)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked by another program"):
            await store.add(plain())
        with pytest.raises(Unavailable, match="locked by another program"):
            await database.check()
        assert await store.list(limit=1) == ([], None)
        other.execute("ROLLBACK")
        await store.add(plain())
        await database.check()
    other.close()


async def test_a_file_deleted_under_the_service_is_noticed(database: Database, file: Path) -> None:
    await database.check()
    for path in file.parent.iterdir():
        path.unlink()
    with pytest.raises(Unavailable, match="moved, deleted or replaced"):
        await database.check()


async def test_a_damaged_file_is_reported(sqlite_settings: Settings, file: Path) -> None:
    async with await open_database(sqlite_settings) as database:
        for _ in range(50):
            await PredictionStore(database).add(plain(query="x" * 3000))
    data = bytearray(file.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    file.write_bytes(data)
    with pytest.raises((CorruptArtefact, ConfigurationError)):
        async with await open_database(sqlite_settings) as database:
            await PredictionStore(database).list(limit=50)


async def test_a_reader_after_a_crash_sees_all_and_changes_nothing(sqlite_settings: Settings, file: Path) -> None:
    """The log of a killed writer is still there; a reader must use it and leave it to the next writer."""
    script = """
import asyncio, os, signal, sys
from storage_samples import plain
from signalbox.settings import Settings
from signalbox.storage import PredictionStore, open_database

async def main():
    database = await open_database(Settings(data_dir=sys.argv[1]))
    for _ in range(20):
        await PredictionStore(database).add(plain())
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    assert run_child(script, file.parent).returncode == -signal.SIGKILL
    log = file.with_name(f"{DATABASE_FILE}-wal")
    before = file.read_bytes(), log.read_bytes()
    async with await open_database(sqlite_settings, write=False) as database:
        assert len((await PredictionStore(database).list(limit=50))[0]) == 20
    assert (file.read_bytes(), log.read_bytes()) == before
    async with await open_database(sqlite_settings) as database:
        assert len((await PredictionStore(database).list(limit=50))[0]) == 20


async def test_writes_go_on_after_an_unexpected_error_in_one(database: Database) -> None:
    class Strange(BaseException):
        pass

    def work(connection: Connection) -> None:
        raise Strange

    with pytest.raises(Strange):
        await database.write(work)
    with pytest.raises(OperationalError):
        await database.write(lambda connection: connection.exec_driver_sql("NO SQL") and None)
    await PredictionStore(database).add(plain())

"""What happens when things go wrong around the local LLM: deadlines, crowds, kills, damaged files."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from signalbox.contracts import ChatRequest
from signalbox.errors import ConfigurationError, DeadlineExceeded, ModelCrashed, Overloaded, Unavailable
from signalbox.models.local import LocalModel, client
from signalbox.settings import Settings
from signalbox.types import Message

pytestmark = pytest.mark.asyncio(loop_scope="module")


def long_answer(**options: object) -> ChatRequest:
    message = Message(role="user", content="Tell me a long story.")
    fields = {"max_tokens": 900, "grammar": "root ::= [a-z ]+", **options}
    return ChatRequest((message,), **fields)  # type: ignore[arg-type]


def short_answer(deadline_s: float | None = None) -> ChatRequest:
    return ChatRequest((Message(role="user", content="Hello"),), max_tokens=4, deadline_s=deadline_s)


async def writing(model: LocalModel, request: ChatRequest) -> asyncio.Task[object]:
    """A task that has begun to write."""
    begun = asyncio.Event()

    async def consume() -> None:
        async for _ in model.stream(request):
            begun.set()

    task: asyncio.Task[object] = asyncio.create_task(consume())
    waiter = asyncio.create_task(begun.wait())
    await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    assert begun.is_set(), task.exception()
    return task


async def test_cancelling_frees_the_worker_for_the_next(model: LocalModel) -> None:
    task = await writing(model, long_answer())
    pid = model.pid
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await model.generate(short_answer())).usage.output_tokens > 0
    assert model.pid == pid
    assert model.queue_depth == 0


async def test_closing_a_stream_early_frees_the_worker(model: LocalModel) -> None:
    stream = model.stream(long_answer())
    async for _ in stream:
        break
    await stream.aclose()
    assert (await model.generate(short_answer())).usage.output_tokens > 0


async def test_a_deadline_ends_an_answer_in_the_middle(model: LocalModel) -> None:
    await model.generate(short_answer())
    with pytest.raises(DeadlineExceeded):
        await model.generate(long_answer(deadline_s=time.monotonic() + 0.5))
    assert (await model.generate(short_answer())).usage.output_tokens > 0


async def test_a_deadline_ends_the_wait_in_the_queue(model: LocalModel) -> None:
    task = await writing(model, long_answer())
    with pytest.raises(DeadlineExceeded):
        await model.generate(long_answer(deadline_s=time.monotonic() + 0.1))
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})


async def test_a_crowd_is_refused_with_a_time_to_come_back(model: LocalModel) -> None:
    first = await writing(model, long_answer())
    waiting = [asyncio.create_task(model.generate(short_answer())) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="SIGNALBOX_LOCAL_QUEUE") as refused:
        await model.generate(short_answer())
    assert refused.value.retry_after_s > 0
    first.cancel()
    for task in waiting:
        assert (await task).usage.output_tokens > 0
    await asyncio.wait({first})


async def test_a_killed_worker_costs_its_request_only(model: LocalModel) -> None:
    task = await writing(model, long_answer())
    killed = model.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(ModelCrashed, match="died"):
        await task
    assert (await model.generate(short_answer())).usage.output_tokens > 0
    assert model.pid not in (None, killed)


async def test_a_hung_worker_is_replaced(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_LET_GO_S", 0.5)
    await model.generate(short_answer())
    hung = model.pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    async with asyncio.timeout(30):
        with pytest.raises(DeadlineExceeded):
            await model.generate(short_answer(deadline_s=time.monotonic() + 1))
    assert (await model.generate(short_answer())).usage.output_tokens > 0
    assert model.pid not in (None, hung)


async def test_a_worker_that_dies_while_loading_is_given_a_rest(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    model = LocalModel(settings.model_copy(update={"local_model_format": "original"}))
    monkeypatch.setattr(sys, "executable", str(broken))
    for _ in range(4):
        assert model.trouble is None
        with pytest.raises(ModelCrashed, match="died while loading"):
            await model.generate(short_answer())
    with pytest.raises(ModelCrashed, match="rest") as refused:
        await model.generate(short_answer())
    assert refused.value.retry_after_s > 0
    assert model.trouble == refused.value.detail


async def test_a_closed_model_stays_closed(settings: Settings) -> None:
    model = LocalModel(settings)
    await model.close()
    with pytest.raises(Unavailable, match="closed"):
        await model.generate(short_answer())
    assert model.pid is None
    assert model.trouble is not None


async def test_the_event_loop_goes_on_while_the_model_works(model: LocalModel) -> None:
    task = await writing(model, long_answer(max_tokens=60))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.001)
        turns += 1
    await task
    assert turns > 10


async def test_closing_ends_the_process(settings: Settings) -> None:
    model = LocalModel(settings)
    await model.start()
    pid = model.pid
    assert pid is not None
    await model.close()
    assert model.pid is None
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model at all", b"GGUF\x03\0\0\0" + b"\xff" * 64])
async def test_a_file_that_is_no_model_is_named(settings: Settings, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"odd\.gguf.*SIGNALBOX_LOCAL_MODEL"):
        await LocalModel(settings.model_copy(update={"local_model": str(path)})).start()


async def test_a_model_cut_short_is_refused_not_crashed_on(settings: Settings, damaged: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cut\.gguf is not a whole GGUF"):
        await LocalModel(settings.model_copy(update={"local_model": str(damaged)})).start()


async def test_a_missing_model_names_the_ways_out(settings: Settings, tmp_path: Path) -> None:
    missing = settings.model_copy(update={"local_model": str(tmp_path / "nowhere.gguf")})
    with pytest.raises(ConfigurationError, match=r"nowhere\.gguf.*SIGNALBOX_LOCAL_MODEL"):
        await LocalModel(missing).start()


async def test_a_damaged_copy_is_made_again(settings: Settings) -> None:
    copies = sorted((settings.data_dir / "models").glob("*.gguf"))
    if not copies:
        pytest.skip("this processor uses the file as it is")
    size = copies[0].stat().st_size
    with copies[0].open("rb+") as file:
        file.truncate(size // 2)
    model = LocalModel(settings)
    try:
        assert (await model.generate(short_answer())).usage.output_tokens > 0
    finally:
        await model.close()
    assert copies[0].stat().st_size == size


PARENT = """
import asyncio, sys
from pathlib import Path
from signalbox.models.local import LocalModel
from signalbox.settings import Settings

async def main():
    model = LocalModel(Settings(data_dir=Path(sys.argv[1])))
    await model.start()
    print(model.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_the_worker_dies_with_its_parent(settings: Settings) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(settings.data_dir), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    worker = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    gone, _ = await asyncio.to_thread(psutil.wait_procs, [worker], 20)
    assert gone == [worker]


async def test_a_hurried_caller_does_not_stop_the_restart(settings: Settings) -> None:
    model = LocalModel(settings)
    try:
        with pytest.raises(DeadlineExceeded):
            await model.generate(long_answer(deadline_s=time.monotonic() + 0.05))
        assert (await model.generate(short_answer())).usage.output_tokens > 0
    finally:
        await model.close()

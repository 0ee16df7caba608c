"""The process of a job: `python -m signalbox.jobs.child FD`. It runs one function and ends.

It is kind to others (niceness 10, the first to go when memory is short) and ends with the service that started it,
however that ended: the socket then closes.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import sys
import threading
import traceback
from pathlib import Path

from signalbox.jobs import wire
from signalbox.jobs.context import Context, finish
from signalbox.jobs.kinds import resolve

_NICENESS = 10


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    reader = channel.makefile("rb")
    os.nice(_NICENESS)
    with contextlib.suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")
    given = wire.unpack(reader.readline())
    replies: queue.SimpleQueue[wire.Message] = queue.SimpleQueue()

    def listen() -> None:
        for line in reader:
            replies.put(wire.unpack(line))
        os._exit(0)

    def tell(message: wire.Message) -> None:
        channel.sendall(wire.pack(message))

    def ask(message: wire.Message) -> wire.Message:
        tell(message)
        return replies.get()

    threading.Thread(target=listen, daemon=True).start()
    context = Context(given["id"], Path(given["folder"]), Path(given["data_dir"]), ask=ask, tell=tell)

    def work() -> object:
        try:
            return resolve(given["work"])(context, given["arguments"])
        except BaseException:
            traceback.print_exc()  # into the job's own log file
            raise

    tell(finish(work))
    channel.shutdown(socket.SHUT_WR)
    os._exit(0)


if __name__ == "__main__":
    main()

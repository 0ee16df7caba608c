"""A writer killed at any moment leaves the old index or the new one, complete, and the next writer goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hashing_encoder import HashingEncoder

from retriever import Document, Index, upsert

# Forks a writer, kills it after a random time, opens the index: many times over in one process that is warm.
_KILLER = """
import faulthandler, os, random, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from hashing_encoder import HashingEncoder
from retriever import Document, Index, upsert

faulthandler.dump_traceback_later(100, exit=True)
folder, encoder, generator = Path(sys.argv[1]), HashingEncoder(), random.Random(5)

def write(generation):
    documents = [Document.make(f"{n}.md", f"Generation {generation} of text {n}.") for n in range(20)]
    upsert(documents, index_folder=folder, encoder=encoder)

def generation():
    index = Index.open(folder, encoder)
    found = {document.text.split()[1] for document in index.documents()}
    assert len(found) == 1, found
    assert index.stats.documents == 20
    assert index.search("generation text", 3)
    return int(found.pop())

write(0)
start = time.perf_counter()
write(1)
duration = min(time.perf_counter() - start, 0.3)  # on a busy machine kills come early, and it ends in time
current, killed, old, new = 1, 0, 0, 0
for step in range(2, 62):
    child = os.fork()
    if child == 0:
        try:
            write(step)
        finally:
            os._exit(0)
    time.sleep(generator.uniform(0, 1.2 * duration))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    killed += os.WIFSIGNALED(status)
    after = generation()
    assert after in (current, step), (after, current, step)
    old, new = old + (after == current), new + (after == step)
    current = after
write(1_000)
assert generation() == 1_000
print(killed, old, new, len(list(folder.glob("v*"))), len(list(folder.glob(".tmp-*"))))
"""


def test_kill_at_random_moments(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _KILLER, str(tmp_path / "index"), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert result.returncode == 0, result.stderr
    killed, old, new, versions, leftovers = map(int, result.stdout.split())
    assert killed >= 10
    assert old >= 10
    assert old + new == 60
    assert versions == 2
    assert leftovers == 0


def test_what_a_killed_writer_left_is_ignored_and_removed(index_folder: Path, encoder: HashingEncoder) -> None:
    upsert([Document.make("a", "First.")], index_folder=index_folder, encoder=encoder)
    (index_folder / ".tmp-dead").mkdir()
    (index_folder / ".tmp-dead" / "vectors.npy").write_bytes(b"half")
    unnamed = index_folder / "v000002"  # renamed, but killed before CURRENT named it
    unnamed.mkdir()
    (unnamed / "manifest.json").write_text("{}")
    assert Index.open(index_folder, encoder).version == "v000001"
    upsert([Document.make("b", "Second.")], index_folder=index_folder, encoder=encoder)
    assert Index.open(index_folder, encoder).version == "v000003"
    names = sorted(path.name for path in index_folder.iterdir())
    assert names == [".lock", "CURRENT", "v000001", "v000003"]

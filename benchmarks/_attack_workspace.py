"""The help desk that is attacked, made once: kept in the user's cache folder under the hash of what makes it.

The index and the experts are kept apart from the policies, which depend on far more code. A policy is fitted for the
defences on and for them off, with a cloud, so that each is at its own best.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from api.service.calibration import calibrate_policy
from api.service.folders import experts_folder, index_folder, make_data_dir
from api.service.models import DEFAULT_EXPERT
from api.service.workspace import example_alpha, example_folder, intents_material
from benchmarks._common import silent
from classifiers import TrainOptions, read_intents, train
from retriever import Limits, ingest
from signalbox.encoder import load_encoder
from signalbox.settings import Defence, Settings

EXAMPLE = example_folder("helpdesk")
CALIBRATION = EXAMPLE / "queries" / "calibration.jsonl"
TFIDF = "plain"
_ROOT = Path(__file__).resolve().parents[1]
_OURS = "benchmarks/_attack_workspace.py"
_FILLS = ("classifiers", "retriever", "signalbox", "examples/helpdesk", "api/service/workspace.py", _OURS)
_CALIBRATES = ("agents", "eval_sets", "api/service", "benchmarks/_attack_routing.py")
_KEPT = 6
_CLOUD_BUDGET_USD = 100.0


def cache_folder() -> Path:
    return Path.home() / ".cache" / "signalbox-bench" / "attacks"


async def workspace(settings: Settings, defences: tuple[Defence, ...]) -> Settings:
    """The settings of a help desk with a policy fitted for these defences; made where it is not there yet."""
    base = await _kept("desk", _FILLS, lambda folder: _fill(settings, folder))

    async def calibrated(folder: Path) -> None:
        shutil.copytree(base, folder, dirs_exist_ok=True)
        own = settings.model_copy(update={"data_dir": folder, "defences": defences})
        await calibrate_policy(
            own,
            [CALIBRATION],
            alpha=example_alpha(settings),
            progress=silent,
            say=lambda _: None,
            cloud_budget_usd=_CLOUD_BUDGET_USD,
        )

    kind = f"policy-{'-'.join(sorted(defences)) or 'none'}"
    kind = f"policy-{hashlib.sha256(kind.encode()).hexdigest()[:6]}"
    folder = await _kept(kind, (*_FILLS, *_CALIBRATES), calibrated)
    return settings.model_copy(update={"data_dir": folder, "defences": defences})


async def _fill(settings: Settings, folder: Path) -> None:
    """As `signalbox init --example helpdesk` does, but for the expert's learning curve, which no answer needs."""
    own = settings.model_copy(update={"data_dir": folder})
    make_data_dir(own)
    encoder = load_encoder(own)
    ingest([EXAMPLE / "documents"], index_folder=index_folder(own), encoder=encoder, limits=Limits.of(own))
    material = intents_material(
        read_intents(EXAMPLE / "intents.jsonl", EXAMPLE / "out_of_scope.jsonl"), "intents.jsonl"
    )
    for name, options in (
        (DEFAULT_EXPERT, TrainOptions(curve=False, promote=True)),
        (TFIDF, TrainOptions(learner="tfidf", curve=False, promote=True)),
    ):
        train(material, encoder, name=name, folder=experts_folder(own), options=options)


async def _kept(kind: str, sources: Iterable[str], make: Callable[[Path], Awaitable[None]]) -> Path:
    """A folder that holds what `make` wrote, under the hash of the sources; it is there whole or not at all."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    folder = cache_folder() / f"{kind}-{hash_of(sources)}"
    if not folder.is_dir():
        scratch = Path(tempfile.mkdtemp(prefix="making-", dir=cache_folder()))
        try:
            await make(scratch)
            _rename(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    folder.touch()
    old = sorted(cache_folder().glob(f"{kind}-*"), key=lambda one: one.stat().st_mtime, reverse=True)[_KEPT:]
    for one in old:
        shutil.rmtree(one, ignore_errors=True)
    return folder


def _rename(scratch: Path, folder: Path) -> None:
    """Another run may have been faster; both wrote the same."""
    if not folder.is_dir():
        scratch.rename(folder)


def hash_of(sources: Iterable[str], root: Path = _ROOT) -> str:
    """Of the names and contents of all files in folders, and of files; what Python compiled of them aside."""
    seen = hashlib.sha256()
    for source in sources:
        path = root / source
        files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        for one in sorted(files):
            if "__pycache__" not in one.parts:
                seen.update(f"{one.relative_to(root)}\0".encode())
                seen.update(hashlib.sha256(one.read_bytes()).digest())
    return seen.hexdigest()[:16]

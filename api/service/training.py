"""Training as a background job: what is asked for, and the function that does it in a process of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from api.service.folders import experts_folder
from signalbox.encoder.source import BUNDLED
from signalbox.errors import UnknownName
from signalbox.jobs import Context, Kind
from signalbox.settings import Settings

if TYPE_CHECKING:
    from classifiers.registry import Registry, Version

KIND = "train"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def stored_name(file: str) -> str:
    """What an uploaded file is stored as in a job's folder; messages name it, so it stays like its own."""
    return _UNSAFE.sub("_", file)[-80:].strip("._") or "file"


def arguments_of(settings: Settings, name: str, file: str, request: dict[str, Any], by: str) -> dict[str, Any]:
    """The arguments of a training.

    Args:
        file: the uploaded file's name; the file itself is in the job's folder as `stored_name` has it.
        request: a `classifiers.training.TrainRequest` as JSON has it; without columns they are guessed.

    Raises:
        UnknownName: a learner is to start from an encoder that is not the service's to give.
    """
    _check_base(settings, request)
    return {
        "name": name,
        "file": file,
        "request": request,
        "by": by,
        "encoder": settings.encoder,
        "encoder_precision": settings.encoder_precision,
    }


def _check_base(settings: Settings, request: dict[str, Any]) -> None:
    """Who asks over HTTP must not make the service read any folder, or load any model from elsewhere."""
    options = request.get("options", {}).get("learner_options", {})
    known = (BUNDLED, f"sentence-transformers/{BUNDLED}", settings.encoder)
    if "base" in options and options["base"] not in known:
        raise UnknownName(
            f"An expert can't start from the encoder {str(options['base'])[:80]!r} here: leave `base` out, name "
            f"{BUNDLED}, or let whoever runs the service make it the service's encoder (SIGNALBOX_ENCODER).",
            field="learner_options.base",
        )


def train(context: Context, arguments: dict[str, Any]) -> dict[str, Any]:
    """Train on the file in the job's folder. A training that was ended goes on with what its scratch folder holds."""
    import json

    from classifiers.data import guess_columns, read_table
    from classifiers.registry import Registry
    from classifiers.training import TrainRequest, train_text
    from signalbox.encoder import load_encoder

    path = context.folder / stored_name(arguments["file"])
    given = dict(arguments["request"])
    settings = Settings(
        data_dir=context.data_dir,
        encoder=arguments["encoder"],
        encoder_precision=arguments["encoder_precision"],
    )

    def columns() -> dict[str, list[str]]:
        texts, targets = list(given.get("text") or ()), list(given.get("target") or ())
        if texts and targets:
            return {"text": texts, "target": targets}
        context.progress(0.0, "Reading the file")
        table = read_table(path, encoding=given.get("encoding"), delimiter=given.get("delimiter"))
        text, target, _ = guess_columns(table, texts=texts, targets=targets)
        return {"text": texts or [text], "target": targets or [target]}

    def fit() -> dict[str, Any]:
        request = TrainRequest.from_json(json.dumps({**given, **found}))
        version = written_by(
            Registry(experts_folder(settings)),
            arguments["name"],
            context.id,
            promote=request.options.promote,
            by=arguments["by"],
        ) or train_text(
            path,
            request,
            load_encoder(settings),
            name=arguments["name"],
            folder=experts_folder(settings),
            progress=context.progress,
            scratch=context.folder / "scratch",
            by=arguments["by"],
            job=context.id,
            trained_on=arguments["file"],
        )
        return {
            "expert": version.reference,
            "name": version.name,
            "version": version.number,
            "aliases": list(version.aliases),
            "url": f"/experts/{version.name}/versions/{version.number}",
        }

    found = context.step("choosing columns", columns)
    return {**context.step("training", fit), **found}


def written_by(registry: Registry, name: str, job: str, *, promote: bool | None, by: str) -> Version | None:
    """The version that the job wrote before it was ended, if it came that far: training again would write another."""
    if name not in registry.names():
        return None
    found = next((one for one in registry.versions(name) if one.manifest.get("job") == job), None)
    if found is None or found.aliases:
        return found
    aliases = registry.aliases(name)
    interrupted = aliases.last < found.number  # it was ended between the version's files and its alias
    if interrupted and (promote or (promote is None and aliases.champion is None)):
        return registry.promote(name, found.number, by=by)
    return found


TRAINING = Kind(KIND, train)

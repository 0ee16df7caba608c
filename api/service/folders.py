"""Where the parts of a service lie below its data directory."""

from __future__ import annotations

from pathlib import Path

from signalbox.errors import ConfigurationError
from signalbox.settings import Settings


def index_folder(settings: Settings) -> Path:
    return settings.data_dir / "index"


def experts_folder(settings: Settings) -> Path:
    return settings.data_dir / "experts"


def policies_folder(settings: Settings) -> Path:
    return settings.data_dir / "policies"


def evals_folder(settings: Settings) -> Path:
    return settings.data_dir / "evals"


def attacks_folder(settings: Settings) -> Path:
    return settings.data_dir / "attacks"


def make_data_dir(settings: Settings) -> None:
    """Raises ConfigurationError where the data directory can't be made."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {settings.data_dir} can't be made ({error.strerror}). Set SIGNALBOX_DATA_DIR to a "
            "folder that may be written.",
            field="data_dir",
        ) from None

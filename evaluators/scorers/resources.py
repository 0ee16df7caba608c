"""What scorers may use beside the case and the output. All of it is optional and used only when first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from signalbox.contracts import ChatModel, Encoder, Passage
from signalbox.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Resources:
    """What there is.

    Attributes:
        encoder: opens the encoder.
        judge_model: the model that judges.
        judge_models: others to judge with, by name, for panels.
        search: the passages found for a query and how many of them, best first.
        documents: the version of what `search` and `document` look into: another one for other documents.
        document: a document's whole text by its id, None where there is none.
        data_dir: where the service keeps its index and learnt judges.
    """

    encoder: Callable[[], Encoder] | None = None
    judge_model: ChatModel | None = None
    judge_models: Mapping[str, ChatModel] = field(default_factory=dict)
    search: Callable[[str, int], Sequence[Passage]] | None = None
    document: Callable[[str], str | None] | None = None
    documents: Callable[[], str] | None = None
    data_dir: Path | None = None

    def version_of_documents(self) -> str:
        """Empty where it is not known."""
        return "" if self.documents is None else self.documents()

    def open_encoder(self, wanted_by: str) -> Encoder:
        """Raises ConfigurationError where none was given."""
        if self.encoder is None:
            raise ConfigurationError(f"The scorer {wanted_by!r} needs an encoder, and this run has none.")
        return self.encoder()

    def model(self, wanted_by: str, name: str | None = None) -> ChatModel:
        """The judge's model, or the one called `name`.

        Raises:
            ConfigurationError: there is none.
        """
        if name is None:
            if self.judge_model is None:
                raise ConfigurationError(f"The scorer {wanted_by!r} needs a judge's model, and this run has none.")
            return self.judge_model
        try:
            return self.judge_models[name]
        except KeyError as error:
            known = f" There are {', '.join(sorted(self.judge_models))}." if self.judge_models else ""
            why = f" ({error.args[0]})" if error.args and error.args[0] != name else ""
            raise ConfigurationError(
                f"The scorer {wanted_by!r} asks for the judge {name!r}, and this run has none of that name{why}.{known}"
            ) from None

"""An expert as the router holds it: cheap to get, loaded in the thread that asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from signalbox.contracts import Expert, Opinion, Vectors

if TYPE_CHECKING:
    from api.service.experts.own import OwnEncoder


class Source(Protocol):
    """Where handles find what they stand for; see `ExpertPool`."""

    def version_of(self, reference: str) -> str: ...

    def using(self, reference: str) -> AbstractContextManager[Expert]: ...

    def loaded(self, reference: str) -> Expert | None: ...


class PooledExpert:
    """Stands for what a reference means at the time it is asked. One a query, for one thread at a time."""

    def __init__(self, source: Source, reference: str) -> None:
        self._source = source
        self._reference = reference
        self._name: str | None = None

    @property
    def name(self) -> str:
        """Name and version: of the one that has answered, else of the one that would answer now."""
        return self._name or self._source.version_of(self._reference)

    @property
    def titles(self) -> Mapping[str, str]:
        """What each label is called on a page; empty while the expert is not loaded, since pages don't wait for it."""
        expert = self._source.loaded(self._reference)
        titles = getattr(expert, "titles", None)
        return titles if isinstance(titles, Mapping) else {}

    def own_encoder(self) -> OwnEncoder | None:
        """The encoder that was tuned for it, if there is one. Loads the expert, and raises as `predict` does."""
        from api.service.experts.own import own_encoder_of

        with self._source.using(self._reference) as expert:
            return own_encoder_of(expert)

    def predict(
        self, texts: Sequence[str], *, vectors: Vectors | None = None, explain: bool = False
    ) -> tuple[Opinion, ...]:
        """Load it if need be, and ask it.

        Raises:
            NotFound, CorruptArtefact: it can't be loaded.
            Overloaded, ConfigurationError: there is no memory for it.
        """
        with self._source.using(self._reference) as expert:
            self._name = expert.name
            return expert.predict(texts, vectors=vectors, explain=explain)

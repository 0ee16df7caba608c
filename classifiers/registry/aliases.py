"""Which version of an expert is champion and which challenger, how that came, and the file that holds it.

What a promotion or a rollback leads to is computed here; whether a version is fit for it is the registry's business.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from signalbox.errors import Conflict, CorruptArtefact
from signalbox.files import write_atomically
from signalbox.types import Frozen

ALIASES = "aliases.json"
CHAMPION = "champion"
CHALLENGER = "challenger"
FORMAT: Final = 1
MOST_CHANGES = 200
_MOST_WHO, _MOST_REASON = 200, 1_000
_PLAIN = re.compile(r"[1-9][0-9]{0,8}")

Number = Annotated[int, Field(ge=1, le=999_999_999)]


class Change(Frozen):
    """One change of the champion: when, to which version, from which, by whom and why."""

    at: datetime
    action: Literal["added", "promoted", "rolled back"]
    champion: Number
    before: Number | None = None
    by: str = ""
    reason: str = ""


class Aliases(Frozen):
    """The aliases of one expert.

    Attributes:
        earlier: the champions that a rollback goes back to, latest last.
        last: the highest number ever given, so that none is given twice.
        history: the latest changes, newest last.
    """

    format: Literal[1] = FORMAT
    champion: Number | None = None
    challenger: Number | None = None
    earlier: tuple[Number, ...] = ()
    last: int = 0
    history: tuple[Change, ...] = ()

    def of(self, number: int) -> tuple[str, ...]:
        """The aliases of a version."""
        pairs = ((CHAMPION, self.champion), (CHALLENGER, self.challenger))
        return tuple(alias for alias, named in pairs if named == number)

    def with_challenger(self, number: int) -> Aliases:
        return self.model_copy(update={"challenger": number, "last": max(self.last, number)})

    def with_champion(
        self, number: int, *, action: Literal["added", "promoted"], at: datetime, by: str, reason: str
    ) -> Aliases:
        """The version becomes champion; the one before is kept to go back to."""
        earlier = self.earlier if self.champion is None else (*self.earlier, self.champion)
        return self._changed(
            Change(at=at, action=action, champion=number, before=self.champion, by=_who(by), reason=_reason(reason)),
            earlier=earlier[-MOST_CHANGES:],
            challenger=None if self.challenger == number else self.challenger,
        )

    def rolled_back(self, name: str, *, at: datetime, by: str, reason: str) -> Aliases:
        """The champion before becomes champion again.

        Raises:
            Conflict: there is none.
        """
        if self.champion is None:
            raise Conflict(f"The expert {name!r} has no champion to roll back from: promote one of its versions.")
        if not self.earlier:
            raise Conflict(f"{name}@{self.champion} is the first champion of {name!r}: there is none to go back to.")
        number = self.earlier[-1]
        change = Change(
            at=at, action="rolled back", champion=number, before=self.champion, by=_who(by), reason=_reason(reason)
        )
        challenger = None if self.challenger == number else self.challenger
        return self._changed(change, earlier=self.earlier[:-1], challenger=challenger)

    def without(self, number: int) -> Aliases:
        """No rollback goes to this version any more."""
        return self.model_copy(update={"earlier": tuple(other for other in self.earlier if other != number)})

    def _changed(self, change: Change, *, earlier: tuple[int, ...], challenger: int | None) -> Aliases:
        return self.model_copy(
            update={
                "champion": change.champion,
                "challenger": challenger,
                "earlier": earlier,
                "last": max(self.last, change.champion),
                "history": (*self.history, change)[-MOST_CHANGES:],
            }
        )


def read_aliases(folder: Path) -> Aliases:
    """The aliases of the expert in `folder`; none where the file is missing.

    Raises:
        CorruptArtefact: the file can't be read, or a newer release wrote it.
    """
    path = folder / ALIASES
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _alias_of_old(folder)
    try:
        found = json.loads(content)
        if isinstance(found, dict) and isinstance(number := found.get("format", FORMAT), int) and number > FORMAT:
            raise CorruptArtefact(
                f"{path} has format {number} and this release reads format {FORMAT}: use the release that wrote it."
            )
        return Aliases.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except ValueError as error:
        reason = str(error)
    raise CorruptArtefact(
        f"{path} can't be read as aliases ({reason}): restore it from a backup, or write "
        '{"champion": N} into it, N being the number of one of the folders beside it.'
    )


def write_aliases(folder: Path, aliases: Aliases) -> None:
    """Replace the file, durably. Needs the writer lock of the folder."""
    write_atomically(folder / ALIASES, (aliases.model_dump_json(indent=1) + "\n").encode())


def _alias_of_old(folder: Path) -> Aliases:
    """Release 0.1 kept the champion's number alone, in a file of that name."""
    try:
        text = (folder / CHAMPION).read_bytes().decode("ascii", errors="replace").strip()
    except FileNotFoundError:
        return Aliases()
    if not _PLAIN.fullmatch(text):
        raise CorruptArtefact(
            f"{folder / CHAMPION} does not hold the number of a version: write one of the folders' numbers into it."
        )
    return Aliases(champion=int(text), last=int(text))


def _who(by: str) -> str:
    return _shown(by)[:_MOST_WHO]


def _reason(reason: str) -> str:
    return _shown(reason)[:_MOST_REASON]


def _shown(text: str) -> str:
    """On one line and without control characters: it is printed on terminals."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())

"""Policies on disk: one JSON file each, never changed, and an alias file `champion` that names the one in use."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from agents.policy.artefact import Policy, RiskPoint, RoutePolicy
from agents.policy.shipped import shipped_routes
from signalbox.artefacts import writer_lock
from signalbox.errors import CorruptArtefact, NotFound
from signalbox.files import write_atomically
from signalbox.types import Guarantee, Route, utc_now

_NAME = re.compile(r"pol_(\d+)\.json")
_LOCK_S = 60.0


class PolicyStore:
    """The policies of one data directory, in `data_dir / "policies"`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def champion(self, alpha: float) -> Policy:
        """The policy in use; before the first calibration the shipped one, with `alpha`.

        Raises:
            CorruptArtefact: its file can't be read.
        """
        alias = self._folder / "champion"
        if not alias.is_file():
            return Policy(id="pol_0", created_at=utc_now(), alpha=alpha, routes=shipped_routes())
        return self.load(alias.read_text(encoding="utf-8").strip())

    def load(self, policy_id: str) -> Policy:
        path = self._folder / f"{policy_id}.json"
        if not _NAME.fullmatch(f"{policy_id}.json") or not path.is_file():
            raise NotFound(f"There is no policy {policy_id!r} in {self._folder}.", field="policy")
        try:
            return Policy.model_validate_json(path.read_bytes())
        except ValidationError as error:
            reason = error.errors(include_input=False)[0]["msg"]
            raise CorruptArtefact(f"{path} is not a policy: {reason}. Calibrate again or restore the file.") from None

    def add(
        self,
        *,
        alpha: float,
        delta: float,
        routes: dict[Route, RoutePolicy],
        curve: tuple[RiskPoint, ...],
        data_hash: str,
        notes: tuple[str, ...],
        guarantee: Guarantee | None = None,
    ) -> Policy:
        """Write a new version and make it the champion."""
        with writer_lock(self._folder, timeout_s=_LOCK_S):
            numbers = [int(match[1]) for path in self._folder.iterdir() if (match := _NAME.fullmatch(path.name))]
            policy = Policy(
                id=f"pol_{max(numbers, default=0) + 1}",
                created_at=utc_now(),
                alpha=alpha,
                delta=delta,
                routes=routes,
                curve=curve,
                guarantee=guarantee,
                data_hash=data_hash,
                notes=notes,
            )
            write_atomically(self._folder / f"{policy.id}.json", policy.model_dump_json(indent=1).encode())
            write_atomically(self._folder / "champion", policy.id.encode())
        return policy

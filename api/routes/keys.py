"""API keys: make, list, revoke, rotate. A key's token is in the answer that made it and nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from api.body.json import JsonRoute
from api.deps import IdentityDep, KeysDep
from api.http.openapi import problems
from signalbox.errors import Conflict
from signalbox.storage.tokens import MAX_NAME_CHARS, Key, KeyList, NewKey, Role
from signalbox.telemetry import get_logger

log = get_logger(__name__)

router = APIRouter(route_class=JsonRoute, tags=["keys"])

KeyId = Annotated[str, Path(max_length=40, description="The id of a key, as `GET /keys` lists it.")]


class KeyBody(BaseModel):
    """The key to make."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = Field(
        min_length=1, max_length=MAX_NAME_CHARS, description="Who or what it is for; no two working keys share it."
    )
    role: Role = Field(description="What it may do.")
    expires_at: datetime | None = Field(None, description="When it ends; null: never.")
    daily_cap_usd: float | None = Field(None, ge=0, description="Most that its queries may cost a day (UTC).")
    rate_per_minute: int | None = Field(None, ge=1, description="Requests it may make a minute.")


@router.post("/keys", status_code=201, responses=problems(400, 401, 403, 409, 413, 415, 422, 429, 503))
async def create_key(body: KeyBody, keys: KeysDep, identity: IdentityDep) -> NewKey:
    """Make a key. As soon as there is one, keys are required of everybody."""
    made = await keys.create(
        body.name,
        body.role,
        expires_at=body.expires_at,
        daily_cap_usd=body.daily_cap_usd,
        rate_per_minute=body.rate_per_minute,
    )
    log.info("key created", id=made.key.id, role=made.key.role, by=identity.name)
    return made


@router.get("/keys", responses=problems(401, 403, 429, 503))
async def list_keys(keys: KeysDep) -> KeyList:
    """All keys, oldest first, those revoked or expired too."""
    return KeyList(items=await keys.list())


@router.delete("/keys/{id}", responses=problems(401, 403, 404, 409, 422, 429, 503))
async def revoke_key(id: KeyId, keys: KeysDep, identity: IdentityDep) -> Key:  # noqa: A002
    """End a key. It keeps its row, and keys stay required."""
    if id == identity.key_id:
        raise Conflict("A key can't revoke itself. Use another admin's key, or `signalbox keys revoke`.", field="id")
    key = await keys.revoke(id)
    log.info("key revoked", id=key.id, by=identity.name)
    return key


@router.post("/keys/{id}/rotate", responses=problems(401, 403, 404, 409, 422, 429, 503))
async def rotate_key(id: KeyId, keys: KeysDep, identity: IdentityDep) -> NewKey:  # noqa: A002
    """Give a key a new token; the old one ends at once."""
    made = await keys.rotate(id)
    log.info("key rotated", id=made.key.id, by=identity.name)
    return made

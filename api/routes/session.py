"""Signing in to the pages with a key: the session, and the one page that needs none.

The page is plain HTML without scripts, so that it works before anything else may be loaded.
"""

from __future__ import annotations

import base64
import hashlib
import html
from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from api.auth import Auth
from api.auth.access import SIGN_IN
from api.auth.credentials import address_of
from api.auth.sessions import COOKIE, LIFE_S
from api.body import strict_json
from api.body.json import check_content_type, read_body
from api.deps import AuthDep, IdentityDep, KeysDep
from api.http.openapi import problems
from signalbox.errors import InvalidInput
from signalbox.storage.tokens import Role, StoredKey
from signalbox.telemetry import get_logger

log = get_logger(__name__)

router = APIRouter(tags=["session"])

_MAX_BODY_BYTES = 4_096
_FORM = "application/x-www-form-urlencoded"
_HOME = "/ui/"


class SessionBody(BaseModel):
    """What a session is made from."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=500, description="An API key, `sb_…`.")


class Who(BaseModel):
    """Who asks. `key_id` is null where no keys are in use."""

    key_id: str | None
    name: str
    role: Role
    expires_at: datetime | None = Field(None, description="When the session made just now ends.")


@router.post(
    "/session",
    responses=problems(400, 401, 413, 415, 422, 429, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": SessionBody.model_json_schema()}},
        }
    },
)
async def sign_in(request: Request, response: Response, auth: AuthDep) -> Who:
    """Start a page session: the answer sets a cookie that is good for 12 hours, or until the key ends.

    Sent as a form by the sign-in page, it leads back to the page that was asked for.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        return await _by_form(request, auth)  # type: ignore[return-value]  # a response, taken as it is
    check_content_type(request)
    given = strict_json.parse(await read_body(request, _MAX_BODY_BYTES))
    if not isinstance(given, dict) or set(given) != {"key"} or not isinstance(given["key"], str):
        raise InvalidInput("Send an object with key, an API key, and nothing else.", field="key")
    stored = await auth.authenticator.stored_key(given["key"].strip(), address_of(request.scope))
    _set_cookie(request, response, auth, stored)
    ends = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()) + LIFE_S, UTC)
    if stored.key.expires_at is not None:
        ends = min(ends, stored.key.expires_at)
    return Who(key_id=stored.key.id, name=stored.key.name, role=stored.key.role, expires_at=ends)


@router.get("/session", responses=problems(401, 429, 503))
async def who_asks(identity: IdentityDep) -> Who:
    """Who this request is from, and in which role."""
    return Who(key_id=identity.key_id, name=identity.name, role=identity.role)


@router.delete("/session", status_code=204, responses=problems(403))
async def sign_out(request: Request, auth: AuthDep) -> Response:
    """End the session, its open pages too; the answer takes the cookie back."""
    auth.sessions.end(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", secure=_is_https(request), httponly=True, samesite="strict")
    return response


@router.get(SIGN_IN, response_class=HTMLResponse, include_in_schema=False)
async def sign_in_page(keys: KeysDep, next: Annotated[str, Query(max_length=2_000)] = _HOME) -> Response:  # noqa: A002
    """Where a key is asked for; while none is in use, it leads on."""
    if not await keys.in_use():
        return RedirectResponse(_own_path(next), status_code=303)
    return _page(_own_path(next))


async def _by_form(request: Request, auth: Auth) -> Response:
    body = await read_body(request, _MAX_BODY_BYTES)
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=4)
    key, target = fields.get("key", [""])[0].strip(), _own_path(fields.get("next", [_HOME])[0])
    try:
        stored = await auth.authenticator.stored_key(key, address_of(request.scope))
    except HTTPException as error:
        message = "This key is not valid, or no longer." if error.status_code == 401 else str(error.detail)
        return _page(target, message, error.status_code)
    response = RedirectResponse(target, status_code=303)
    _set_cookie(request, response, auth, stored)
    return response


def _set_cookie(request: Request, response: Response, auth: Auth, stored: StoredKey) -> None:
    response.set_cookie(
        COOKIE,
        auth.sessions.seal(stored),
        max_age=LIFE_S,
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="strict",
    )
    log.info("signed in", id=stored.key.id, role=stored.key.role)


def _is_https(request: Request) -> bool:
    return str(request.scope["scheme"]) == "https"


def _own_path(target: str) -> str:
    """`target` where it is a path of this service; a browser would follow `//host` and `/\\host` elsewhere."""
    plain = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if plain and target.isascii() else _HOME


_RULES = """
body { min-height: 90vh; display: grid; place-items: center; margin: 16px; background: var(--ground);
  color: var(--text); font: 14px/20px system-ui, sans-serif }
form { width: min(360px, 100%); box-sizing: border-box; display: grid; gap: 12px; padding: 24px; border-radius: 12px;
  border: 1px solid var(--line); background: var(--surface) }
h1 { font-size: 20px; line-height: 28px; margin: 0 } p { margin: 0; color: var(--muted) } label { font-weight: 500 }
input, button { font: inherit; height: 40px; padding: 0 12px; border: 1px solid var(--line-strong); border-radius: 6px }
input { background: var(--surface); color: var(--text) }
button { cursor: pointer; font-weight: 500; background: var(--accent); border-color: var(--accent);
  color: var(--on-accent) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
[role=alert] { padding: 8px 12px; border-radius: 6px; background: var(--wrong-soft); color: var(--text) }
"""


@cache
def _style() -> str:
    """In the colours of the pages, which are imported only where there are any: when serving."""
    from api.ui import theme

    return theme.tokens(by_system=True) + _RULES


def _policy() -> str:
    style = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'"
    return f"{allowed}; base-uri 'none'; frame-ancestors 'none'"


def _page(target: str, message: str | None = None, status: int = 200) -> Response:
    alert = f'<p role="alert">{html.escape(message)}</p>' if message else ""
    content = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in · Signalbox</title><style>{_style()}</style></head>
<body><form method="post" action="/session"><h1>Signalbox</h1>{alert}
<label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus maxlength="500">
<input type="hidden" name="next" value="{html.escape(target)}">
<button>Sign in</button>
<p>An administrator makes keys with <code>signalbox keys create</code>.</p></form></body></html>"""
    # Where no referrer is sent, browsers send a form with the origin `null`, which the edge refuses.
    headers = {"Content-Security-Policy": _policy(), "Referrer-Policy": "same-origin"}
    return HTMLResponse(content, status_code=status, headers=headers)

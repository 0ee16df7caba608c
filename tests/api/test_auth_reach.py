"""Serving to other machines: refused until there is a key, and `signalbox keys` makes one before and while serving."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from auth_people import client_of, shown
from test_api_server import running

from api.server import check_reach, serve
from api.service.checks import run_checks
from api.service.wiring import Service
from signalbox.errors import ConfigurationError
from signalbox.settings import Settings
from signalbox.storage import KeyStore, open_database


def keys(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `signalbox keys ARGUMENTS` on the data directory `folder`."""
    return subprocess.run(
        [sys.executable, "-c", "from api.cli import main; main()", "keys", *arguments],
        env={**os.environ, "SIGNALBOX_DATA_DIR": str(folder), "SIGNALBOX_LOG_LEVEL": "error", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )


async def _make(settings: Settings, role: str) -> None:
    async with await open_database(settings) as database:
        await KeyStore(database).create(role, role)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_other_machines_are_not_served_without_a_key(tmp_path: Path, host: str) -> None:
    settings = Settings(data_dir=tmp_path / "data", host=host, port=0)
    with pytest.raises(ConfigurationError, match="signalbox keys create") as caught:
        serve(settings)
    assert caught.value.field == "host"


@pytest.mark.parametrize(
    ("declared", "field"),
    [
        ({"allowed_hosts": ("ai.example.com",)}, "allowed_hosts"),
        ({"allowed_hosts": ("localhost", "192.0.2.1")}, "allowed_hosts"),
        ({"served_over_https": True}, "served_over_https"),
    ],
)
async def test_behind_a_proxy_on_this_machine_nobody_is_local(
    settings: Settings, service: Service, declared: dict[str, object], field: str
) -> None:
    behind = settings.model_copy(update=declared)
    async with client_of(behind, service) as client:
        for host in ("localhost", *behind.allowed_hosts):
            answer = await client.post("/predict", json={"query": "a"}, headers={"Host": host})
            assert answer.status_code == 401
    apart = behind.model_copy(update={"data_dir": settings.data_dir.parent / "apart"})
    with pytest.raises(ConfigurationError, match=f"SIGNALBOX_{field.upper()}") as caught:
        await asyncio.to_thread(check_reach, apart)
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host"])
async def test_without_keys_nothing_that_a_proxy_passed_on_is_served(
    settings: Settings, service: Service, name: str
) -> None:
    """A tunnel or a proxy that no setting declares makes strangers look like people at this machine."""
    async with client_of(settings, service) as client:
        refused = await client.get("/predictions", headers={name: "203.0.113.9"})
        assert refused.status_code == 403
        assert "signalbox keys create" in refused.json()["detail"]
        assert (await client.get("/healthz", headers={name: "203.0.113.9"})).status_code == 200
        made = await service.keys.create("ops", "admin")
        assert (await client.get("/predictions", headers={name: "1.2.3.4", **shown(made.token)})).status_code == 200


async def test_other_names_of_this_machine_reach_nobody_else(settings: Settings, service: Service) -> None:
    named = settings.model_copy(update={"allowed_hosts": ("LOCALHOST", "::1", "127.0.0.2")})
    async with client_of(named, service) as client:
        assert (await client.get("/session")).json()["name"] == "local"


async def test_a_key_that_may_not_ask_is_not_enough(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", host="0.0.0.0")
    await _make(settings, "viewer")
    with pytest.raises(ConfigurationError):
        await asyncio.to_thread(check_reach, settings)
    await _make(settings, "service")
    await asyncio.to_thread(check_reach, settings)


def test_doctor_says_whether_keys_are_in_use(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", local_model="none", port=0)

    def said(settings: Settings) -> tuple[bool, str]:
        (check,) = [check for check in run_checks(settings) if check.name == "API keys"]
        return check.ok, check.detail

    assert said(settings) == (True, "none: whoever reaches 127.0.0.1 from this machine may do everything")
    outside = settings.model_copy(update={"host": "0.0.0.0"})
    ok, detail = said(outside)
    assert not ok
    assert "signalbox keys create" in detail
    made = keys(tmp_path / "data", "create", "boss", "--role", "admin", "--json")
    assert made.returncode == 0, made.stderr
    for each in (settings, outside):
        assert said(each) == (True, "required; 1 working")
    assert keys(tmp_path / "data", "revoke", json.loads(made.stdout)["key"]["id"]).returncode == 0
    ok, detail = said(settings)
    assert not ok
    assert "keys are in use" in detail


def test_keys_are_made_beside_a_running_service_and_work_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        url = server.url()
        port = url.rpartition(":")[2]
        made = keys(tmp_path, "create", "app", "--role", "service", "--expires", "2100-01-01", SIGNALBOX_PORT=port)
        assert made.returncode == 0, made.stderr
        token = made.stdout.strip()
        assert "not shown again" in made.stderr
        assert token not in made.stderr

        def ask(**headers: str) -> int:
            body = {"query": "0"}
            return httpx.post(f"{url}/predict", json=body, headers=headers, timeout=60, trust_env=False).status_code

        assert ask() == 401
        assert ask(**shown(token)) == 200
        rotated = keys(tmp_path, "rotate", token.split("_")[1], SIGNALBOX_PORT=port)
        assert ask(**shown(token)) == 401
        token = rotated.stdout.strip()
        assert ask(**shown(token)) == 200
        listed = keys(tmp_path, "list", SIGNALBOX_PORT=port)
        assert "until 2100-01-02" in listed.stdout
        assert keys(tmp_path, "revoke", token.split("_")[1], SIGNALBOX_PORT=port).returncode == 0
        assert ask(**shown(token)) == 401
        missing = keys(tmp_path, "revoke", "nobody", SIGNALBOX_PORT=port)
        assert missing.returncode == 2
        assert "no key 'nobody'" in missing.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "a", "--role", "king"), "no role 'king'"),
        (("create", "", "--role", "admin"), "name must be"),
        (("create", "a"), "--role"),
        (("create", "a", "--role", "admin", "--expires", "soon"), "no date"),
        (("create", "a", "--role", "admin", "--expires", "2020-01-01"), "passed already"),
        (("create", "a", "--role", "admin", "--expires", "2100-01-01T00:00:00"), "no time zone"),
        (("create", "a", "--role", "admin", "--daily-cap-usd", "-1"), "daily_cap_usd"),
        (("revoke", "nobody"), "no key 'nobody'"),
    ],
)
def test_a_bad_argument_is_one_line_and_makes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    from api.cli import main

    monkeypatch.setenv("SIGNALBOX_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "argv", ["signalbox", "keys", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert said in lines[-1]

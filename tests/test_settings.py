"""Where a setting comes from, and which values are refused before they can do harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from signalbox.errors import ConfigurationError
from signalbox.settings import Settings


def test_the_nearest_source_wins(tmp_path: Path) -> None:
    def port(**arguments: object) -> tuple[int, str]:
        settings = Settings.load(environ=environ, folder=tmp_path, **arguments)
        return settings.port, settings.source("port")

    environ: dict[str, str] = {}
    assert port() == (8000, "default")
    (tmp_path / "signalbox.toml").write_text("port = 1\n")
    assert port() == (1, "signalbox.toml")
    (tmp_path / ".env").write_text("SIGNALBOX_PORT=2\n")
    assert port() == (2, ".env")
    environ["SIGNALBOX_PORT"] = "3"
    assert port() == (3, "environment")
    assert port(port=4) == (4, "argument")
    assert port(port=None) == (3, "environment")


def test_a_name_that_is_no_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"SIGNALBOX_PROT \(environment\): there is no such setting"):
        Settings.load(environ={"SIGNALBOX_PROT": "1"}, folder=tmp_path)


def test_a_bad_value_is_named_with_its_source(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SIGNALBOX_ALPHA=2\n")
    with pytest.raises(ConfigurationError, match=r"SIGNALBOX_ALPHA \(\.env\): .*less than 1"):
        Settings.load(environ={}, folder=tmp_path)


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "signalbox.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"signalbox\.toml can't be read as TOML"):
        Settings.load(environ={}, folder=tmp_path)


def test_further_host_names_are_given_with_commas(tmp_path: Path) -> None:
    environ = {"SIGNALBOX_ALLOWED_HOSTS": "signalbox.example.org, 192.168.1.4,::1"}
    settings = Settings.load(environ=environ, folder=tmp_path)
    assert settings.allowed_hosts == ("signalbox.example.org", "192.168.1.4", "::1")


@pytest.mark.parametrize("name", ["*", "*.example.org", "http://example.org", "example.org:8000", "a b"])
def test_a_host_name_that_would_let_others_in_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SIGNALBOX_ALLOWED_HOSTS .*no host name or address"):
        Settings.load(environ={"SIGNALBOX_ALLOWED_HOSTS": name}, folder=tmp_path)


@pytest.mark.parametrize("name", ["cloud_base_url", "local_base_url", "otlp_endpoint"])
@pytest.mark.parametrize(
    "url",
    [
        "localhost:8080",
        "ftp://localhost/v1",
        "http://",
        "http://:8080/v1",
        "http://localhost:80a0/v1",
        "http://localhost:99999",
        "http://localhost:0",
        "http://[::1",
        "http://me:pass/word@localhost",
    ],
)
def test_a_url_that_can_not_be_asked_is_refused(tmp_path: Path, name: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"SIGNALBOX_{name.upper()} \(argument\): must ") as caught:
        Settings.load(environ={}, folder=tmp_path, **{name: url})
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:8080/v1", "https://api.example.org/v1/", "http://[::1]:80"])
def test_a_url_is_kept_as_it_is(url: str) -> None:
    assert Settings(cloud_base_url=url).cloud_base_url == url


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    environ = {"SIGNALBOX_CLOUD_API_KEY": "sk-hush", "SIGNALBOX_DATABASE_URL": "postgresql://me:hush@localhost/db"}
    settings = Settings.load(environ=environ, folder=tmp_path)
    assert "hush" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(environ=environ | {"SIGNALBOX_DATABASE_URL": "mysql://me:hush@localhost"}, folder=tmp_path)
    assert "hush" not in str(caught.value)


_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize("secret", [_SECRET, f"{_SECRET} whsec_AAAAr8GKYqrTwjUPD8ILPZIo2LaLaSww"])
def test_webhooks_are_signed_by_one_secret_or_while_it_changes_by_two(tmp_path: Path, secret: str) -> None:
    settings = Settings.load(environ={"SIGNALBOX_WEBHOOK_SECRET": secret}, folder=tmp_path)
    assert settings.webhook_secret is not None
    assert settings.webhook_secret.get_secret_value() == secret


@pytest.mark.parametrize("secret", ["  ", "hunter2", f"{_SECRET} hunter2", f"{_SECRET},{_SECRET}", f"{_SECRET} " * 5])
def test_a_secret_that_signs_nothing_is_refused(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ConfigurationError, match=r"SIGNALBOX_WEBHOOK_SECRET.*whsec_ and 24 to 64 bytes") as caught:
        Settings.load(environ={"SIGNALBOX_WEBHOOK_SECRET": secret}, folder=tmp_path)
    assert "MfKQ9r8" not in str(caught.value)

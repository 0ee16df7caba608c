"""Every setting, in one typed object that refuses unsafe values.

Sources, the first that names a value wins: arguments, environment (`SIGNALBOX_…`), `.env`, `signalbox.toml`,
the default. `Settings.load` also remembers which source each value came from, for `signalbox doctor`.
No other module reads the environment.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
)

from signalbox.errors import ConfigurationError

PREFIX = "SIGNALBOX_"
TOML_FILE = "signalbox.toml"

Defence = Literal[
    "normalise", "decoding", "spelling", "salience", "instructions", "spotlighting", "redaction", "output"
]
DEFENCES: tuple[Defence, ...] = get_args(Defence)


class Settings(BaseModel):
    """The settings of one service. Sizes are bytes unless named otherwise, times are milliseconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(Path(".signalbox"), description="Where indexes, experts, policies and the database live.")
    database_url: SecretStr | None = Field(
        None, description="A PostgreSQL URL; unset means SQLite in the data directory."
    )

    host: str = Field("127.0.0.1", description="Address to serve on; other than loopback only with an API key.")
    port: int = Field(8000, ge=0, le=65535, description="Port to serve on; 0 picks a free one.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Names to answer to besides localhost and the address served on, separated by commas."
    )
    served_over_https: bool = Field(False, description="A proxy in front serves this by https.")
    rate_per_minute: int = Field(
        60_000, ge=0, description="Requests a minute of each key that has no limit of its own; 0 is no limit."
    )

    max_query_chars: int = Field(8_000, ge=1, le=1_000_000, description="Longest query accepted.")
    max_body_bytes: int = Field(1_000_000, ge=1_000, description="Largest request body accepted.")
    max_turns: int = Field(100, ge=1, description="Most chat turns accepted in one query.")
    max_document_bytes: int = Field(50_000_000, ge=1_000, description="Largest document read, unpacked.")
    max_upload_bytes: int = Field(100_000_000, ge=1_000, description="Largest upload, all its files together.")
    max_documents: int = Field(100_000, ge=1, description="Most documents in one index.")
    max_connections: int = Field(2_000, ge=1, description="Connections kept open; idle ones make room for new ones.")
    max_concurrent_queries: int = Field(64, ge=1, description="Queries worked on at once; more are answered 503.")
    max_batch_queries: int = Field(8, ge=1, description="Queries of batches among those, all batches together.")
    max_batch_lines: int = Field(1_000_000, ge=1, description="Most lines of one batch.")
    max_batch_waiting_bytes: int = Field(
        4_000_000_000, ge=0, description="Answers of one batch kept on disk for a caller that does not read yet."
    )

    jobs_at_once: int = Field(1, ge=1, le=64, description="Background jobs that compute at the same time.")
    max_jobs_waiting: int = Field(20, ge=1, le=1_000, description="Background jobs that may wait for their turn.")
    experts_memory_mb: int = Field(512, ge=1, description="Megabytes that loaded experts may take together.")

    deadline_ms: float = Field(30_000, gt=0, description="Time a query gets when it names none.")
    shutdown_grace_ms: float = Field(10_000, gt=0, description="Time that running queries get when the service stops.")
    alpha: float = Field(0.10, gt=0, lt=1, description="Error rate accepted among answers given without a person.")

    review_lease_ms: float = Field(300_000, ge=1_000, description="Time that a claimed review is the reviewer's alone.")
    review_undo_ms: float = Field(3_600_000, ge=0, description="Time within which a decision can be taken back.")
    review_wait_max_ms: float = Field(600_000, ge=0, description="Longest wait_for_review_ms accepted.")
    webhook_secret: SecretStr | None = Field(
        None,
        description="Signs webhooks: whsec_ and 24 to 64 bytes in base64; unset takes no webhook_url. To change it, "
        "give the new and the old one with a space between until all receivers know the new one.",
    )
    webhook_allow_private: bool = Field(False, description="Call webhooks inside the own network and machine too.")
    webhook_attempts: int = Field(8, ge=1, le=20, description="Tries of a webhook before it is given up.")
    webhook_timeout_ms: float = Field(10_000, ge=100, le=60_000, description="Time a webhook may take to answer.")

    encoder: str = Field("all-MiniLM-L6-v2", description="A sentence-transformers model by name or path.")
    encoder_precision: Literal["int8", "fp32"] = Field("int8", description="int8 is faster, fp32 exact.")

    local_model: str = Field(
        "smollm2-135m-instruct", description="The bundled model, a GGUF path, hf:OWNER/REPO/FILE, or 'none'."
    )
    local_model_format: Literal["auto", "original", "q8_0", "q4_0", "bf16"] = Field(
        "auto", description="Format the weights are re-encoded into on first use."
    )
    local_base_url: str | None = Field(None, description="An OpenAI-compatible server to use as the local LLM instead.")
    local_context_tokens: int = Field(2_048, ge=256, description="Context window of the local LLM, in tokens.")
    local_threads: int = Field(0, ge=0, description="Threads of the local LLM; 0 means all cores.")
    local_queue: int = Field(32, ge=1, description="Requests that may wait for the local LLM.")
    grounded_style: Literal["auto", "quote", "write"] = Field("auto", description="How grounded answers are made.")

    cloud_base_url: str | None = Field(
        None, description="Base URL of the cloud LLM; unset means OpenAI's when a key is set."
    )
    cloud_api_key: SecretStr | None = Field(None, description="Key of the cloud LLM.")
    cloud_model: str = Field("gpt-4.1-mini", description="Model to ask for at the cloud LLM.")
    cloud_max_tokens: int = Field(512, ge=1, description="Most tokens a cloud answer may have.")
    cloud_retries: int = Field(1, ge=0, le=5, description="Tries after the first that fails for a passing reason.")
    cloud_fallbacks: tuple[str, ...] = Field(
        (), description="Models to ask in order when the cloud's fails: NAME, or NAME@BASE_URL; comma-separated."
    )
    cloud_fallback_api_key: SecretStr | None = Field(
        None, description="Key for fallbacks at other servers; the cloud's own key is never sent there."
    )
    cloud_hedge: bool = Field(
        False, description="Ask the cloud a second time when it is slower than usual; at most 5% more calls."
    )
    daily_cap_usd: float | None = Field(
        10.0,
        ge=0,
        allow_inf_nan=False,
        description="US dollars the cloud may cost a day (UTC), all queries together; 'none' for no cap.",
    )
    prices_file: Path | None = Field(None, description="A price file that overrides the shipped one.")

    judge_model: str = Field(
        "auto", description="Model that judges: local, cloud, NAME, NAME@BASE_URL; auto is the cloud's, else local."
    )
    eval_api_key: SecretStr | None = Field(None, description="Key of the Signalbox that `eval run --target URL` asks.")
    eval_cache_mb: int = Field(1_000, ge=0, description="Megabytes that remembered answers of evaluations may take.")
    ray_address: str | None = Field(None, description="Ray cluster for `--engine ray`; unset starts one here.")

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe message logged.")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="auto is text on a terminal, JSON elsewhere."
    )
    otlp_endpoint: str | None = Field(None, description="Where OpenTelemetry spans are sent; unset sends none.")
    defences: tuple[Defence, ...] = Field(
        DEFENCES,
        description="Defences that are on: all, none, or of normalise, decoding, spelling, salience, instructions, "
        "spotlighting, redaction and output some, separated by commas.",
    )

    capture_content: bool = Field(False, description="Put query and answer texts into traces and logs.")

    _sources: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @field_validator("cloud_base_url", "local_base_url", "otlp_endpoint")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        try:
            parts = urlsplit(value)
            complete = bool(parts.hostname) and parts.port != 0
        except ValueError:  # its message may hold part of a password
            complete = False
        if not complete:
            raise ValueError("must be a URL with a host, and a port of 1 to 65535 if any, as http://127.0.0.1:8080/v1")
        return value

    @field_validator("allowed_hosts", "cloud_fallbacks", mode="before")
    @classmethod
    def _split_fallbacks(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("defences", mode="before")
    @classmethod
    def _defences_in_words(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        match value.strip().lower():
            case "all":
                return DEFENCES
            case "none":
                return ()
            case words:
                return [part.strip() for part in words.split(",") if part.strip()]

    @field_validator("cloud_fallbacks")
    @classmethod
    def _fallback_urls(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name, base_url in map(_fallback, value):
            if not name:
                raise ValueError("write each as NAME or NAME@BASE_URL, as gpt-5-mini@https://llm.example.com/v1")
            cls._http_url(base_url)
        return value

    @field_validator("daily_cap_usd", mode="before")
    @classmethod
    def _none_in_words(cls, value: object) -> object:
        return None if isinstance(value, str) and value.strip().lower() == "none" else value

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        secrets = value.get_secret_value().split()
        if not 1 <= len(secrets) <= 4 or not all(map(_is_webhook_secret, secrets)):
            raise ValueError(
                "must be whsec_ and 24 to 64 bytes in base64 (echo whsec_$(openssl rand -base64 32)), or up to 4 such "
                "with a space between"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgresql+psycopg://")):
            raise ValueError("must start with postgresql://")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _plain_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9._:-]+", name) or (":" in name and not _is_address(name)):
                raise ValueError(f"{name!r} is no host name or address; give names without scheme, port and wildcard")
        return value

    @property
    def has_cloud(self) -> bool:
        return self.cloud_base_url is not None or self.cloud_api_key is not None

    @property
    def fallbacks(self) -> tuple[tuple[str, str | None], ...]:
        """The cloud's fallbacks as names and base URLs; None is the cloud's own."""
        return tuple(map(_fallback, self.cloud_fallbacks))

    @property
    def exposed(self) -> str | None:
        """The setting by which others than people at this machine may reach the service; None where none does.

        A proxy on this machine reaches a loopback host too: what says that there is one counts.
        """
        if not is_loopback(self.host):
            return "host"
        if self.served_over_https:
            return "served_over_https"
        return None if all(is_loopback(name.lower()) for name in self.allowed_hosts) else "allowed_hosts"

    @property
    def threads(self) -> int:
        return self.local_threads or os.cpu_count() or 1

    def source(self, name: str) -> str:
        """Which source the value of setting `name` came from; `default` when none named it."""
        return self._sources.get(name, "default")

    @classmethod
    def load(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
        **arguments: Any,
    ) -> Settings:
        """Read all sources.

        Raises:
            ConfigurationError: a value breaks its rule, or a name starting with SIGNALBOX_ is no setting.
        """
        environ = os.environ if environ is None else environ
        folder = Path.cwd() if folder is None else folder
        layers = [
            ("signalbox.toml", _read_toml(folder / TOML_FILE)),
            (".env", _prefixed(dotenv_values(folder / ".env"))),
            ("environment", _prefixed(environ)),
            ("argument", {name: value for name, value in arguments.items() if value is not None}),
        ]
        values: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for source, layer in layers:
            values |= layer
            sources |= dict.fromkeys(layer, source)
        try:
            settings = cls(**values)
        except ValidationError as error:
            raise ConfigurationError(_explain(error, sources)) from None
        settings._sources = sources
        return settings


def decline_telemetry() -> None:
    """Tell libraries that report their own use that they may not, before one of them is imported."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    # ONNX Runtime: an id of the machine, names and hashes of models.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def _is_webhook_secret(secret: str) -> bool:
    prefix, _, encoded = secret.partition("_")
    try:
        return prefix == "whsec" and 24 <= len(base64.b64decode(encoded, validate=True)) <= 64
    except ValueError:
        return False


def _fallback(text: str) -> tuple[str, str | None]:
    """Names may have an @ themselves (`claude@20260101`), so only one before a URL counts."""
    name, mark, rest = text.partition("@http")
    return name.strip(), f"http{rest}" if mark else None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what is served on `host`."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


# Read by the test suite and the benchmarks, not settings of the service.
_NOT_SETTINGS = {"SIGNALBOX_DATA"}


def _prefixed(environ: Mapping[str, str | None]) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS and value not in (None, "")
    }


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{path} can't be read as TOML: {error}. Correct it or move it away.") from None


def _explain(error: ValidationError, sources: Mapping[str, str]) -> str:
    lines = []
    for item in error.errors(include_input=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "there is no such setting; `signalbox doctor` lists them"
        where = f"{PREFIX}{name.upper()} ({sources.get(name, 'default')}): " if name else ""
        lines.append(f"{where}{message}")
    return "; ".join(lines)

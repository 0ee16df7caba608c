"""Every operation of the OpenAPI document against a running service: no crash, and no answer the document rules out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from v1_shop import serving

from api.app import create_app
from signalbox.settings import Settings

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


@schemathesis.serializer("application/x-ndjson")
def ndjson(context: schemathesis.SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


SIGNING_IN = "/session"
Session = tuple[str, dict[str, str]]
DOCUMENT = create_app(Settings()).openapi()
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def session(shop_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A service of its own, and the headers of one who may do everything: some of what is tried makes keys."""
    data_dir = shutil.copytree(shop_data, tmp_path_factory.mktemp("fuzzed") / "data")
    with serving(data_dir) as url:
        made = httpx.post(f"{url}/keys", json={"name": "all", "role": "admin"}, trust_env=False)
        yield url, {"Authorization": f"Bearer {made.json()['token']}"}


def test_the_document_is_served(session: Session) -> None:
    url, headers = session
    served = httpx.get(f"{url}/openapi.json", headers=headers, trust_env=False)
    assert served.json() == json.loads(json.dumps(DOCUMENT))


BOUNDED = settings(
    max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@schema.exclude(path=SIGNING_IN).parametrize()
@BOUNDED
def test_the_service_does_as_its_document_says(case: schemathesis.Case, session: Session) -> None:
    check(case, session)


@schema.include(path=SIGNING_IN).parametrize()
@BOUNDED
def test_signing_in_does_too(case: schemathesis.Case, session: Session) -> None:
    """Last, since so many keys that are none get their address turned away."""
    check(case, session)


def check(case: schemathesis.Case, session: Session) -> None:
    url, headers = session
    # The same one comes with many bodies, of which all but the first would be turned away for that.
    case.headers.pop("Idempotency-Key", None)
    # A bad line of a batch is answered in its place, the batch itself with 200.
    excluded = [negative_data_rejection] if case.path == "/predict/batch" else []
    case.call_and_validate(url, headers=headers, checks=CHECKS, excluded_checks=excluded, timeout=30)

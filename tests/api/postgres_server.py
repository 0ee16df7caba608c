"""The storage tests' PostgreSQL fixtures, for the tests of the API that must hold on both databases."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_PATH = Path(__file__).parents[1] / "storage" / "conftest.py"
_spec = importlib.util.spec_from_file_location("storage_fixtures", _PATH)
assert _spec is not None
assert _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

postgres_server = _fixtures.postgres_server
postgres_url = _fixtures.postgres_url
run_sql = _fixtures.run_sql

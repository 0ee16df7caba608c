"""The databases of the storage tests, for the review queue: each kind in turn, empty, migrated and open for writing."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_STORAGE = Path(__file__).parents[1] / "storage"
sys.path.append(str(_STORAGE))  # for storage_samples
_spec = importlib.util.spec_from_file_location("storage_fixtures", _STORAGE / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

postgres_server = _fixtures.postgres_server
run_sql = _fixtures.run_sql
postgres_url = _fixtures.postgres_url
sqlite_settings = _fixtures.sqlite_settings
postgres_settings = _fixtures.postgres_settings
settings = _fixtures.settings
database = _fixtures.database
store = _fixtures.store

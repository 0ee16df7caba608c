"""What Alembic runs around the steps: they use the connection, and so the transaction, that `upgrade` hands in."""

from __future__ import annotations

from alembic import context

from signalbox.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

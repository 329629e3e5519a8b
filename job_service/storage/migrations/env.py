"""Runs the revisions on the connection that storage.migrate hands over.

There is no other way in: no ini file, no address of its own, no offline mode.
"""

from alembic import context

from job_service.storage.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()

"""Alembic's own pattern: one transaction for all revisions, on the connection that it is given."""
from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=context.config.attributes["metadata"])
with context.begin_transaction():
    context.run_migrations()

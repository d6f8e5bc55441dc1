"""Alembic's environment: the migrations run on the connection, and in the transaction, that `upgrade` gives them."""

from alembic import context

from katakei.adapters.journals.postgres.connections import SCHEMA

context.configure(connection=context.config.attributes["connection"], version_table_schema=SCHEMA)
context.run_migrations()

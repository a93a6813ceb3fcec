"""Alembic's entry: runs the revisions over a psycopg connection, each in a transaction."""

import psycopg
from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

database_url: str = context.config.attributes["database_url"]
# The address is libpq's, so psycopg reads it; SQLAlchemy's own URL grammar never sees it.
engine = create_engine(
    "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=NullPool
)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()

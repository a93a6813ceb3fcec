"""SQL and bytes: the queue of record in PostgreSQL."""

"""Celery: the app, thin tasks and schedules. The database is the queue of record; these only wake work."""

"""The same app for worker processes that check: what each check needs is loaded before the pool forks."""

from claims.runtime.wiring import prepare_process
from workers.app import app, service

__all__ = ["app"]

# Children share its pages. A file of it that makes no sense stops the start.
service.warm("check_terms", "watched_trust", "review_policy")
prepare_process()

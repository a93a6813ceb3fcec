"""Who acts: whom the request or command that runs now belongs to, for logs of what was done.

Set where it is known, at the door; read where something is written down, so that no way past a use case
forgets it.
"""

from contextvars import ContextVar

_ACTING: ContextVar[str] = ContextVar("acting", default="")


def act_as(who: str) -> None:
    """Say who acts in what follows in this context, and in threads that it is carried on in."""
    _ACTING.set(who)


def acting() -> str:
    """Return the id of the person or key, or ``cli:ACCOUNT``; empty: somebody who has not signed in."""
    return _ACTING.get()

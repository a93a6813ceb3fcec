"""Bounds: how far the request that is served may see, for the database to hold it to.

The second net. Use cases narrow by themselves; a process with a role of its own in the database is held to
these bounds as well, and one that forgot to set them sees nothing.
"""

from contextvars import ContextVar

from claims.exchange.access.places import NOWHERE, Reach

_BOUNDS: ContextVar[Reach] = ContextVar("bounds", default=NOWHERE)


def bind(reach: Reach) -> None:
    """Hold what follows in this context, and in threads that it is carried on in, to a reach."""
    _BOUNDS.set(reach)


def bounds() -> Reach:
    """Return the reach that is held to."""
    return _BOUNDS.get()

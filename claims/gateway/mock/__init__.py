"""A stand-in for the insurer's gateway that can misbehave on demand.

It speaks the gateway's protocol, checks what it is given by itself, keeps what it takes in a
journal of its own, and counts every arrival, so that it can testify to what was sent twice.
"""

from claims.gateway.mock.app import create_app
from claims.gateway.mock.options import MockAccount, MockOptions, MockSettings
from claims.gateway.mock.server import make_server, serve

__all__ = [
    "MockAccount",
    "MockOptions",
    "MockSettings",
    "create_app",
    "make_server",
    "serve",
]

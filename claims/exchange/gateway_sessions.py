"""Sessions with the gateway that every process of an installation shares: one signs in, the others wait."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from claims.exchange.ports import Account


@dataclass(frozen=True, slots=True)
class GatewaySession:
    """What the gateway gave for a sign-in."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    use_until: datetime


class SharedSessions(Protocol):
    """Where processes leave their sessions for each other."""

    def find(self, facility: str, account: Account, *, now: datetime) -> GatewaySession | None:
        """Return a session of this very account that may be used now."""
        ...

    def begin(self, facility: str, *, owner: str, now: datetime, until: datetime) -> bool:
        """Take the turn to sign in, until then at the latest; False: it is somebody else's."""
        ...

    def finish(self, facility: str, account: Account, session: GatewaySession | None, *, owner: str) -> None:
        """Leave the session, or None when there is none, and end the turn."""
        ...

    def drop(self, facility: str, account: Account, session: GatewaySession) -> None:
        """Forget a session, unless another one has taken its place already."""
        ...

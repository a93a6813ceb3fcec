"""Who calls: whatever a program shows as its bearer token, told apart by how it begins."""

from dataclasses import dataclass

from claims.exchange.access.clients import PREFIX as CLIENT
from claims.exchange.access.clients import RecognizeToken
from claims.exchange.access.keys import Authenticate
from claims.exchange.access.principal import Principal
from claims.exchange.access.sessions import PREFIX as SESSION
from claims.exchange.access.sessions import KeepSessions


@dataclass(frozen=True, slots=True)
class WhoCalls:
    """Find out who shows a token: an API key, a client's access token, or the token of a person's session."""

    keys: Authenticate
    sessions: KeepSessions
    clients: RecognizeToken

    def __call__(self, token: str, *, certificate: bytes | None = None) -> Principal:
        """Return who calls, over a connection on which a certificate was proved or none.

        Raises:
            UnknownKey, NotSignedIn: The token opens nothing; why is not said.
        """
        if token.startswith(SESSION):
            return self.sessions.authenticate(token)
        if token.startswith(CLIENT):
            return self.clients(token, certificate=certificate)
        return self.keys(token)

    @staticmethod
    def is_key(token: str) -> bool:
        """Return whether a token is none of the kinds that end at once or need a certificate."""
        return not token.startswith((SESSION, CLIENT))

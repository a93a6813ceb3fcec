"""The stand-in's sessions: accounts, and tokens that expire. A restart forgets all tokens."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from claims.gateway.mock.options import MockAccount


@dataclass(frozen=True, slots=True)
class Session:
    """What a sign-in gave."""

    account: MockAccount
    access_token: str = field(repr=False)
    id_token: str = field(repr=False)
    expires_at: datetime


class SessionDesk:
    """Gives tokens out and recognizes them."""

    def __init__(self, accounts: Sequence[MockAccount], *, lifetime_s: float) -> None:
        self._accounts = {account.username: account for account in accounts}
        self._lifetime = timedelta(seconds=lifetime_s)
        self._sessions: dict[str, Session] = {}
        self.sign_ins = 0

    def facility_of(self, username: str) -> str:
        """Return the facility that an account belongs to, or nothing for an unknown account."""
        account = self._accounts.get(username)
        return account.facility if account is not None else ""

    def username_of(self, access_token: str) -> str:
        """Return whose token this is, or nothing for an unknown one."""
        session = self._sessions.get(access_token)
        return session.account.username if session is not None else ""

    def sign_in(self, username: str, password_md5: str, *, now: datetime) -> Session | None:
        """Return a new session, or None when the account or its password is wrong."""
        account = self._accounts.get(username)
        if account is None or not _is_same_hash(account.password_md5, password_md5):
            return None
        self.sign_ins += 1
        self._forget_expired(now)
        expires_at = (now + self._lifetime).replace(microsecond=0)
        session = Session(account, secrets.token_urlsafe(24), secrets.token_urlsafe(24), expires_at)
        self._sessions[session.access_token] = session
        return session

    def find(
        self, *, access_token: str, id_token: str, username: str, password_md5: str, now: datetime
    ) -> Session | None:
        """Return the session that all four belong to, if it has not expired."""
        session = self._sessions.get(access_token)
        if session is None or now >= session.expires_at:
            return None
        belongs = (
            hmac.compare_digest(session.id_token.encode(), id_token.encode())
            and session.account.username == username
            and _is_same_hash(session.account.password_md5, password_md5)
        )
        return session if belongs else None

    def expire(self, access_token: str) -> None:
        """End one session."""
        self._sessions.pop(access_token, None)

    def expire_all(self) -> None:
        """End all sessions."""
        self._sessions.clear()

    def _forget_expired(self, now: datetime) -> None:
        # Sessions are kept in the order of their end, so only the oldest need a look.
        for token, session in list(self._sessions.items()):
            if session.expires_at > now:
                break
            del self._sessions[token]


def _is_same_hash(one: str, other: str) -> bool:
    # The guide asks for upper case; live clients send lower case too.
    return hmac.compare_digest(one.upper().encode(), other.upper().encode())

"""Sessions with the gateway: one token per facility, fetched once whoever wants it, threads and processes."""

import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from claims.exchange.errors import (
    SIGN_IN_ELSEWHERE,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    OutcomeUnknown,
)
from claims.exchange.gateway_sessions import GatewaySession, SharedSessions
from claims.exchange.ports import Account, Clock
from claims.gateway.answers import Answer, read_answer
from claims.gateway.connection import Connections
from claims.gateway.protocol import (
    ACCEPTED,
    BODY_WRITERS,
    TOKEN_PATH,
    BodyFormat,
    Verdict,
    describe_code,
    find_verdict,
    read_expiry,
)

# A token is renewed this long before it ends, so that none ends on the way.
_RENEW_EARLY: Final = timedelta(seconds=60)
# Clocks differ: a token that looks expired on arrival is used for this long anyway; a 401 corrects us.
_SHORTEST_USE: Final = timedelta(seconds=30)
# Asking again and again with a wrong password gets an account locked.
_REFUSAL_HOLDS: Final = timedelta(seconds=60)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
# Another process that signs in has this long; then it is taken for dead.
_TURN: Final = timedelta(seconds=90)
_LOOK_AGAIN_S: Final = 0.05


@dataclass(slots=True)
class _Slot:
    """One facility's session. Fields are written under the lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    account: Account | None = None
    token: GatewaySession | None = None
    attempts: int = 0
    failure: GatewayError | None = None
    failed_at: datetime = _NEVER


class Sessions:
    """Keeps a token per facility and fetches another when it ends."""

    def __init__(
        self,
        connections: Connections,
        *,
        clock: Clock,
        body_format: BodyFormat,
        shared: SharedSessions | None = None,
    ) -> None:
        self._connections = connections
        self._clock = clock
        self._body_format = body_format
        self._shared = shared
        self._slots: dict[str, _Slot] = {}

    def token(self, facility: str, account: Account) -> GatewaySession:
        """Return a token that may be used now, signing in if there is none.

        Raises:
            GatewayUnavailable: The gateway could not be asked or failed.
            GatewayRefused: The account or its password is wrong.
        """
        slot = self._slots.setdefault(facility, _Slot())
        token = self._usable_token(slot, account)
        if token is not None:
            return token
        seen_attempts = slot.attempts
        with slot.lock:
            token = self._usable_token(slot, account)
            if token is not None:
                return token
            if slot.failure is not None and self._failure_holds(slot, account, seen_attempts=seen_attempts):
                again = type(slot.failure)(slot.failure.cause, slot.failure.detail)
                again.patience = slot.failure.patience
                raise again
            return self._sign_in(slot, facility, account)

    def drop(self, facility: str, account: Account, token: GatewaySession) -> None:
        """Forget a token that the gateway did not recognize, unless another has replaced it already."""
        if self._shared is not None:
            self._shared.drop(facility, account, token)
        slot = self._slots[facility]
        with slot.lock:
            if slot.token is token:
                slot.token = None

    def _usable_token(self, slot: _Slot, account: Account) -> GatewaySession | None:
        token = slot.token
        if token is not None and slot.account == account and token.use_until > self._clock.now():
            return token
        return None

    def _failure_holds(self, slot: _Slot, account: Account, *, seen_attempts: int) -> bool:
        """Whether the last failure answers for this caller as well.

        It does for those who waited while that attempt ran (else 64 threads would each wait for
        a dead gateway in turn), and for a while after a wrong password.
        """
        if slot.account != account:
            return False
        if slot.attempts != seen_attempts:
            return True
        is_recent = self._clock.now() - slot.failed_at < _REFUSAL_HOLDS
        return isinstance(slot.failure, GatewayRefused) and is_recent

    def _sign_in(self, slot: _Slot, facility: str, account: Account) -> GatewaySession:
        slot.account = account
        slot.token = None
        try:
            slot.token = self._obtain(facility, account)
            slot.failure = None
        except GatewayError as failure:
            slot.failure = failure.with_traceback(None)
            slot.failed_at = self._clock.now()
            raise
        finally:
            slot.attempts += 1
        return slot.token

    def _obtain(self, facility: str, account: Account) -> GatewaySession:
        """Return the session that another process has, or sign in while the others wait."""
        if self._shared is None:
            return self._ask(account)
        owner, deadline = secrets.token_hex(8), time.monotonic() + _TURN.total_seconds()
        while (known := self._shared.find(facility, account, now=self._clock.now())) is None:
            now = self._clock.now()
            if self._shared.begin(facility, owner=owner, now=now, until=now + _TURN):
                return self._take_turn(self._shared, facility, account, owner)
            if time.monotonic() > deadline:
                raise GatewayUnavailable(SIGN_IN_ELSEWHERE, "another process is at it")
            time.sleep(_LOOK_AGAIN_S)
        return known

    def _take_turn(
        self, shared: SharedSessions, facility: str, account: Account, owner: str
    ) -> GatewaySession:
        # Whoever had the turn before may have left a session between the look and the turn.
        session = shared.find(facility, account, now=self._clock.now())
        try:
            session = session or self._ask(account)
        finally:
            shared.finish(facility, account, session, owner=owner)
        return session

    def _ask(self, account: Account) -> GatewaySession:
        fields = {"username": account.username, "password": account.password_md5}
        body = BODY_WRITERS[self._body_format](fields, None)
        headers = {"Content-Type": self._body_format.value, "Accept": "application/json"}
        try:
            raw = self._connections.post(TOKEN_PATH, headers=headers, body=body)
        except OutcomeUnknown as error:
            # Asking for a token twice does no harm.
            cause = _login_cause(error.cause)
            raise GatewayUnavailable(cause, error.detail, patience=error.patience) from error
        return self._read_token(read_answer(raw))

    def _read_token(self, answer: Answer) -> GatewaySession:
        if answer.wants_sign_in or (answer.code and find_verdict(answer.code) is Verdict.REFUSED):
            code = answer.code or str(answer.raw.status)
            raise GatewayRefused(f"gateway.login.{code}", describe_code(code))
        if answer.code != ACCEPTED:
            name = answer.code or f"http-{answer.raw.status}"
            raise GatewayUnavailable(f"gateway.login.{name}", "the gateway gave no token")
        # The guide lists the fields flat; live gateways nest them.
        key = answer.fields.get("APIKey")
        fields = key if isinstance(key, dict) else answer.fields
        access_token, id_token = fields.get("access_token"), fields.get("id_token")
        if not _is_header_safe(access_token) or not _is_header_safe(id_token):
            raise GatewayUnavailable("gateway.login.garbled", "the gateway's token cannot be used")
        now = self._clock.now()
        expiry = read_expiry(fields.get("expires_in"), now=now)
        use_until = max(expiry - _RENEW_EARLY, now + _SHORTEST_USE)
        return GatewaySession(str(access_token), str(id_token), use_until)


def _is_header_safe(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()


def _login_cause(cause: str) -> str:
    return cause.replace("gateway.", "gateway.login.", 1)

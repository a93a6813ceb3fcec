"""Calls in a session: each with a token, and once more with a fresh one after a 401."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from claims.exchange.errors import NO_ACCOUNT, GatewayRefused
from claims.exchange.gateway_sessions import GatewaySession, SharedSessions
from claims.exchange.ports import Account, Accounts, Clock
from claims.gateway.answers import Answer, read_answer
from claims.gateway.connection import Connections, Limits
from claims.gateway.protocol import (
    ACCESS_TOKEN_HEADER,
    BODY_WRITERS,
    ID_TOKEN_HEADER,
    PASSWORD_HEADER,
    BodyFormat,
    Carries,
    Generation,
    session_query,
)
from claims.gateway.session import Sessions

DEFAULT_LIMITS: Final = Limits()
JSON: Final = BodyFormat.JSON.value


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Where the gateway is and what it understands.

    Attributes:
        base_url: Its address, such as ``https://egw.baohiemxahoi.gov.vn``; a path prefix is kept.
        generation: The generation of the sending interface; None: that of each bundle's Decision.
        supports_digest_lookup: Whether it answers a look-up by SHA-256, and says the digest of what it took.
            The published gateway does not.
        body_format: How bodies are written.
        file_as_numbers: Whether the earlier interface is given a file as byte values instead of Base64.
        limits: Times and sizes.
        tls: A TLS context for a private certificate authority; None for the system's.
    """

    base_url: str
    generation: Generation | None = None
    supports_digest_lookup: bool = False
    body_format: BodyFormat = BodyFormat.FORM
    file_as_numbers: bool = False
    limits: Limits = DEFAULT_LIMITS
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request, but for its session.

    Attributes:
        query: Parameters in the query, beside the session if that goes there.
        content_type: Of the body; empty: as the settings write bodies.
        max_answer_bytes: How long the answer may be; None: as the limits say.
    """

    path: str
    body: bytes = b""
    carries: Carries = Carries.HEADERS
    query: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    max_answer_bytes: int | None = None


class Caller:
    """Posts calls in the name of facilities; safe to share between threads."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        accounts: Accounts,
        clock: Clock,
        shared: SharedSessions | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._accounts = accounts
        self._connections = Connections(settings.base_url, limits=settings.limits, tls=settings.tls)
        self._sessions = Sessions(
            self._connections, clock=clock, body_format=settings.body_format, shared=shared
        )

    def find_account(self, facility: str) -> Account | None:
        """Return the facility's account, if it has one."""
        return self._accounts.find(facility)

    def account_of(self, facility: str) -> Account:
        """Return the facility's account.

        Raises:
            GatewayRefused: It has none.
        """
        account = self._accounts.find(facility)
        if account is None:
            raise GatewayRefused(NO_ACCOUNT, f"no gateway account is set for facility {facility}")
        return account

    def write(self, fields: Mapping[str, str], file: bytes | None = None) -> bytes:
        """Return a body of fields, as the settings write bodies."""
        return BODY_WRITERS[self.settings.body_format](fields, file)

    def post(self, facility: str, account: Account, call: Call) -> Answer:
        """Post with a token; once more with a fresh one when the gateway did not recognize the first.

        Raises:
            GatewayUnavailable: It was surely not taken; later may help.
            OutcomeUnknown: It was written, and no usable answer came back.
            GatewayRefused: The account or its password is wrong.
        """
        token = self._sessions.token(facility, account)
        answer = self._post_once(account, token, call)
        if answer.wants_sign_in:
            self._sessions.drop(facility, account, token)
            token = self._sessions.token(facility, account)
            answer = self._post_once(account, token, call)
        return answer

    def close(self) -> None:
        """Close idle connections."""
        self._connections.close()

    def _post_once(self, account: Account, token: GatewaySession, call: Call) -> Answer:
        headers = {
            "Content-Type": call.content_type or self.settings.body_format.value,
            "Accept": "application/json",
            **call.headers,
        }
        query = dict(call.query)
        if call.carries is Carries.HEADERS:
            headers |= {
                ACCESS_TOKEN_HEADER: token.access_token,
                ID_TOKEN_HEADER: token.id_token,
                PASSWORD_HEADER: account.password_md5,
            }
        else:
            query |= session_query(
                access_token=token.access_token,
                id_token=token.id_token,
                username=account.username,
                password_md5=account.password_md5,
            )
        path = f"{call.path}?{urlencode(query)}" if query else call.path
        raw = self._connections.post(
            path, headers=headers, body=call.body, max_answer_bytes=call.max_answer_bytes
        )
        return read_answer(raw)

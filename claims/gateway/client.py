"""The client of the insurer's gateway: sends a signed bundle once and says honestly what became of it."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from claims.checking.cards import CardQuestion, CardReply
from claims.exchange.errors import GatewayRefused, GatewayUnavailable, OutcomeUnknown
from claims.exchange.ports import Account, Accounts, Clock, Receipt
from claims.gateway.answers import Answer, find_receipt, read_answer, read_receipt
from claims.gateway.cards import card_path, read_reply, write_question
from claims.gateway.connection import Connections, Limits
from claims.gateway.protocol import (
    ACCESS_TOKEN_HEADER,
    BODY_WRITERS,
    DECISION_3176,
    ID_TOKEN_HEADER,
    LOOKUP_PATH,
    PASSWORD_HEADER,
    BodyFormat,
    Generation,
    province_of,
)
from claims.gateway.session import NO_ACCOUNT, Sessions, Token

DEFAULT_LIMITS = Limits()

_PathOfSession: TypeAlias = Callable[[Account, Token], str]


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Where the gateway is and what it understands.

    Attributes:
        base_url: Its address, such as ``https://egw.baohiemxahoi.gov.vn``; a path prefix is kept.
        generation: The generation of the sending interface.
        supports_digest_lookup: Whether it answers a look-up by SHA-256. The published gateway does not.
        body_format: How bodies are written.
        limits: Times and sizes.
        tls: A TLS context for a private certificate authority; None for the system's.
    """

    base_url: str
    generation: Generation = DECISION_3176
    supports_digest_lookup: bool = False
    body_format: BodyFormat = BodyFormat.FORM
    limits: Limits = DEFAULT_LIMITS
    tls: ssl.SSLContext | None = None


class GatewayClient:
    """Implements the exchange's `Gateway` port over HTTP; one instance serves all threads of a process."""

    def __init__(self, settings: GatewaySettings, *, accounts: Accounts, clock: Clock) -> None:
        self._settings = settings
        self._accounts = accounts
        self._connections = Connections(settings.base_url, limits=settings.limits, tls=settings.tls)
        self._sessions = Sessions(self._connections, clock=clock, body_format=settings.body_format)

    def send(self, facility: str, bundle: bytes) -> Receipt:
        """Hand over one signed bundle.

        The bytes are written at most once, except after a 401, which proves that they were not taken.

        Raises:
            GatewayUnavailable: It was surely not taken; later may help.
            OutcomeUnknown: It may have been taken; look with `find_receipt` before sending again.
            GatewayRefused: It was refused for good; an operator must look.
        """
        account = self._account_of(facility)
        generation = self._settings.generation
        fields = {
            "username": account.username,
            "loaiHoSo": generation.claim_kind,
            "maTinh": province_of(facility),
            "maCSKCB": facility,
        }
        body = BODY_WRITERS[self._settings.body_format](fields, bundle)
        return read_receipt(self._post(facility, account, path=generation.send_path, body=body))

    def find_receipt(self, facility: str, sha256: str) -> Receipt | None:
        """Ask whether the gateway took the bundle with this digest (hex of the signed bytes).

        Without a look-up at the gateway this is always None: sending the same bytes again is then
        the question, and the gateway's own check on ``MA_LK`` the answer.

        Raises:
            GatewayUnavailable: It could not be asked.
        """
        if not self._settings.supports_digest_lookup:
            return None
        try:
            return find_receipt(self._look_up(facility, sha256))
        except (GatewayRefused, OutcomeUnknown) as error:
            # Whatever kept us from asking, the bundle's fate is as unknown as before; a refused
            # sign-in in particular says nothing about the bundle.
            raise GatewayUnavailable(error.cause, error.detail) from error

    def look_up_card(self, question: CardQuestion) -> CardReply | None:
        """Ask the register about a card, in the name of the facility's registered staff member.

        None: the facility has no account or nobody to ask in whose name, or the answer says nothing.

        Raises:
            GatewayError: It could not be asked. Asking changes nothing there, so that it may be asked again.
        """
        account = self._accounts.find(question.facility)
        if account is None or account.card_staff is None:
            return None
        body = BODY_WRITERS[self._settings.body_format](write_question(question, account.card_staff), None)
        return read_reply(self._post(question.facility, account, path=card_path, body=body))

    def close(self) -> None:
        """Close idle connections."""
        self._connections.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close idle connections."""
        self.close()

    def _look_up(self, facility: str, sha256: str) -> Answer:
        account = self._account_of(facility)
        fields = {
            "username": account.username,
            "maTinh": province_of(facility),
            "maCSKCB": facility,
            "sha256": sha256,
        }
        body = BODY_WRITERS[self._settings.body_format](fields, None)
        return self._post(facility, account, path=LOOKUP_PATH, body=body)

    def _account_of(self, facility: str) -> Account:
        account = self._accounts.find(facility)
        if account is None:
            raise GatewayRefused(NO_ACCOUNT, f"no gateway account is set for facility {facility}")
        return account

    def _post(self, facility: str, account: Account, *, path: str | _PathOfSession, body: bytes) -> Answer:
        """Post with a token; once more with a fresh one when the gateway did not recognize the first."""
        token = self._sessions.token(facility, account)
        answer = self._post_once(account, token, path, body)
        if answer.wants_sign_in:
            self._sessions.drop(facility, token)
            token = self._sessions.token(facility, account)
            answer = self._post_once(account, token, path, body)
        return answer

    def _post_once(self, account: Account, token: Token, path: str | _PathOfSession, body: bytes) -> Answer:
        to = path if isinstance(path, str) else path(account, token)
        return read_answer(self._connections.post(to, headers=self._headers(account, token), body=body))

    def _headers(self, account: Account, token: Token) -> dict[str, str]:
        return {
            "Content-Type": self._settings.body_format.value,
            "Accept": "application/json",
            ACCESS_TOKEN_HEADER: token.access_token,
            ID_TOKEN_HEADER: token.id_token,
            PASSWORD_HEADER: account.password_md5,
        }

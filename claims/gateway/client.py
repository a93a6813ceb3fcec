"""The client of the insurer's gateway: sends a signed bundle once and says honestly what became of it."""

import hashlib
from types import TracebackType
from typing import Self

from claims.checking.cards import CardQuestion, CardReply
from claims.exchange.errors import NO_CHECK_IN, GatewayRefused, GatewayUnavailable, OutcomeUnknown
from claims.exchange.gateway_sessions import SharedSessions
from claims.exchange.passing_on import KeptAnswers
from claims.exchange.ports import Account, Accounts, Clock, Receipt
from claims.gateway.answers import find_receipt, read_receipt
from claims.gateway.calling import JSON, Call, Caller, GatewaySettings
from claims.gateway.cards import read_reply, write_question
from claims.gateway.protocol import (
    CARD_PATH,
    DIGEST_HEADER,
    LOOKUP_PATH,
    Carries,
    Generation,
    generation_of,
    province_of,
    write_file,
    write_file_as_numbers,
)
from claims.gateway.questions import GatewayQuestions
from claims.gateway.results import GatewayResults


class GatewayClient:
    """Implements the exchange's `Gateway` port over HTTP; one instance serves all threads of a process."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        accounts: Accounts,
        clock: Clock,
        shared: SharedSessions | None = None,
        memory: KeptAnswers | None = None,
    ) -> None:
        self._settings = settings
        self._caller = Caller(settings, accounts=accounts, clock=clock, shared=shared)
        self.results = GatewayResults(self._caller, memory)
        self.questions = GatewayQuestions(self._caller, memory)

    @property
    def can_find(self) -> bool:
        """Whether it can be asked by digest, as the settings say."""
        return self._settings.supports_digest_lookup

    def send(self, facility: str, bundle: bytes, *, decision: str | None = None) -> Receipt:
        """Hand over one signed bundle, at the interface of its Decision unless the settings name another.

        The bytes are written at most once, except after a 401, which proves that they were not taken.

        Raises:
            GatewayUnavailable: It was surely not taken; later may help.
            OutcomeUnknown: It may have been taken; look with `find_receipt` before sending again.
            GatewayRefused: It was refused for good; an operator must look.
        """
        account = self._caller.account_of(facility)
        generation = self._settings.generation or generation_of(decision)
        sha256 = hashlib.sha256(bundle).hexdigest() if self._settings.supports_digest_lookup else None
        call = self._write_sending(
            account,
            facility,
            path=generation.send_path,
            kind=generation.claim_kind,
            generation=generation,
            file=bundle,
            sha256=sha256,
        )
        return read_receipt(self._caller.post(facility, account, call), sha256=sha256)

    def check_in(self, facility: str, document: bytes, *, decision: str | None = None) -> Receipt:
        """Hand over one signed check-in (XML0); raises as `send`.

        A check-in is a message about a visit under way; sent again it says the same.
        """
        account = self._caller.account_of(facility)
        generation = self._settings.generation or generation_of(decision)
        if generation.check_in_path is None:
            raise GatewayRefused(NO_CHECK_IN, f"the interface of Decision {generation.name} has no check-in")
        call = self._write_sending(
            account,
            facility,
            path=generation.check_in_path,
            kind=generation.check_in_kind,
            generation=generation,
            file=document,
        )
        return read_receipt(self._caller.post(facility, account, call))

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
            return self._look_up(facility, sha256)
        except (GatewayRefused, OutcomeUnknown) as error:
            # Whatever kept us from asking, the bundle's fate is as unknown as before; a refused
            # sign-in in particular says nothing about the bundle.
            raise GatewayUnavailable(error.cause, error.detail, patience=error.patience) from error

    def look_up_card(self, question: CardQuestion) -> CardReply | None:
        """Ask the register about a card, in the name of the facility's registered staff member.

        None: the facility has no account or nobody to ask in whose name, or the answer says nothing.

        Raises:
            GatewayError: It could not be asked. Asking changes nothing there, so that it may be asked again.
        """
        account = self._caller.find_account(question.facility)
        if account is None or account.card_staff is None:
            return None
        body = self._caller.write(write_question(question, account.card_staff))
        call = Call(CARD_PATH, body, Carries.QUERY)
        return read_reply(self._caller.post(question.facility, account, call))

    def close(self) -> None:
        """Close idle connections."""
        self._caller.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close idle connections."""
        self.close()

    def _write_sending(  # noqa: PLR0913 - what the protocol asks for
        self,
        account: Account,
        facility: str,
        *,
        path: str,
        kind: str,
        generation: Generation,
        file: bytes,
        sha256: str | None = None,
    ) -> Call:
        fields = {"loaiHoSo": kind, "maTinh": province_of(facility), "maCSKCB": facility}
        headers = {} if sha256 is None else {DIGEST_HEADER: sha256}
        if generation.carries is Carries.QUERY:
            body = write_file_as_numbers(file) if self._settings.file_as_numbers else write_file(file)
            return Call(path, body, Carries.QUERY, fields, JSON, headers)
        body = self._caller.write({"username": account.username, **fields}, file)
        return Call(path, body, headers=headers)

    def _look_up(self, facility: str, sha256: str) -> Receipt | None:
        account = self._caller.account_of(facility)
        fields = {
            "username": account.username,
            "maTinh": province_of(facility),
            "maCSKCB": facility,
            "sha256": sha256,
        }
        call = Call(LOOKUP_PATH, self._caller.write(fields))
        return find_receipt(self._caller.post(facility, account, call), sha256=sha256)

"""What the gateway's answers mean: a receipt, or one of the exchange's three errors.

The reasoning behind each choice is in docs/decisions/0005-reconcile-before-resend.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from claims.exchange.errors import GatewayError, GatewayRefused, GatewayUnavailable, OutcomeUnknown
from claims.exchange.ports import Receipt
from claims.gateway.connection import GARBLED, RawAnswer
from claims.gateway.protocol import (
    ACCEPTED,
    NOT_FOUND,
    STILL_PROCESSING,
    Verdict,
    describe_code,
    find_verdict,
    read_reception_time,
)

NO_RECEIPT: Final = "gateway.no-receipt"
CONTRADICTION: Final = "gateway.contradiction"
OTHER_CLAIM: Final = "gateway.other-claim"
NO_LOOKUP: Final = "gateway.lookup.not-offered"
STILL_AT_WORK: Final = "gateway.lookup.still-processing"

_UNAUTHORIZED: Final = 401
# Statuses that judge the request itself; the same bytes would meet the same answer.
_REFUSING_STATUSES: Final = frozenset({400, 411, 413, 414, 415, 422, 431})
# The server says that it does not do such things at all: RFC 9110, 15.6.2 and 15.6.6.
_UNDONE_STATUSES: Final = frozenset({501, 505})
_MAX_RECEIPT_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer read as far as it can be.

    Attributes:
        raw: The answer as it came.
        code: ``maKetQua`` as text, or None when the body does not speak the protocol.
        fields: The body's JSON object; empty when there is none.
    """

    raw: RawAnswer
    code: str | None
    fields: Mapping[str, object]

    @property
    def wants_sign_in(self) -> bool:
        """Whether the gateway did not recognize the session; it then took nothing."""
        if self.code is not None:
            return find_verdict(self.code) is Verdict.SIGN_IN_AGAIN
        return self.raw.status == _UNAUTHORIZED

    @property
    def is_success_status(self) -> bool:
        """Whether the HTTP status is a 2xx."""
        return self.raw.status // 100 == 2  # noqa: PLR2004 (the class of the status)


def read_answer(raw: RawAnswer) -> Answer:
    """Read an answer's JSON, if it has any."""
    try:
        # Amounts are decimals; a float would have lost some of them.
        document = json.loads(raw.body, parse_float=Decimal)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Answer(raw, None, {})
    return Answer(raw, _read_code(document.get("maKetQua")), document)


def read_receipt(answer: Answer, *, sha256: str | None = None) -> Receipt:
    """Return the receipt for a bundle that was sent.

    Args:
        answer: What came.
        sha256: The digest of what was sent, where the gateway can say what it took: then it must.

    Raises:
        GatewayUnavailable: The bundle was surely not taken.
        OutcomeUnknown: The answer does not say whether it was.
        GatewayRefused: It was refused for good.
    """
    if answer.code is None:
        raise _error_by_status(answer)
    receipt = _receipt_by_code(answer, answer.code)
    if sha256 is None:
        return receipt
    # A gateway that can say which bytes it took says so; an answer that does not, or names others, may be
    # about another request that a proxy or a server mixed up with this one.
    said = _digest_in(answer)
    if said != sha256:
        detail = "about another bundle" if said else "about no bundle by name"
        raise OutcomeUnknown(OTHER_CLAIM, f"the answer is {detail}")
    return replace(receipt, is_proven=True)


def find_receipt(answer: Answer, *, sha256: str) -> Receipt | None:
    """Return the receipt that a look-up by digest found, or None when there is no such bundle.

    Raises:
        GatewayUnavailable: The answer does not say.
    """
    if _digest_in(answer) not in {"", sha256}:
        raise GatewayUnavailable(OTHER_CLAIM, "the answer is about another bundle")
    if answer.code == NOT_FOUND:
        return None
    if answer.code == STILL_PROCESSING:
        raise GatewayUnavailable(STILL_AT_WORK, "the gateway is still at work on this bundle")
    if answer.code == ACCEPTED and answer.is_success_status:
        receipt = _find_receipt_in(answer)
        if receipt is not None:
            return replace(receipt, is_proven=True)
    if answer.code is None and answer.raw.status in {404, 405, 501}:
        detail = "this gateway offers no look-up by digest; turn supports_digest_lookup off"
        raise GatewayUnavailable(NO_LOOKUP, detail)
    raise GatewayUnavailable(f"gateway.lookup.{_name_of(answer)}", _words_for(answer))


def _receipt_by_code(answer: Answer, code: str) -> Receipt:
    verdict = find_verdict(code)
    cause, detail = f"gateway.{code}", describe_code(code)
    if verdict is Verdict.REFUSED:
        raise GatewayRefused(cause, detail, answer=answer.raw.body)
    if verdict is Verdict.SIGN_IN_AGAIN:
        raise GatewayUnavailable(cause, detail)
    if verdict is Verdict.UNCLEAR:
        raise _doubt(answer, cause, detail)
    if not answer.is_success_status:
        raise _doubt(answer, CONTRADICTION, f"HTTP {answer.raw.status} with result code {code}")
    receipt = _find_receipt_in(answer)
    if receipt is None:
        raise _doubt(answer, NO_RECEIPT, "accepted, but without a transaction number")
    return receipt


def _error_by_status(answer: Answer) -> GatewayError:
    """Judge an answer that does not speak the protocol: a proxy's page, a framework's error."""
    status = answer.raw.status
    cause, detail = f"gateway.http-{status}", f"HTTP {status}"
    if status in _REFUSING_STATUSES:
        return GatewayRefused(cause, detail, answer=answer.raw.body)
    if status // 100 == 4 or status in _UNDONE_STATUSES:  # noqa: PLR2004 (the class of the status)
        return GatewayUnavailable(cause, detail)
    if answer.is_success_status:
        return _doubt(answer, GARBLED, f"HTTP {status} with a body that is not the protocol's")
    return _doubt(answer, cause, detail)


def unreadable(answer: Answer) -> GatewayUnavailable:
    """Return what a read comes to whose answer does not speak the protocol, as a proxy's page does not."""
    status = answer.raw.status
    if answer.is_success_status:
        return GatewayUnavailable(GARBLED, f"HTTP {status} with a body that is not the protocol's")
    return GatewayUnavailable(f"gateway.http-{status}", f"HTTP {status}")


def _doubt(answer: Answer, cause: str, detail: str) -> GatewayError:
    """Return doubt, or certainty where the gateway hung up before it had the whole request."""
    if not answer.raw.request_complete:
        return GatewayUnavailable(cause, detail)
    return OutcomeUnknown(cause, detail)


def _find_receipt_in(answer: Answer) -> Receipt | None:
    number = answer.fields.get("maGiaoDich")
    if isinstance(number, bool) or not isinstance(number, int | str):
        return None
    text = str(number).strip()
    if not 0 < len(text) <= _MAX_RECEIPT_LENGTH or not text.isprintable():
        return None
    received_at = read_reception_time(answer.fields.get("thoiGianTiepNhan"))
    return Receipt(ma_giao_dich=text, received_at=received_at, answer=answer.raw.body)


def _digest_in(answer: Answer) -> str:
    return str(answer.fields.get("sha256") or "").lower()


def _read_code(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    # Codes become part of a cause that operators group by, so only what looks like one counts.
    text = str(value).strip()
    return text if text.isascii() and text.isalnum() and len(text) <= len("99999999") else None


def _name_of(answer: Answer) -> str:
    return answer.code if answer.code is not None else f"http-{answer.raw.status}"


def _words_for(answer: Answer) -> str:
    return describe_code(answer.code) if answer.code is not None else f"HTTP {answer.raw.status}"

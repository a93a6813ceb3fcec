"""How remote signing services of the SmartCA kind are spoken to: JSON over HTTP, by digest, asking again.

The messages are those of VNPT SmartCA's integration guide (version 4, section 3) as far as it says them.
Which words a request goes by after it lapsed or was declined is known from programs that use the service,
not from the guide. Other Vietnamese services follow the same plan with other names.

::

    POST …/v1/credentials/get_certificate     the account's certificates
    POST …/v1/signatures/sign                 a request, with the digests in hexadecimal
    POST …/v1/signatures/sign/NUMBER/status   what became of it, with the values in base64
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final

from cryptography import x509

from signing.errors import (
    RemoteAccountRefused,
    RemoteAnswerUnusable,
    RemoteCertificateNotFound,
    RemoteSigningDeclined,
    RemoteSigningExpired,
    RemoteSigningFailed,
    RemoteUnavailable,
)
from signing.extensions import UNREADABLE
from signing.remote import Waiting

CERTIFICATES: Final = "/v1/credentials/get_certificate"
SIGN: Final = "/v1/signatures/sign"
STATUS: Final = "/v1/signatures/sign/{number}/status"

DONE: Final = "SUCCESS"
WAITING: Final = "sig_wait_for_user_confirm"
LAPSED: Final = "EXPIRED"
DECLINED: Final = "SIGNER_REJECTED"

_LAPSED: Final = frozenset({LAPSED, "4001"})
_DECLINED: Final = frozenset({DECLINED, "4002", "REJECTED", "USER_REJECTED"})
_FAILED: Final = frozenset({"AUTHORIZE_KEY_FAILED", "4003", "SIGN_FAILED", "4004"})

Message = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks the service, and for whom.

    Attributes:
        sp_id: The name that the service gave this installation.
        sp_password: The secret that goes with it.
        user_id: Whose key signs: an organisation's tax code or a person's identity number.
        serial_number: Which of that holder's certificates, in hexadecimal; empty while there is one.
    """

    sp_id: str
    sp_password: str = field(repr=False)
    user_id: str
    serial_number: str = ""

    def as_fields(self) -> dict[str, object]:
        """Return what every request that needs an account begins with."""
        return {"sp_id": self.sp_id, "sp_password": self.sp_password, "user_id": self.user_id}


def certificate_request(account: Account, number: str) -> dict[str, object]:
    """Ask for the account's certificates."""
    return {**account.as_fields(), "serial_number": account.serial_number, "transaction_id": number}


def signature_request(
    account: Account, number: str, serial_number: str, digests: Mapping[str, bytes], *, at: datetime
) -> dict[str, object]:
    """Ask for signatures over digests; the names are shown to the holder."""
    return {
        **account.as_fields(),
        "serial_number": serial_number,
        "transaction_id": number,
        "transaction_desc": f"GIAMDINHHS: {len(digests)}",
        "time_stamp": f"{at:%Y%m%d%H%M%SZ}",
        "sign_files": [
            {"doc_id": name, "data_to_be_signed": digest.hex(), "file_type": "xml", "sign_type": "hash"}
            for name, digest in digests.items()
        ],
    }


def read_answer(status: int, body: bytes) -> Message:
    """Return an answer that says that all is well.

    Raises:
        RemoteUnavailable: The service is out of order.
        RemoteAccountRefused: It does not know the account.
        RemoteCertificateNotFound: The certificate has ended, or is suspended or revoked.
        RemoteAnswerUnusable: It is no such answer.
        RemoteSigningDeclined: The holder said no.
        RemoteSigningExpired: The holder said nothing while the service waited.
        RemoteSigningFailed: It does not like the request, or could not sign.
    """
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RemoteUnavailable(f"the service answered with HTTP {status}")
        raise RemoteAnswerUnusable(f"the service answered with HTTP {status} and no JSON object")
    _heed(str(found.get("message") or ""))
    code = found.get("status_code", status)
    if status == HTTPStatus.OK == code:
        return found
    refusal = status if status != HTTPStatus.OK else code
    said = f"the service answered {refusal}: {found.get('message', '')}".rstrip(": ")
    match refusal:
        case HTTPStatus.UNAUTHORIZED:
            raise RemoteAccountRefused(said)
        case HTTPStatus.FORBIDDEN:
            raise RemoteCertificateNotFound(said)
        case int() if refusal >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise RemoteUnavailable(said)
        case _:
            raise RemoteSigningFailed(said)


def read_certificates(answer: Message) -> Sequence[x509.Certificate]:
    """Return the certificates in an answer to `certificate_request`.

    Raises:
        RemoteAnswerUnusable: One of them is none.
    """
    return [_certificate(entry) for entry in _entries(answer, "user_certificates")]


def choose_certificate(
    certificates: Sequence[x509.Certificate], serial_number: str, *, at: datetime
) -> x509.Certificate:
    """Return the certificate with that serial number; without one, the only one that is valid at that time.

    Raises:
        RemoteCertificateNotFound: There is none, or there are several.
    """
    if serial_number:
        wanted = serial_number.lower().lstrip("0")
        fitting = [one for one in certificates if f"{one.serial_number:x}" == wanted]
    else:
        fitting = [one for one in certificates if one.not_valid_before_utc <= at <= one.not_valid_after_utc]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(
        f"{one.serial_number:x} until {one.not_valid_after_utc:%Y-%m-%d}" for one in certificates
    )
    what = "several certificates of this account are valid, name one" if fitting else "no such certificate"
    raise RemoteCertificateNotFound(f"{what} (serial_number); the account has: {known or 'none'}")


def read_result(answer: Message) -> Mapping[str, bytes] | Waiting:
    """Return the values in an answer about a request, or that it waits.

    Raises:
        RemoteAnswerUnusable: One of the values is none.
    """
    values = [(entry.get("doc_id"), entry.get("signature_value")) for entry in _entries(answer, "signatures")]
    # A word that nobody has told us is taken for waiting: the wait ends anyway, and then says the word.
    if not values or not all(value for _, value in values):
        return Waiting(str(answer.get("message") or "nothing"))
    return {str(name): _base64(value) for name, value in values}


def _heed(said: str) -> None:
    word = said.strip().upper()
    if word in _DECLINED:
        raise RemoteSigningDeclined(f"the key's holder declined ({said})")
    if word in _LAPSED:
        raise RemoteSigningExpired(f"the key's holder did not confirm in time ({said})")
    if word in _FAILED:
        raise RemoteSigningFailed(f"the service could not sign ({said})")


def _entries(answer: Message, name: str) -> Sequence[Message]:
    data = answer.get("data")
    entries = (data.get(name) if isinstance(data, dict) else None) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RemoteAnswerUnusable(f"the service's {name} are not a list of objects")
    return entries


def _certificate(entry: Message) -> x509.Certificate:
    data = entry.get("cert_data")
    try:
        if isinstance(data, str) and "-----BEGIN" in data:
            return x509.load_pem_x509_certificate(data.encode())
        return x509.load_der_x509_certificate(_base64(data))
    except UNREADABLE as error:
        raise RemoteAnswerUnusable("the service returned a certificate that is none") from error


def _base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise RemoteAnswerUnusable("the service returned a value that is not text")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except binascii.Error as error:
        raise RemoteAnswerUnusable("the service returned a value that is not base64") from error

"""A remote signing service over HTTP: the account that uses it, and its requests."""

import ipaddress
import json
import tomllib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from claims.authorities import smartca
from claims.authorities.errors import AuthorityUnreachable, UnusableCredentials
from claims.authorities.posting import post
from claims.authorities.smartca import Account
from claims.outbound.errors import UnusableAddress
from signing.errors import RemoteUnavailable
from signing.remote import Patience, RemoteSigner, Waiting


@dataclass(frozen=True, slots=True)
class HttpSigningService:
    """A service at an address; a `signing.remote.SigningService`.

    Attributes:
        url: Its address, without the part that begins with the version (``/v1``).
        account: Who asks it.
        timeout_s: How long one answer may take.
        clock: The time that goes with a request.

    Raises:
        UnusableAddress: It is no address, or the account's secret would travel in the clear.
    """

    url: str
    account: Account
    timeout_s: float = 20.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UnusableAddress(
                self.url, "an http or https address is needed", "cần địa chỉ http hoặc https"
            )
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise UnusableAddress(
                self.url,
                "the account's secret goes along, so it must be https",
                "gửi kèm bí mật của tài khoản nên phải dùng https",
            )

    def certificate(self) -> x509.Certificate:
        """Return the certificate whose key signs for the account.

        Raises:
            RemoteCertificateNotFound: There is none, or several and the account names none.
            RemoteSigningFailed: The service did not say.
        """
        asked = smartca.certificate_request(self.account, _new_number())
        found = smartca.read_certificates(self._ask(smartca.CERTIFICATES, asked))
        return smartca.choose_certificate(found, self.account.serial_number, at=self.clock())

    def request(self, certificate: x509.Certificate, digests: Mapping[str, bytes]) -> str:
        """Ask for a signature over each digest; return the request's number."""
        number, serial = _new_number(), f"{certificate.serial_number:x}"
        asked = smartca.signature_request(self.account, number, serial, digests, at=self.clock())
        self._ask(smartca.SIGN, asked)
        return number

    def result(self, number: str) -> Mapping[str, bytes] | Waiting:
        """Return the values of a request, or what is being waited for."""
        # The number, which nobody can guess, is all that the service asks for here.
        return smartca.read_result(self._ask(smartca.STATUS.format(number=number), {}))

    def _ask(self, path: str, message: Mapping[str, object]) -> smartca.Message:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        content = json.dumps(message).encode()
        try:
            reply = post(self.url.rstrip("/") + path, content, headers=headers, timeout_s=self.timeout_s)
        except AuthorityUnreachable as error:
            raise RemoteUnavailable(str(error)) from error
        return smartca.read_answer(reply.status, reply.body)


def open_remote_signer(
    service: HttpSigningService, *, patience: Patience, notice: Callable[[Sequence[str]], None]
) -> RemoteSigner:
    """Look up the account's certificate and return a signer with its key.

    Raises:
        RemoteSigningFailed: The service does not answer, or not as it should.
        UnsupportedKey: The key is neither RSA nor on one of the NIST curves P-256 and P-384.
    """
    return RemoteSigner(service, service.certificate(), patience, notice)


def load_account(path: Path) -> Account:
    """Read an account from a TOML file: ``sp_id``, ``sp_password``, ``user_id``, perhaps ``serial_number``.

    Raises:
        OSError: It cannot be read.
        UnusableCredentials: It is not such a file.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableCredentials(path, f"not TOML: {error}") from error
    names = {field.name for field in fields(Account)}
    if unknown := sorted(found.keys() - names):
        raise UnusableCredentials(path, f"unknown: {', '.join(unknown)}")
    if missing := sorted(names - found.keys() - {"serial_number"}):
        raise UnusableCredentials(path, f"missing: {', '.join(missing)}")
    if wrong := sorted(name for name, value in found.items() if not isinstance(value, str)):
        raise UnusableCredentials(path, f"must be text in quotes: {', '.join(wrong)}")
    return Account(**found)


def _new_number() -> str:
    return str(uuid.uuid4())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

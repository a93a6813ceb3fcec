"""Who is revoked, asked of the authorities themselves: OCSP (RFC 6960), lists (RFC 5280), issuers (4.2.2.1).

Only certificates that lead to a trust anchor are asked about, at the addresses that they name; an issuer that
is missing on the way is fetched from the address that its certificate names. Believing is left to
``signing/revocation.py``: nothing is kept here that it would not believe.
"""

import hashlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from claims.authorities.errors import AuthorityUnreachable
from claims.outbound.errors import TargetUnreachable, UnusableAddress
from claims.outbound.guard import Guard
from signing.authorities import has_issued
from signing.certificates import CertificateFacts
from signing.extensions import UNREADABLE, find_extension
from signing.revocation import (
    Revocation,
    RevocationSource,
    RevocationSources,
    load_response,
    octets_of,
)
from signing.revocation_list import load_list
from signing.trust import TrustStore

_REQUEST: Final = "application/ocsp-request"
_RESPONSE: Final = "application/ocsp-response"
_MAX_RESPONSE: Final = 64 * 1024
# There are some of 35 MB.
_MAX_LIST: Final = 64 * 2**20
_MAX_ISSUER: Final = 64 * 1024
_MAX_ADDRESSES: Final = 3
_MAX_ISSUERS: Final = 3
_NONCE_BYTES: Final = 16
_SILENT_FOR_S: Final = 60.0
# A document may bring dozens of certificates that name slow addresses. The signer's comes first.
_ASKS_FOR_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Question:
    """A certificate, and who issued it."""

    certificate: x509.Certificate
    issuer: x509.Certificate

    def read(self, source: RevocationSource) -> Revocation | None:
        """Return what a source says of the certificate, if it is to be believed."""
        if isinstance(source, ocsp.OCSPResponse):
            return RevocationSources(responses=[source]).find(self.certificate, self.issuer)
        return RevocationSources([source]).find(self.certificate, self.issuer)


class OnlineTrust:
    """A trust store that asks what it does not know, and remembers the answers until they are old.

    Not for several threads at once.
    """

    def __init__(
        self,
        trust: TrustStore,
        guard: Guard,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask through this guard; keep answers in a folder too, if one is given."""
        self._trust = trust
        self._guard = guard
        self._folder = folder
        self._clock = clock
        self._silent: dict[str, float] = {}
        self._until = float("inf")

    def prepared_for(self, certificates: Iterable[CertificateFacts], *, at: datetime) -> TrustStore:
        """Return the store with what the authorities say of these certificates and of those above them.

        About whom no authority that a certificate names has an answer, the store knows that it was asked for
        in vain: that is another thing than a certificate that names none. After a minute nobody is asked any
        more.
        """
        sent = list(certificates)
        self._until = self._clock() + _ASKS_FOR_S
        for leaf in sent:
            if leaf.is_ca or leaf.info.not_after < at:
                continue
            for choose in (_for_signatures, TrustStore.for_timestamps):
                self._find_issuers(leaf, sent, choose, at)
                chain = choose(self._trust).collect_evidence(leaf, sent, at=at).certificates
                for certificate, issuer in pairwise(chain):
                    self._ask(_Question(certificate, issuer), at)
        return self._trust

    def _find_issuers(
        self,
        leaf: CertificateFacts,
        sent: Sequence[CertificateFacts],
        choose: Callable[[TrustStore], TrustStore],
        at: datetime,
    ) -> None:
        """Fetch the issuers that are missing between a certificate and an anchor, if that makes a path."""
        lowest, found = leaf.certificate, list[x509.Certificate]()
        for _ in range(_MAX_ISSUERS):
            known = self._trust.with_evidence(found, ()) if found else self._trust
            if not choose(known).anchors or choose(known).collect_evidence(leaf, sent, at=at).certificates:
                break
            issuers = [
                each
                for url in _access(lowest, AuthorityInformationAccessOID.CA_ISSUERS)
                for each in self._issuers_at(url)
                if has_issued(each, lowest)
            ]
            if not issuers:
                return
            found += issuers[:1]
            lowest = issuers[0]
        if (
            found
            and choose(self._trust.with_evidence(found, ())).collect_evidence(leaf, sent, at=at).certificates
        ):
            self._trust = self._trust.with_evidence(found, ())

    def _ask(self, question: _Question, at: datetime) -> None:
        known = self._trust.find_revocation(question.certificate, question.issuer)
        if known is not None and known.answers(at):
            return
        urls = [
            *(
                (self._respond, url)
                for url in _access(question.certificate, AuthorityInformationAccessOID.OCSP)
            ),
            *((self._list, url) for url in _distribution_points(question.certificate)),
        ]
        for fetch, url in urls:
            source = self._kept(fetch, url, question, at)
            if source is not None:
                self._trust = self._trust.with_evidence((), [source])
                return
        if urls:
            self._trust = self._trust.with_evidence((), (), unanswered=[question.certificate])

    def _kept(
        self,
        fetch: Callable[[str, _Question], RevocationSource | None],
        url: str,
        question: _Question,
        at: datetime,
    ) -> RevocationSource | None:
        """Return a fresh answer, from the folder or from the network."""
        about = (
            question.certificate.public_bytes(serialization.Encoding.DER) if fetch == self._respond else b""
        )
        name = hashlib.sha256(url.encode() + b"\0" + about).hexdigest()
        for source in self._sources(lambda: self._load(name), lambda: self._fetch(fetch, url, question)):
            found = question.read(source)
            if found is not None and found.answers(at):
                self._save(name, source)
                return source
        return None

    @staticmethod
    def _sources(*ways: Callable[[], RevocationSource | None]) -> Iterator[RevocationSource]:
        yield from (source for way in ways if (source := way()) is not None)

    def _fetch(
        self, fetch: Callable[[str, _Question], RevocationSource | None], url: str, question: _Question
    ) -> RevocationSource | None:
        if self._is_silent(url):
            return None
        try:
            return fetch(url, question)
        except (TargetUnreachable, UnusableAddress):
            self._silent[url] = self._clock() + _SILENT_FOR_S
            return None

    def _is_silent(self, url: str) -> bool:
        now = self._clock()
        return now >= self._until or now < self._silent.get(url, float("-inf"))

    def _respond(self, url: str, question: _Question) -> RevocationSource | None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        # SHA-1 names the issuer and vouches for nothing; RFC 5019, 2.1.1, lets responders know no other.
        sha1 = hashes.SHA1()  # noqa: S303
        request = (
            ocsp.OCSPRequestBuilder()
            .add_certificate(question.certificate, question.issuer, sha1)
            .add_extension(x509.OCSPNonce(nonce), critical=False)
            .build()
            .public_bytes(serialization.Encoding.DER)
        )
        headers = {"Content-Type": _REQUEST, "Accept": _RESPONSE}
        reply = self._guard.post(url, request, headers=headers, max_bytes=_MAX_RESPONSE)
        if reply.status != HTTPStatus.OK or reply.kind != _RESPONSE:
            raise AuthorityUnreachable(
                url, f"answered with HTTP {reply.status} and {reply.kind or 'no type'}"
            )
        try:
            response = load_response(reply.body)
            returned = find_extension(response.extensions, x509.OCSPNonce)
        except UNREADABLE as error:
            raise AuthorityUnreachable(url, "its answer is no OCSP response") from error
        # Responders that prepare their answers know no nonce (RFC 9654, 2.1); freshness binds those.
        return response if returned is None or returned.nonce == nonce else None

    def _list(self, url: str, _: _Question) -> RevocationSource | None:
        body = self._get(url, _MAX_LIST)
        try:
            return load_list(body)
        except ValueError as error:
            raise AuthorityUnreachable(url, "its answer is no revocation list") from error

    def _issuers_at(self, url: str) -> Sequence[x509.Certificate]:
        if self._is_silent(url):
            return ()
        try:
            return _read_certificates(self._get(url, _MAX_ISSUER))
        except (TargetUnreachable, UnusableAddress, *UNREADABLE):
            self._silent[url] = self._clock() + _SILENT_FOR_S
            return ()

    def _get(self, url: str, max_bytes: int) -> bytes:
        reply = self._guard.get(url, max_bytes=max_bytes)
        if reply.status != HTTPStatus.OK:
            raise AuthorityUnreachable(url, f"answered with HTTP {reply.status}")
        return reply.body

    def _load(self, name: str) -> RevocationSource | None:
        if self._folder is None:
            return None
        for suffix, load in ((".crl", load_list), (".ocsp", load_response)):
            try:
                return load((self._folder / (name + suffix)).read_bytes())
            except (OSError, ValueError):
                # What is not there, or not whole, is asked for again.
                continue
        return None

    def _save(self, name: str, source: RevocationSource) -> None:
        if self._folder is None:
            return
        suffix = ".ocsp" if isinstance(source, ocsp.OCSPResponse) else ".crl"
        data = octets_of(source)
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            file.write(data)
        Path(file.name).replace(self._folder / (name + suffix))


def _for_signatures(trust: TrustStore) -> TrustStore:
    return trust


def _access(certificate: x509.Certificate, method: x509.ObjectIdentifier) -> Sequence[str]:
    try:
        found = find_extension(certificate.extensions, x509.AuthorityInformationAccess) or ()
    except UNREADABLE:
        return ()
    return _urls(each.access_location for each in found if each.access_method == method)


def _distribution_points(certificate: x509.Certificate) -> Sequence[str]:
    try:
        found = find_extension(certificate.extensions, x509.CRLDistributionPoints) or ()
    except UNREADABLE:
        return ()
    # Lists of some reasons alone, or by another issuer, would not be believed (RFC 5280, 4.2.1.13).
    whole = [point for point in found if point.reasons is None and point.crl_issuer is None]
    return _urls(name for point in whole for name in point.full_name or ())


def _urls(names: Iterable[x509.GeneralName]) -> Sequence[str]:
    found = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    return [url for url in found if url.lower().startswith(("http://", "https://"))][:_MAX_ADDRESSES]


def _read_certificates(data: bytes) -> Sequence[x509.Certificate]:
    if b"-----BEGIN" in data[:64]:
        return x509.load_pem_x509_certificates(data)
    try:
        return [x509.load_der_x509_certificate(data)]
    except ValueError:
        return pkcs7.load_der_pkcs7_certificates(data)

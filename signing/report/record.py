"""The facts of one verification, written down so that it can be done again without the document.

The document itself is not kept, only the digests that were computed of it, and a *skeleton*: the signature in
its place, with the elements around it and nothing of what they hold.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import write_document
from signing.certificates import CertificateFacts
from signing.covered import CoveredOctets
from signing.facts import SignatureFacts
from signing.form import IDS_OF_ROOT, SignatureForm
from signing.report.telling import find_telling
from signing.revocation import load_response
from signing.revocation_list import load_list
from signing.timestamps.check import read_certificates
from signing.trust import TrustStore
from signing.verdict import Reason

_DER: Final = serialization.Encoding.DER
_XML: Final = "{http://www.w3.org/XML/1998/namespace}"


@dataclass(frozen=True, slots=True)
class TrustMaterial:
    """What was trusted and known, in DER; of lists and responses those that could matter.

    Attributes:
        anchors: The trusted certificates.
        tsa_anchors: Those trusted for time-stamping.
        intermediates: Others.
        crls: Lists of who is revoked.
        responses: OCSP responses.
        unanswered: Certificates about which the authorities were asked in vain.
    """

    anchors: tuple[bytes, ...]
    tsa_anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    responses: tuple[bytes, ...]
    unanswered: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, trust: TrustStore, about: Iterable[CertificateFacts]) -> Self:
        """Take from a store what may say something of these certificates, or of those above them.

        Of many lists or responses that say the same the newest is taken.
        """
        sent = [facts.certificate for facts in about]
        relevant = _with_issuers(sent, (*trust.intermediates, *trust.anchors, *trust.tsa_anchors))
        lists, responses = find_telling(trust, relevant)
        return cls(
            anchors=_der(trust.anchors),
            tsa_anchors=_der(trust.tsa_anchors),
            intermediates=_der(each for each in trust.intermediates if each in relevant),
            crls=tuple(dict.fromkeys(each.der for each in lists)),
            responses=_der(responses),
            unanswered=_der(each for each in trust.unanswered if each in relevant),
        )

    @classmethod
    def whole(cls, trust: TrustStore) -> Self:
        """Take everything from a store."""
        return cls(
            anchors=_der(trust.anchors),
            tsa_anchors=_der(trust.tsa_anchors),
            intermediates=_der(trust.intermediates),
            crls=tuple(dict.fromkeys(each.der for each in trust.crls)),
            responses=_der(trust.responses),
            unanswered=_der(trust.unanswered),
        )

    def as_store(self) -> TrustStore:
        """Return a store of this material.

        Raises:
            ValueError: Something in it is not what it should be.
        """
        load = x509.load_der_x509_certificate
        return TrustStore(
            anchors=map(load, self.anchors),
            tsa_anchors=map(load, self.tsa_anchors),
            intermediates=map(load, self.intermediates),
            crls=map(load_list, self.crls),
            responses=map(load_response, self.responses),
            unanswered=map(load, self.unanswered),
        )


@dataclass(frozen=True, slots=True)
class RecordedDigests:
    """Digests that were computed before, in the place of the document; a `signing.facts.Digests`.

    Attributes:
        references: For each reference, in order, the digest of what it covers.
        timestamps: For each timestamp, in order, the digest of what it is on, by the name of the algorithm.
    """

    references: tuple[bytes, ...]
    timestamps: tuple[Mapping[str, bytes], ...]

    @classmethod
    def of(cls, facts: SignatureFacts, covered: CoveredOctets) -> Self:
        """Compute the digests that a verification compares."""
        return cls(
            tuple(
                hashlib.new(reference.digest_name, octets).digest()
                for reference, octets in zip(facts.form.references, covered.references, strict=True)
            ),
            tuple(
                {name: covered.timestamp_digest(number, name)}
                for number, each in enumerate(facts.unsigned.timestamps)
                for name in (each.token.info.digest_name,)
            ),
        )

    def fit(self, form: SignatureForm) -> bool:
        """Whether the digests of all references are those that were signed."""
        return self.references == tuple(reference.digest_value for reference in form.references)

    def timestamp_digest(self, number: int, digest_name: str) -> bytes:
        """Return the digest of what the timestamp with this number is on; nothing, if it is not there."""
        return self.timestamps[number].get(digest_name, b"") if number < len(self.timestamps) else b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that a verdict was reached from.

    Attributes:
        sha256: The SHA-256 of the document's bytes, in hexadecimal.
        size: How many they were.
        at: As of when it was verified.
        policy: The content of the policy's file.
        trust: What was trusted and known.
        facility: The facility whose document it is; None: not asked.
        stated_facility: The facility that the document names; None: it names none, or several.
        names_one_facility: Whether it names one alone; None: not asked, or it names none.
        is_registered: Whether the certificate was registered for it; None: not asked, or not known.
        refused: Why there is nothing to judge; None: there is.
        skeleton: The signature in its place; None: there is not one signature in one place.
        digests: What was computed of the document; None: nothing was to be judged.
        software: What made this record.
    """

    sha256: str
    size: int
    at: datetime
    policy: bytes
    trust: TrustMaterial
    facility: str | None
    stated_facility: str | None
    names_one_facility: bool | None
    is_registered: bool | None
    refused: Reason | None
    skeleton: bytes | None
    digests: RecordedDigests | None
    software: str


def make_skeleton(signature: Element, covered: Element | None) -> bytes:
    """Return a document with the signature in its place, in which its parts have the same canonical forms.

    ``covered`` is an element that the signature covers in the document's stead; it stays, empty, with its Id.
    """
    *inner_ancestors, top = signature.iterancestors()
    root = place = _shell(top)
    for name in IDS_OF_ROOT:
        if (value := top.get(name)) is not None:
            root.set(name, value)
    for ancestor in reversed(inner_ancestors):
        inner = _shell(ancestor)
        place.append(inner)
        place = inner
    copy = deepcopy(signature)
    copy.tail = None
    place.append(copy)
    if covered is not None:
        shell = _shell(covered)
        shell.set("Id", covered.get("Id", ""))
        root.append(shell)
    return write_document(root)


def certificates_of(facts: SignatureFacts) -> Iterator[CertificateFacts]:
    """Return all certificates that came with a signature."""
    yield from facts.certificates
    yield from facts.unsigned.certificates
    for timestamp in facts.unsigned.timestamps:
        yield from read_certificates(timestamp.token.certificates)


def _shell(element: Element) -> Element:
    # Canonical XML lets parts inherit namespaces and xml: attributes (Canonical XML 1.0, 2.4), nothing else.
    attributes = {str(name): value for name, value in element.items() if str(name).startswith(_XML)}
    return etree.Element(element.tag, attributes, dict(element.nsmap))


def _with_issuers(
    certificates: Iterable[x509.Certificate], known: Iterable[x509.Certificate]
) -> set[x509.Certificate]:
    by_subject: dict[bytes, list[x509.Certificate]] = {}
    found = set(certificates)
    for certificate in (*known, *found):
        by_subject.setdefault(certificate.subject.public_bytes(), []).append(certificate)
    waiting = list(found)
    while waiting:
        # Each name once: many certificates of one name would be looked through for each of them.
        above = by_subject.pop(waiting.pop().issuer.public_bytes(), ())
        new = [certificate for certificate in above if certificate not in found]
        found.update(new)
        waiting += new
    return found


def _der(
    values: Iterable[x509.Certificate | ocsp.OCSPResponse],
) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(value.public_bytes(_DER) for value in values))

"""Time-stamps that would make a signature look older than the end of its certificate."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE, canonicalize
from signing.demo_pki import DemoPki
from signing.demo_tsa import DemoTsa
from signing.der import object_identifier
from signing.timestamps.ask import ask_timestamp
from signing.trust import TrustStore
from signing.verdict import Reason
from signing.xades import names
from signing.xades.make import timestamp_element
from tests.unit.signing.attacks.table import Attack, Family, Make, Workshop
from tests.unit.signing.documents import DAY, DS, NOW, certificate_for, edit

#: AlgorithmIdentifiers of the same length, so that nothing else of a token changes.
SHA256_IDENTIFIER = object_identifier("2.16.840.1.101.3.4.2.1")
SHA224_IDENTIFIER = object_identifier("2.16.840.1.101.3.4.2.4")
EXPIRED = Reason.CERTIFICATE_EXPIRED
#: When the signer's certificate has ended, so that only a timestamp could help.
LATER = NOW + 40 * DAY
Change = Callable[[bytes], bytes]
#: Makes more tokens for the same timestamp, given what it is on.
More = Callable[[Workshop, bytes], Iterable[bytes]]


@cache
def authority(pki: DemoPki) -> DemoTsa:
    key = ec.generate_private_key(ec.SECP256R1())
    return DemoTsa.create(pki, clock=lambda: NOW, valid_from=NOW - DAY, valid_to=NOW + 365 * DAY, key=key)


def trusting(workshop: Workshop) -> TrustStore:
    pki = workshop.pki
    return TrustStore(anchors=[pki.root], intermediates=[pki.issuing], tsa_anchors=[pki.root])


def revoking(workshop: Workshop) -> TrustStore:
    pki = workshop.pki
    revoked = pki.revocation_list([authority(pki).certificate], at=NOW - DAY)
    return TrustStore(anchors=[pki.root], intermediates=[pki.issuing], tsa_anchors=[pki.root], crls=[revoked])


def by(tsa: Callable[[Workshop], DemoTsa], *, on: bytes | None = None, times: int = 1) -> More:
    return lambda workshop, octets: [ask_timestamp(tsa(workshop).answer, on or octets)] * times


def usual(workshop: Workshop) -> DemoTsa:
    return authority(workshop.pki)


def stamped(
    tsa: Callable[[Workshop], DemoTsa] = usual,
    *,
    on: bytes | None = None,
    change: Change = bytes,
    more: More = lambda *_: (),
    prefixes: str = "",
) -> Make:
    """Add a timestamp on the signature value, or on something else, as the standard has it."""

    def make(workshop: Workshop) -> bytes:
        def add(root: Element) -> None:
            octets = canonicalize(next(root.iter(f"{DS}SignatureValue")), C14N_1_0) if on is None else on
            element = timestamp_element(change(ask_timestamp(tsa(workshop).answer, octets)), is_archive=False)
            if prefixes:
                element[0].set("Algorithm", C14N_EXCLUSIVE)
                element[0].append(
                    etree.Element(f"{{{C14N_EXCLUSIVE}}}InclusiveNamespaces", PrefixList=prefixes)
                )
            for token in more(workshop, octets):
                etree.SubElement(element, names.ENCAPSULATED_TIMESTAMP).text = base64.b64encode(
                    token
                ).decode()
            unsigned = etree.SubElement(
                next(root.iter(names.QUALIFYING_PROPERTIES)), names.UNSIGNED_PROPERTIES
            )
            etree.SubElement(unsigned, names.UNSIGNED_SIGNATURE_PROPERTIES).append(element)

        return edit(workshop.xades, add)

    return make


def of_a_stranger(_: Workshop) -> DemoTsa:
    return authority(DemoPki.create(at=NOW - DAY))


def with_the_certificate(*extensions: tuple[x509.ExtensionType, bool]) -> Callable[[Workshop], DemoTsa]:
    def make(workshop: Workshop) -> DemoTsa:
        usual = authority(workshop.pki)
        certificate = certificate_for(
            usual.key.public_key(),
            issued_by=workshop.pki,
            extensions=extensions,
            validity=(NOW - DAY, NOW + 365 * DAY),
        )
        return replace(usual, certificate=certificate)

    return make


def at_another_time(days: int) -> Callable[[Workshop], DemoTsa]:
    return lambda workshop: replace(authority(workshop.pki), clock=lambda: NOW + days * DAY)


def changed(token: bytes) -> bytes:
    """Change the last octet, which is the signature's."""
    return token[:-1] + bytes([token[-1] ^ 1])


STAMPING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
TWO_PURPOSES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CLIENT_AUTH])


def attacks() -> Iterator[Attack]:
    yield Attack("none", lambda workshop: workshop.xades, EXPIRED, trusting, LATER)
    other = hashlib.sha256(b"another signature").digest()
    for name, make, reason in (
        ("one on another signature", stamped(on=other), Reason.TIMESTAMP_IMPRINT),
        ("one by an authority that is not trusted", stamped(of_a_stranger), Reason.TIMESTAMP_UNTRUSTED),
        ("one by a certificate of no purpose", stamped(with_the_certificate()), Reason.TIMESTAMP_USAGE),
        (
            "one by a certificate of two purposes",
            stamped(with_the_certificate((TWO_PURPOSES, True))),
            Reason.TIMESTAMP_USAGE,
        ),
        (
            "one by a certificate whose purpose is not critical",
            stamped(with_the_certificate((STAMPING, False))),
            Reason.TIMESTAMP_USAGE,
        ),
        ("one of which a bit was changed", stamped(change=changed), Reason.TIMESTAMP_VALUE_WRONG),
    ):
        yield Attack(name, make, (reason, EXPIRED), trusting, LATER)
    for name, make, reason in (
        (
            "a right one and one by an authority that is not trusted",
            stamped(more=by(of_a_stranger)),
            Reason.TIMESTAMP_UNTRUSTED,
        ),
        (
            "a right one and one on something else",
            stamped(more=by(usual, on=other)),
            Reason.TIMESTAMP_IMPRINT,
        ),
    ):
        yield Attack(name, make, reason, trusting, LATER)
    yield Attack(
        "one from before its authority's certificate and the claimed time",
        stamped(at_another_time(-2)),
        (Reason.TIMESTAMP_EXPIRED, Reason.TIMESTAMP_ORDER, EXPIRED),
        trusting,
        LATER,
    )
    yield Attack(
        "one from the end of all times",
        stamped(
            lambda workshop: replace(authority(workshop.pki), clock=lambda: datetime.max.replace(tzinfo=UTC))
        ),
        (Reason.TIMESTAMP_EXPIRED, Reason.TIMESTAMP_ORDER, EXPIRED),
        trusting,
        LATER,
    )
    yield Attack(
        "one by an authority that is trusted for signatures alone",
        stamped(),
        (Reason.TIMESTAMP_UNTRUSTED, EXPIRED),
        lambda workshop: workshop.pki.trust_store(),
        LATER,
    )
    yield Attack(
        "one by an authority that was revoked",
        stamped(),
        (Reason.TIMESTAMP_REVOKED, EXPIRED),
        revoking,
        LATER,
    )
    for name, make in {
        "octets after a token": stamped(change=lambda token: token + b"\0"),
        "half a token": stamped(change=lambda token: token[: len(token) // 2]),
        "something that is no token": stamped(change=lambda _: b"\0"),
        "a right token and something that is none": stamped(more=lambda *_: [b"\0"]),
        "more tokens in one than a signature may have timestamps": stamped(more=by(usual, times=16)),
        "a canonicalisation with a list of prefixes": stamped(prefixes="xsi"),
    }.items():
        yield Attack(name, make, Reason.TIMESTAMP_MALFORMED, trusting, LATER)
    weak = stamped(change=lambda token: token.replace(SHA256_IDENTIFIER, SHA224_IDENTIFIER))
    yield Attack("a token with another hash algorithm", weak, Reason.TIMESTAMP_ALGORITHM, trusting, LATER)


FAMILY = Family("Timestamps after the certificate has ended", tuple(attacks()))

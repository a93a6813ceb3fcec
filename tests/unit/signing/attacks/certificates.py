"""Certificates: who issued them, for what, for how long, and whether they still hold."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache, partial

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from signing.demo_pki import DemoPki, FacilityKey
from signing.keys import LocalSigner
from signing.policy import ECDSA_SHA256
from signing.sign import sign_bundle
from signing.trust import TrustStore
from signing.verdict import Reason
from tests.unit.signing.attacks.table import Attack, Family, Make, Workshop
from tests.unit.signing.documents import (
    BUNDLE,
    DAY,
    NOW,
    Recipe,
    certificate_for,
    ecdsa_signing,
    sign_like,
)

UNTRUSTED, PATH, USAGE, IS_CA = (
    Reason.CERTIFICATE_UNTRUSTED,
    Reason.CERTIFICATE_PATH,
    Reason.CERTIFICATE_USAGE,
    Reason.CERTIFICATE_IS_CA,
)
UNKNOWN, REVOKED = Reason.CERTIFICATE_REVOCATION_UNKNOWN, Reason.CERTIFICATE_REVOKED
Extensions = Sequence[tuple[x509.ExtensionType, bool]]
Validity = tuple[datetime, datetime]
Trust = Callable[[Workshop], TrustStore]
CrlMaker = Callable[[DemoPki, FacilityKey], x509.CertificateRevocationList]

USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
CA = x509.BasicConstraints(ca=True, path_length=None)
OTHERS = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Other")]))
ODD = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0")
#: Keys of nobody in particular: whose they are is what the attacks vary.
KEY = ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Return one of this length; to make it takes a while."""
    return rsa.generate_private_key(65537, bits)


def key_usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in allowed for name in USAGES})


def sent(leaf: x509.Certificate, *others: x509.Certificate) -> bytes:
    """Sign with the key of nobody in particular, and send these certificates along."""
    key = FacilityKey(b"", "", leaf, LocalSigner(leaf, KEY))
    like = Recipe(
        algorithm=ECDSA_SHA256,
        certificates=(leaf, *others),
        sign=ecdsa_signing(key, hashes.SHA256(), octets=32),
    )
    return sign_like(like, key)


def leaf_with(extensions: Extensions = (), *, validity: Validity = (NOW - DAY, NOW + DAY)) -> Make:
    """The trusted authority issued this certificate."""
    return lambda workshop: sent(
        certificate_for(KEY.public_key(), issued_by=workshop.pki, extensions=extensions, validity=validity)
    )


def below(
    middle: Callable[[Workshop], tuple[x509.Certificate, rsa.RSAPrivateKey]], extensions: Extensions = ()
) -> Make:
    """Somebody between the authority and the signer, who came along with the signature."""

    def make(workshop: Workshop) -> bytes:
        issuer, key = middle(workshop)
        leaf = certificate_for(
            KEY.public_key(), issued_by=workshop.pki, extensions=extensions, issuer=(issuer.subject, key)
        )
        return sent(leaf, issuer)

    return make


def middle(
    workshop: Workshop,
    *,
    extensions: Extensions,
    by_root: bool = True,
    bits: int = 2048,
    validity: Validity = (NOW - DAY, NOW + DAY),
) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    pki, key = workshop.pki, rsa_key(bits)
    issuer = (pki.root.subject, pki.root_key) if by_root else (pki.issuing.subject, pki.issuing_key)
    certificate = certificate_for(
        key.public_key(),
        issued_by=pki,
        extensions=extensions,
        issuer=issuer,
        subject="middle",
        validity=validity,
    )
    return certificate, key


def by_a_facility(workshop: Workshop) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    key = workshop.facility.signer.private_key
    assert isinstance(key, rsa.RSAPrivateKey)
    return workshop.facility.certificate, key


def self_signed(name: x509.Name) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(KEY, hashes.SHA256())
    )


def by_an_impostor(workshop: Workshop) -> bytes:
    """Authorities of the same names and other keys, all sent along."""
    impostor = DemoPki.create(at=NOW - 100 * DAY)
    return sent(certificate_for(KEY.public_key(), issued_by=impostor), impostor.issuing, impostor.root)


def by_the_authority_itself(workshop: Workshop) -> bytes:
    return sign_bundle(BUNDLE, LocalSigner(workshop.pki.issuing, workshop.pki.issuing_key))


def short_leaf(workshop: Workshop) -> bytes:
    key = rsa_key(1024)
    leaf = certificate_for(key.public_key(), issued_by=workshop.pki)
    return sign_bundle(BUNDLE, LocalSigner(leaf, key))


def with_public_key(
    public_key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey,
) -> Make:
    """A certificate for a key of another kind; its value cannot be right."""
    return lambda workshop: sign_like(
        Recipe(certificates=(certificate_for(public_key, issued_by=workshop.pki),)), workshop.facility
    )


# Whom the verifier knows to be revoked.


def lists(make: CrlMaker) -> Trust:
    return lambda workshop: workshop.pki.trust_store(crls=[make(workshop.pki, workshop.facility)])


def crl_of(
    pki: DemoPki,
    _: FacilityKey,
    *,
    extension: tuple[x509.ExtensionType, bool] | None = None,
    starts: datetime = NOW - DAY,
) -> x509.CertificateRevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.issuing.subject)
        .last_update(starts)
        .next_update(starts + 2 * DAY)
    )
    if extension is not None:
        builder = builder.add_extension(*extension)
    return builder.sign(pki.issuing_key, hashes.SHA256())


def by_another_authority(_: DemoPki, __: FacilityKey) -> x509.CertificateRevocationList:
    return DemoPki.create(at=NOW - DAY).revocation_list([], at=NOW - DAY)


def out_of_date(pki: DemoPki, _: FacilityKey) -> x509.CertificateRevocationList:
    return pki.revocation_list([], at=NOW - 8 * DAY)


def issuer_revoked(pki: DemoPki, _: FacilityKey) -> x509.CertificateRevocationList:
    entry = (
        x509.RevokedCertificateBuilder().serial_number(pki.issuing.serial_number).revocation_date(NOW - DAY)
    )
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.root.subject)
        .last_update(NOW - DAY)
        .next_update(NOW + DAY)
        .add_revoked_certificate(entry.build())
        .sign(pki.root_key, hashes.SHA256())
    )


def signed(workshop: Workshop) -> bytes:
    return workshop.signed


def for_timestamps(workshop: Workshop) -> TrustStore:
    """The authority is trusted for timestamps, and another one for signatures."""
    return TrustStore(
        anchors=[DemoPki.create(at=NOW - DAY).root],
        intermediates=[workshop.pki.issuing],
        tsa_anchors=[workshop.pki.root],
    )


def partial_list(kind: str) -> x509.IssuingDistributionPoint:
    """Say of a list that it is about some certificates or reasons alone."""
    return x509.IssuingDistributionPoint(
        full_name=[x509.UniformResourceIdentifier("http://crl.example/2")]
        if kind == "of another part"
        else None,
        relative_name=None,
        only_contains_user_certs=False,
        only_contains_ca_certs=kind == "of authorities",
        only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}) if kind == "of some reasons" else None,
        indirect_crl=kind == "of several authorities",
        only_contains_attribute_certs=kind == "of attribute certificates",
    )


def attacks() -> Iterator[Attack]:
    yield from issued()
    yield from purposes()
    yield from times()
    yield from revocations()


def issued() -> Iterator[Attack]:
    yield Attack(
        "issued by nobody: signed by itself",
        lambda _: sent(self_signed(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "me")]))),
        UNTRUSTED,
    )
    yield Attack(
        "signed by itself under the authority's name",
        lambda workshop: sent(self_signed(workshop.pki.root.subject)),
        UNTRUSTED,
    )
    yield Attack("issued by an authority of the same name and another key", by_an_impostor, UNTRUSTED)
    yield Attack(
        "issued by an authority that is not trusted",
        signed,
        UNTRUSTED,
        lambda _: DemoPki.create(at=NOW).trust_store(),
    )
    yield Attack("no authority is trusted", signed, UNTRUSTED, lambda _: TrustStore(anchors=[]))
    yield Attack(
        "issued by an authority that is trusted for timestamps alone", signed, UNTRUSTED, for_timestamps
    )
    yield Attack("issued by another facility", below(by_a_facility), PATH)
    for name, extensions, by_root in (
        ("one that the authority's path length forbids", [(CA, True)], False),
        ("one without basic constraints", [], True),
        ("one that is no authority", [(x509.BasicConstraints(ca=False, path_length=None), True)], True),
        ("one that may not sign certificates", [(CA, True), (key_usage("digital_signature"), True)], True),
        ("one with an unknown critical extension", [(CA, True), (ODD, True)], True),
    ):  # fmt: skip
        yield Attack(
            f"issued by {name}", below(partial(middle, extensions=extensions, by_root=by_root)), PATH
        )
    yield Attack(
        "issued by one whose key is short",
        below(partial(middle, extensions=[(CA, True)], bits=1024)),
        PATH,
    )
    for is_critical in (True, False):
        kind = "critical" if is_critical else "non-critical"
        server = [(CA, True), (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), is_critical)]
        yield Attack(
            f"issued by one for servers alone ({kind})", below(partial(middle, extensions=server)), USAGE
        )
        names = [(CA, True), (x509.NameConstraints([OTHERS], None), is_critical)]
        yield Attack(
            f"issued by one for another organisation alone ({kind})",
            below(partial(middle, extensions=names)),
            PATH,
        )
    mail = [(CA, True), (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)]
    yield Attack(
        "for one purpose, issued by one for another",
        below(
            partial(middle, extensions=mail),
            [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)],
        ),
        USAGE,
    )
    ended = partial(middle, extensions=[(CA, True)], validity=(NOW - 2 * DAY, NOW - DAY))
    yield Attack("issued by one that has ended", below(ended), UNTRUSTED)


def purposes() -> Iterator[Attack]:
    yield Attack("an authority's own", by_the_authority_itself, (IS_CA, USAGE))
    yield Attack("one that says it is an authority", leaf_with([(CA, True)]), IS_CA)
    for usage in USAGES[2:7]:
        yield Attack(f"the usage {usage} alone", leaf_with([(key_usage(usage), True)]), USAGE)
    for name in (
        "SERVER_AUTH",
        "CODE_SIGNING",
        "TIME_STAMPING",
        "OCSP_SIGNING",
        "SMARTCARD_LOGON",
        "KERBEROS_PKINIT_KDC",
    ):
        oid: ObjectIdentifier = getattr(ExtendedKeyUsageOID, name)
        for is_critical in (True, False):
            shown = f"the {'critical ' if is_critical else ''}purpose {name.lower()} alone"
            yield Attack(shown, leaf_with([(x509.ExtendedKeyUsage([oid]), is_critical)]), USAGE)
    yield Attack("an unknown critical extension", leaf_with([(ODD, True)]), PATH)
    yield Attack("an RSA key of 1024 bits", short_leaf, Reason.CERTIFICATE_RSA_TOO_SHORT)
    value, forbidden = Reason.SIGNATURE_VALUE_WRONG, Reason.CERTIFICATE_KEY_FORBIDDEN
    mismatch = Reason.SIGNATURE_KEY_MISMATCH
    yield Attack(
        "an RSA key of 512 bits",
        with_public_key(rsa.RSAPublicNumbers(65537, 2**511 + 111).public_key()),
        (value, forbidden),
    )
    yield Attack(
        "an RSA key whose exponent was made to fit another's value",
        with_public_key(rsa.RSAPublicNumbers(2**300 + 1, 2**2047 + 111).public_key()),
        (mismatch, forbidden),
    )
    yield Attack(
        "an Ed25519 key",
        with_public_key(ed25519.Ed25519PrivateKey.generate().public_key()),
        (mismatch, forbidden),
    )
    for curve in (ec.SECP256K1(), ec.SECP521R1(), ec.SECP224R1(), ec.BrainpoolP256R1()):
        key = ec.generate_private_key(curve).public_key()
        yield Attack(f"a key on the curve {curve.name}", with_public_key(key), (mismatch, forbidden))


def times() -> Iterator[Attack]:
    second = timedelta(seconds=1)
    yield Attack(
        "not yet valid", leaf_with(validity=(NOW + second, NOW + DAY)), Reason.CERTIFICATE_NOT_YET_VALID
    )
    yield Attack("expired", leaf_with(validity=(NOW - DAY, NOW - second)), Reason.CERTIFICATE_EXPIRED)


def revocations() -> Iterator[Attack]:
    yield Attack(
        "revoked",
        signed,
        REVOKED,
        lists(lambda pki, key: pki.revocation_list([key.certificate], at=NOW - DAY)),
    )
    yield Attack("its issuer revoked", signed, Reason.CERTIFICATE_ISSUER_REVOKED, lists(issuer_revoked))
    yield Attack("revoked, beside an older list", signed, REVOKED, lambda workshop: workshop.pki.trust_store(
        crls=[
            workshop.pki.revocation_list([], at=NOW - 2 * DAY),
            workshop.pki.revocation_list([workshop.facility.certificate], at=NOW - DAY),
        ]
    ))  # fmt: skip
    makes: dict[str, CrlMaker] = {
        "a list that is out of date": out_of_date,
        "a list by another authority of the name": by_another_authority,
        "a list with an unknown critical extension": partial(crl_of, extension=(ODD, True)),
        "a list made after the certificate ended": partial(crl_of, starts=NOW + 31 * DAY),
    }
    for is_critical in (True, False):
        kind = "critical" if is_critical else "non-critical"
        makes[f"a list of changes alone ({kind})"] = partial(
            crl_of, extension=(x509.DeltaCRLIndicator(1), is_critical)
        )
        for part in (
            "of another part", "of authorities", "of some reasons", "of several authorities",
            "of attribute certificates",
        ):  # fmt: skip
            makes[f"a list {part} ({kind})"] = partial(crl_of, extension=(partial_list(part), is_critical))
    for name, make in makes.items():
        yield Attack(f"{name} as the only answer", signed, UNKNOWN, lists(make))


FAMILY = Family("Certificates", tuple(attacks()))

"""Certificate paths beside another validator: pyhanko-certvalidator, on some hundreds of generated chains."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError

from signing.certificates import check_leaf, read_der_certificate
from signing.policy import DEFAULT_POLICY
from signing.trust import TrustStore

NOW = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
DER = serialization.Encoding.DER
PURPOSES = {"client_auth", "email_protection"}
KEYS = {
    name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "issuing", "lower", "leaf", "other")
}


@dataclass(frozen=True)
class Certificate:
    """What a certificate of a chain says."""

    name: str
    key: str
    signed_by: str
    since: datetime = NOW - 100 * DAY
    until: datetime = NOW + 100 * DAY
    is_ca: bool | None = True
    path_length: int | None = None
    signs_certificates: bool = True
    signs_documents: bool = False
    purposes: tuple[ObjectIdentifier, ...] = ()
    permitted: str | None = None
    has_unknown: bool = False


@dataclass(frozen=True)
class Chain:
    """A root that is trusted, authorities below it, a leaf, and lists."""

    root: Certificate = Certificate("Root", "root", "root")
    issuing: Certificate = Certificate("Issuing", "issuing", "root", path_length=0)
    lower: Certificate | None = None
    leaf: Certificate = Certificate(
        "Leaf",
        "leaf",
        "issuing",
        is_ca=False,
        signs_certificates=False,
        signs_documents=True,
        purposes=(ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION),
    )
    lists: tuple[tuple[str, bool, timedelta], ...] = field(default=())  # signed by, with the leaf, age


Change = Callable[[Chain], Chain]


def leaf(**changes: object) -> Change:
    return lambda chain: replace(chain, leaf=replace(chain.leaf, **changes))  # type: ignore[arg-type]


def issuing(**changes: object) -> Change:
    return lambda chain: replace(chain, issuing=replace(chain.issuing, **changes))  # type: ignore[arg-type]


def with_list(signed_by: str, *, is_revoked: bool, age: timedelta = DAY) -> Change:
    return lambda chain: replace(chain, lists=(*chain.lists, (signed_by, is_revoked, age)))


def lower_authority(chain: Chain) -> Chain:
    between = Certificate("Lower", "lower", "issuing")
    return replace(chain, lower=between, leaf=replace(chain.leaf, signed_by="lower"))


CHANGES: dict[str, Change] = {
    "leaf ended": leaf(since=NOW - 9 * DAY, until=NOW - DAY),
    "leaf not begun": leaf(since=NOW + DAY, until=NOW + 9 * DAY),
    "authority ended": issuing(since=NOW - 9 * DAY, until=NOW - DAY),
    "authority not begun": issuing(since=NOW + DAY, until=NOW + 9 * DAY),
    "authority is none": issuing(is_ca=False),
    "authority does not say": issuing(is_ca=None),
    "authority may not sign certificates": issuing(signs_certificates=False),
    "authority signed by another": issuing(signed_by="other"),
    "authority for other names": issuing(permitted="Others"),
    "authority for its names": issuing(permitted="Hospitals"),
    "too many below": lower_authority,
    "one below": lambda chain: issuing(path_length=1)(lower_authority(chain)),
    "leaf signed by another": leaf(signed_by="other"),
    "leaf is an authority": leaf(is_ca=True, signs_certificates=True),
    "leaf signs nothing": leaf(signs_documents=False),
    "leaf for servers": leaf(purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)),
    "leaf with something unknown": leaf(has_unknown=True),
    "list without it": with_list("issuing", is_revoked=False),
    "list with it": with_list("issuing", is_revoked=True),
    "list by another": with_list("other", is_revoked=True),
    "old list": with_list("issuing", is_revoked=False, age=60 * DAY),
}


def chains() -> Iterator[tuple[str, ...]]:
    yield ()
    for count in (1, 2):
        yield from combinations(CHANGES, count)
    yield from list(combinations(CHANGES, 3))[::8]


def make(one: Certificate) -> x509.Certificate:
    issuer = {"root": "Root", "issuing": "Issuing", "lower": "Lower"}.get(one.signed_by)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(one.name))
        .issuer_name(name(issuer or ("Issuing" if one.name == "Leaf" else "Root")))
        .public_key(KEYS[one.key].public_key())
        .serial_number(1 + sorted(KEYS).index(one.key))
        .not_valid_before(one.since)
        .not_valid_after(one.until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(KEYS[one.key].public_key()), critical=False)
        .add_extension(usage(one), critical=True)
    )
    if one.name != "Root":
        signer = KEYS[one.signed_by if issuer else ("issuing" if one.name == "Leaf" else "root")].public_key()
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer)
        builder = builder.add_extension(identifier, critical=False)
    if one.is_ca is not None:
        length = one.path_length if one.is_ca else None
        builder = builder.add_extension(x509.BasicConstraints(one.is_ca, length), critical=True)
    if one.name == "Leaf":
        # The other validator looks at lists only where a certificate says that there are any.
        where = x509.UniformResourceIdentifier("http://nowhere.invalid/list.crl")
        points = [x509.DistributionPoint([where], None, None, None)]
        builder = builder.add_extension(x509.CRLDistributionPoints(points), critical=False)
    if one.purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(one.purposes), critical=False)
    if one.permitted is not None:
        allowed = x509.DirectoryName(
            x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, one.permitted)])
        )
        builder = builder.add_extension(x509.NameConstraints([allowed], None), critical=True)
    if one.has_unknown:
        unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    return builder.sign(KEYS[one.signed_by], hashes.SHA256())


def name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Hospitals"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def usage(one: Certificate) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=one.signs_documents,
        content_commitment=one.signs_documents,
        key_encipherment=not one.signs_documents and not one.signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=one.signs_certificates,
        crl_sign=one.signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def make_list(
    chain: Chain, signed_by: str, *, is_revoked: bool, age: timedelta
) -> x509.CertificateRevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name("Issuing"))
        .last_update(NOW - age)
        .next_update(NOW - age + 30 * DAY)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(KEYS["issuing"].public_key()), critical=False
        )
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    if is_revoked:
        serial = make(chain.leaf).serial_number
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - age).build()
        builder = builder.add_revoked_certificate(revoked)
    return builder.sign(KEYS[signed_by], hashes.SHA256())


@dataclass(frozen=True)
class Made:
    """A chain as certificates and lists."""

    root: x509.Certificate
    between: list[x509.Certificate]
    leaf: x509.Certificate
    lists: list[x509.CertificateRevocationList]

    def ours(self) -> bool:
        trust = TrustStore(anchors=[self.root], crls=self.lists)
        facts = read_der_certificate(self.leaf.public_bytes(DER))
        sent = [read_der_certificate(one.public_bytes(DER)) for one in self.between]
        reasons = [
            *check_leaf(facts, at=NOW, policy=DEFAULT_POLICY),
            *trust.check_path(facts, sent, at=NOW, purposes=DEFAULT_POLICY.extended_key_usages),
        ]
        return not reasons

    def theirs(self) -> bool:
        load = asn1.Certificate.load
        context = ValidationContext(
            trust_roots=[load(self.root.public_bytes(DER))],
            moment=NOW,
            crls=[one.public_bytes(DER) for one in self.lists],
            revocation_mode="soft-fail",
        )
        between = [load(one.public_bytes(DER)) for one in self.between]
        validator = CertificateValidator(load(self.leaf.public_bytes(DER)), between, context)
        try:
            asyncio.run(validator.async_validate_usage({"digital_signature"}, PURPOSES))  # type: ignore[no-untyped-call]
        except (ValidationError, PathBuildingError):
            return False
        return True


def build(names: tuple[str, ...]) -> Made:
    chain = Chain()
    for one in names:
        chain = CHANGES[one](chain)
    between = [make(one) for one in (chain.issuing, chain.lower) if one is not None]
    lists = [make_list(chain, by, is_revoked=revoked, age=age) for by, revoked, age in chain.lists]
    return Made(make(chain.root), between, make(chain.leaf), lists)


#: What makes ours refuse what theirs lets pass, and why. It accepts nothing that theirs refuses.
STRICTER: list[tuple[set[str], set[str]]] = [
    # cryptography refuses constraints of directory names, which no authority of signers is known to have.
    ({"authority for its names"}, set()),
    # An authority's certificate signs no claim, whatever else it may do (EN 319 412-2).
    ({"leaf is an authority"}, set()),
    # A list that is there and cannot be believed, or is old, leaves open who is revoked, also of authorities
    # whose certificates name none; theirs looks only where a certificate names one.
    ({"one below"}, {"list by another", "old list"}),
]


def is_explained(names: tuple[str, ...]) -> bool:
    return any(all_of <= set(names) and (not one_of or one_of & set(names)) for all_of, one_of in STRICTER)


def test_both_validators_agree_but_where_ours_is_stricter_for_a_reason() -> None:
    judged = {names: (made.ours(), made.theirs()) for names in chains() for made in [build(names)]}
    disagreed = {names for names, (ours, theirs) in judged.items() if ours != theirs}

    assert len(judged) >= 300
    assert [names for names in disagreed if judged[names][0]] == []
    assert [names for names in disagreed if not is_explained(names)] == []
    assert sum(ours for ours, _ in judged.values()) >= 10
    assert len(disagreed) < 20

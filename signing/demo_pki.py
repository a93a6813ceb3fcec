"""A certification authority for demonstrations and tests: a root, an issuing CA, and keys of facilities.

Every name in it says that it is a demo. Nothing here is fit for production, least of all where keys are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing.certificates import to_pem
from signing.keys import LocalSigner, PrivateKey
from signing.trust import TrustStore

#: What the organization of every name here is, by which a demo's certificate is known.
ORGANIZATION: Final = "eHoSo DEMO - not for production"
_CA_LIFETIME: Final = timedelta(days=3650)
_PUBLIC_EXPONENT: Final = 65537


@dataclass(frozen=True, slots=True)
class FacilityKey:
    """A facility's demo key: the PKCS#12 file that its billing system would hold."""

    pkcs12: bytes
    passphrase: str
    certificate: x509.Certificate
    signer: LocalSigner


@dataclass(frozen=True, slots=True)
class DemoPki:
    """A root CA, an issuing CA below it, and what they issue."""

    root: x509.Certificate
    root_key: rsa.RSAPrivateKey
    issuing: x509.Certificate
    issuing_key: rsa.RSAPrivateKey

    @classmethod
    def create(cls, *, at: datetime) -> Self:
        """Make both authorities, valid from a day before to ten years after the given time."""
        root_key, issuing_key = _rsa_key(2048), _rsa_key(2048)
        root_name, issuing_name = _name("eHoSo Demo Root CA"), _name("eHoSo Demo Issuing CA")
        valid_from, valid_to = at - timedelta(days=1), at + _CA_LIFETIME
        root = _ca(root_name, root_key, root_name, root_key, path_length=1, validity=(valid_from, valid_to))
        issuing = _ca(
            issuing_name, issuing_key, root_name, root_key, path_length=0, validity=(valid_from, valid_to)
        )
        return cls(root, root_key, issuing, issuing_key)

    def leaf(  # noqa: PLR0913 - all but the code and the dates have defaults
        self,
        code: str,
        *,
        valid_from: datetime,
        valid_to: datetime,
        key_size: int = 2048,
        key: PrivateKey | None = None,
        passphrase: str = "demo",  # noqa: S107 - a demo key, its file says so
        list_url: str | None = None,
    ) -> FacilityKey:
        """Issue a certificate to the facility with this code; a new RSA key is made if none is given.

        With ``list_url`` the certificate says that the list of who is revoked is there.
        """
        key = key or _rsa_key(key_size)
        subject = _name(f"Demo facility {code}", serial_number=f"MACSKCB:{code}")
        builder = (
            _builder(subject, key, self.issuing.subject, self.issuing_key, (valid_from, valid_to))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_documents=True), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]
                ),
                critical=False,
            )
        )
        if list_url is not None:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(list_url)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        certificate = builder.sign(self.issuing_key, hashes.SHA256())
        file = pkcs12.serialize_key_and_certificates(
            code.encode(),
            key,
            certificate,
            [self.issuing],
            serialization.BestAvailableEncryption(passphrase.encode()),
        )
        return FacilityKey(file, passphrase, certificate, LocalSigner(certificate, key))

    def revocation_list(
        self,
        revoked: Iterable[x509.Certificate],
        *,
        at: datetime,
        revoked_at: datetime | None = None,
        days: int = 7,
        reason: x509.ReasonFlags | None = None,
    ) -> x509.CertificateRevocationList:
        """Issue a list by the issuing CA, as of a given time, that names these certificates."""
        builder = _list_of(self.issuing, self.issuing_key, at, days)
        for certificate in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(certificate.serial_number)
                .revocation_date(revoked_at or at)
            )
            if reason is not None:
                entry = entry.add_extension(x509.CRLReason(reason), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.issuing_key, hashes.SHA256())

    def root_revocation_list(self, *, at: datetime, days: int = 7) -> x509.CertificateRevocationList:
        """Issue an empty list by the root CA, as of a given time."""
        return _list_of(self.root, self.root_key, at, days).sign(self.root_key, hashes.SHA256())

    def trust_store(self, *, crls: Iterable[x509.CertificateRevocationList] = ()) -> TrustStore:
        """Return a trust store with the root as its only anchor."""
        return TrustStore(anchors=[self.root], intermediates=[self.issuing], crls=crls)

    def write(self, folder: Path) -> None:
        """Lay out a folder that :meth:`signing.trust.TrustStore.load` reads."""
        for name, content in (
            ("anchors/demo-root-ca.pem", to_pem(self.root)),
            ("intermediates/demo-issuing-ca.pem", to_pem(self.issuing)),
        ):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (folder / "crls").mkdir(exist_ok=True)


def _list_of(
    issuer: x509.Certificate, key: rsa.RSAPrivateKey, at: datetime, days: int
) -> x509.CertificateRevocationListBuilder:
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(at)
        .next_update(at + timedelta(days=days))
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        .add_extension(_authority_identifier(key), critical=False)
    )


def _rsa_key(key_size: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(_PUBLIC_EXPONENT, key_size)


def _name(common_name: str, *, serial_number: str | None = None) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    if serial_number is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial_number))
    return x509.Name(attributes)


def _ca(  # noqa: PLR0913 - a certificate has two names and two keys
    name: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    *,
    path_length: int,
    validity: tuple[datetime, datetime],
) -> x509.Certificate:
    return (
        _builder(name, key, issuer, issuer_key, validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(signs_documents=False), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _builder(
    name: x509.Name,
    key: PrivateKey,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    validity: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority_identifier(issuer_key), critical=False)
    )


def _authority_identifier(issuer_key: rsa.RSAPrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())


def _key_usage(*, signs_documents: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs_documents,
        content_commitment=signs_documents,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs_documents,
        crl_sign=not signs_documents,
        encipher_only=False,
        decipher_only=False,
    )

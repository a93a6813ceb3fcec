"""Which certificates stand between another one and an anchor: found by name, key identifier and signature.

Whoever sends a document can send any number of certificates of one name. No more signatures are computed than
any chain needs, those of the likeliest issuers first, and only what leads to an anchor is handed on.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from signing.extensions import UNREADABLE, find_extension
from signing.values import PublicKey

# Leaf, two intermediates and the anchor leave room for one more.
MAX_INTERMEDIATES: Final = 4
# An authority has a few certificates: renewed ones, and those that others issued to it.
_MOST_COMPARED: Final = 32
# Those that paths are built of.
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
# What a signature by a key of 8192 bits with the usual exponent takes, twice: a millisecond.
_MOST_RSA_WORK: Final = 2**31


class Ways(NamedTuple):
    """How a certificate leads to anchors.

    Attributes:
        are_there: Whether anchors have issued it, or have through others, whatever these may issue.
        are_lawful: Whether authorities alone are in between.
        authorities: Those in between.
    """

    are_there: bool
    are_lawful: bool
    authorities: tuple[x509.Certificate, ...]


class _Names(NamedTuple):
    # As texts, whose hash is computed once: that of a name with hundreds of parts takes half a millisecond.
    subject: str
    issuer: str
    key: bytes | None
    issuer_key: bytes | None
    is_ca: bool

    def may_fit(self, issuer: Self) -> bool:
        """Whether nothing says that another key of the issuer's made it (RFC 5280, 4.2.1.1)."""
        return self.issuer_key is None or issuer.key is None or self.issuer_key == issuer.key


def find_ways(
    leaf: x509.Certificate,
    known: Iterable[x509.Certificate],
    anchors: Collection[x509.Certificate],
    *,
    at: datetime,
) -> Ways:
    """Find how the leaf leads to anchors at that time, through certificates of those known."""
    issuers = _find_issuers(leaf, (*known, *anchors), anchors, at)
    lawful = _leading(issuers, anchors, _is_authority)
    return Ways(
        leaf in anchors or leaf in _leading(issuers, anchors, lambda _: True),
        leaf in anchors or leaf in lawful,
        tuple(each for each in issuers if each in lawful and each != leaf and _is_authority(each)),
    )


def is_quick(key: PublicKey) -> bool:
    """Whether a signature by this key is compared as soon as by any that authorities have."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size**2 * key.public_numbers().e.bit_length() <= _MOST_RSA_WORK
    return isinstance(key.curve, _CURVES)


def has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether one of two certificates, which anybody may have made, has issued the other."""
    try:
        key = issuer.public_key()
    except UNREADABLE:
        return False
    return isinstance(key, PublicKey) and is_quick(key) and _is_issued(certificate, issuer)


def _find_issuers(
    leaf: x509.Certificate,
    others: Iterable[x509.Certificate],
    anchors: Collection[x509.Certificate],
    at: datetime,
) -> Mapping[x509.Certificate, Sequence[x509.Certificate]]:
    """Return who issued the leaf, who these, and so on up to the anchors."""
    named: dict[str, dict[bytes, list[x509.Certificate]]] = {}
    for each in others:
        names, signs_as = _names_of(each), _signs_as(each)
        if (
            names
            and signs_as
            and each != leaf
            and each.not_valid_before_utc <= at <= each.not_valid_after_utc
        ):
            alike = named.setdefault(names.subject, {}).setdefault(signs_as, [])
            # To hash or compare one with hundreds of parts in its name takes up to a millisecond.
            if not any(each.signature == other.signature and each == other for other in alike):
                alike.append(each)
    issuers: dict[x509.Certificate, Sequence[x509.Certificate]] = {}
    left, reached = _MOST_COMPARED, [leaf]
    for _ in range(MAX_INTERMEDIATES + 2):  # one more than may be, whose fault is the length
        above: list[x509.Certificate] = []
        for certificate in reached:
            names = _names_of(certificate)
            if names is None or certificate in issuers or certificate in anchors:
                continue
            tried = _likeliest_first(names, named.get(names.issuer, {}).values())[:left]
            issuers[certificate] = ()
            for candidates in tried:
                left -= 1
                # All of one name and key have issued it, or none has, whatever they call their key.
                if _is_issued(certificate, candidates[0]):
                    issuers[certificate] = candidates
                    break
            above += issuers[certificate]
        reached = above
    return issuers


def _likeliest_first(
    names: _Names, namesakes: Iterable[Sequence[x509.Certificate]]
) -> Sequence[Sequence[x509.Certificate]]:
    def cannot_fit(alike: Sequence[x509.Certificate]) -> bool:
        return not any(own and names.may_fit(own) for own in map(_names_of, alike))

    return sorted(namesakes, key=cannot_fit)


def _leading(
    issuers: Mapping[x509.Certificate, Sequence[x509.Certificate]],
    anchors: Collection[x509.Certificate],
    may_issue: Callable[[x509.Certificate], bool],
) -> frozenset[x509.Certificate]:
    """Return the certificates that lead to an anchor through such as may issue others."""
    found: frozenset[x509.Certificate] = frozenset()
    while more := [
        each
        for each, above in issuers.items()
        if each not in found and any(by in anchors or (by in found and may_issue(by)) for by in above)
    ]:
        found = found.union(more)
    return found


@lru_cache(maxsize=1024)
def _names_of(certificate: x509.Certificate) -> _Names | None:
    try:
        extensions = certificate.extensions
        own = find_extension(extensions, x509.SubjectKeyIdentifier)
        issuers = find_extension(extensions, x509.AuthorityKeyIdentifier)
        constraints = find_extension(extensions, x509.BasicConstraints)
        return _Names(
            certificate.subject.rfc4514_string(),
            certificate.issuer.rfc4514_string(),
            None if own is None else own.digest,
            None if issuers is None else issuers.key_identifier,
            constraints is not None and constraints.ca,
        )
    except UNREADABLE:
        return None


@lru_cache(maxsize=1024)
def _signs_as(certificate: x509.Certificate) -> bytes | None:
    """Return its name and its key, which are all that who signs a certificate is known by."""
    try:
        key = certificate.public_key()
        return certificate.subject.public_bytes() + key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    except UNREADABLE:
        return None


def _is_authority(certificate: x509.Certificate) -> bool:
    names = _names_of(certificate)
    return names is not None and names.is_ca


def _is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except UNREADABLE:
        return False
    return True

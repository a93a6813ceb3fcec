"""Which lists and responses say something of certificates: of many that say the same, the newest.

A folder that gets a list a day has hundreds of one authority after a year. What they come to together, by
``signing/revocation.py``, those that are taken here come to as well.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509 import ocsp

from signing.extensions import UNREADABLE, find_extension
from signing.revocation_list import RevocationList

#: So few are taken as they are: to compare them would save nothing.
_FEW: Final = 4
#: What makes two lists of one authority lists of different things, or by different keys.
_SCOPE: Final = (x509.AuthorityKeyIdentifier, x509.IssuingDistributionPoint, x509.DeltaCRLIndicator)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_Source = TypeVar("_Source", RevocationList, ocsp.OCSPResponse)
#: A source, what it says, and when it was made.
_Said = tuple[_Source, Sequence[Hashable], datetime]


def telling_lists(
    lists: Iterable[RevocationList], certificates: Iterable[x509.Certificate]
) -> Iterator[RevocationList]:
    """Return the lists of the certificates' issuers."""
    about: dict[x509.Name, list[x509.Certificate]] = {}
    for each in certificates:
        about.setdefault(each.issuer, []).append(each)
    found: dict[x509.Name, list[RevocationList]] = {}
    for one in lists:
        if one.crl.issuer in about:
            found.setdefault(one.crl.issuer, []).append(one)
    for issuer, own in found.items():
        yield from own if len(own) <= _FEW else _newest([_read_list(one, about[issuer]) for one in own])


def telling_responses(
    responses: Iterable[ocsp.OCSPResponse], certificates: Iterable[x509.Certificate]
) -> Iterator[ocsp.OCSPResponse]:
    """Return the responses about the certificates."""
    serials = {each.serial_number for each in certificates}
    read = [_read_response(each, serials) for each in responses]
    found = [each for each in read if each[1]]
    yield from (each[0] for each in found) if len(found) <= _FEW else _newest(found)


def _newest(sources: Sequence[_Said[_Source]]) -> Iterator[_Source]:
    """Return those that are the newest to say something, in their order."""
    last: dict[Hashable, tuple[datetime, int]] = {}
    for place, (_, said, made_at) in enumerate(sources):
        for one in said:
            last[one] = max(last.get(one, (made_at, place)), (made_at, place))
    taken = {place for _, place in last.values()}
    return (source for place, (source, *_) in enumerate(sources) if place in taken)


def _read_list(source: RevocationList, certificates: Collection[x509.Certificate]) -> _Said[RevocationList]:
    crl = source.crl
    try:
        made_at = crl.last_update_utc
        found = [find_extension(crl.extensions, kind) for kind in _SCOPE]
        scope = tuple(None if each is None else each.public_bytes() for each in found)
        # What is not understood, or never ends, is not believed, and must not take the place of what is.
        critical = frozenset(each.oid for each in crl.extensions if each.critical)
        about = (scope, critical, crl.next_update_utc is None)
        said = [(about, each.serial_number, _says_of(crl, each)) for each in certificates]
    except UNREADABLE:
        return source, ("unreadable",), _NEVER
    return source, said, made_at


def _says_of(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> Hashable:
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is None:
        # From after its end it says nothing, and must not be taken for the last word.
        return crl.last_update_utc <= certificate.not_valid_after_utc
    reason = find_extension(entry.extensions, x509.CRLReason)
    return entry.revocation_date_utc, None if reason is None else reason.reason


def _read_response(source: ocsp.OCSPResponse, serials: Collection[int]) -> _Said[ocsp.OCSPResponse]:
    try:
        by = (source.responder_name, source.responder_key_hash)
        singles = [each for each in source.responses if each.serial_number in serials]
        said = [
            (
                by,
                each.serial_number,
                each.issuer_key_hash,
                each.certificate_status,
                each.revocation_time_utc,
                each.revocation_reason,
            )
            for each in singles
        ]
        made_at = max((each.this_update_utc for each in singles), default=_NEVER)
    except UNREADABLE:
        return source, (), _NEVER
    return source, said, made_at

"""What signatures were judged by, one file each: certificates and lists of who was revoked, on the day.

The report on the bundle's signature and the set of keys hold the same; this is for other people's tools. A
file is named by the SHA-256 of what is in it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from claims.proof.keys import read_key_set
from signing.canonical import parse
from signing.elements import Refused
from signing.errors import Unparsable
from signing.extensions import UNREADABLE
from signing.facts import read_facts
from signing.policy import DEFAULT_POLICY
from signing.report.record import Record
from signing.revocation_list import RevocationList, load_list

CERTIFICATES: Final = "certificates/"
REVOCATION: Final = "revocation/"
#: Which of the service's own keys are revoked.
SERVICE_LIST: Final = f"{REVOCATION}service.crl"
_DER: Final = serialization.Encoding.DER


def material_of(
    record: Record | None,
    keys: Iterable[x509.Certificate],
    service_list: x509.CertificateRevocationList | None,
) -> dict[str, bytes]:
    """Return the files: of what the bundle's signature was judged by, and of the service's own keys."""
    certificates = [each.public_bytes(_DER) for each in keys]
    lists: tuple[bytes, ...] = ()
    answers: tuple[bytes, ...] = ()
    if record is not None:
        certificates += _certificates(record)
        lists, answers = record.trust.crls, record.trust.responses
    files = {
        **_named(CERTIFICATES, "cer", certificates),
        **_named(REVOCATION, "crl", lists),
        **_named(REVOCATION, "ocsp", answers),
    }
    if service_list is not None:
        files[SERVICE_LIST] = service_list.public_bytes(_DER)
    return files


def misnamed(files: Mapping[str, bytes]) -> str | None:
    """Return a file that has not the name that its content gives it."""
    for name, data in files.items():
        if name.startswith((CERTIFICATES, REVOCATION)) and name != SERVICE_LIST:
            stem = name.partition("/")[2].partition(".")[0]
            if stem != hashlib.sha256(data).hexdigest():
                return name
    return None


def revoked_keys(files: Mapping[str, bytes], key_set: bytes) -> list[str]:
    """Return which of the service's keys its list names; the list counts if their authority signed it.

    Raises:
        ValueError: It is no list, or nobody's who vouches for the keys.
    """
    if SERVICE_LIST not in files:
        return []
    service_list = load_list(files[SERVICE_LIST])
    keys, above = read_key_set(json.loads(key_set))
    authorities = [x509.load_der_x509_certificate(each) for each in above]
    if not any(_has_issued(each, service_list) for each in authorities):
        raise ValueError("nobody's list")
    loaded = {key_id: x509.load_der_x509_certificate(der) for key_id, der in keys.items()}
    return [
        key_id
        for key_id, each in loaded.items()
        if service_list.crl.get_revoked_certificate_by_serial_number(each.serial_number) is not None
    ]


def _has_issued(authority: x509.Certificate, revoked: RevocationList) -> bool:
    try:
        return authority.subject == revoked.crl.issuer and revoked.is_signed_by(authority.public_key())
    except UNREADABLE:
        return False


def _certificates(record: Record) -> list[bytes]:
    """Return the signer's certificate and those above it, as far as they are known."""
    above = [
        x509.load_der_x509_certificate(each) for each in (*record.trust.intermediates, *record.trust.anchors)
    ]
    found = _signer(record)
    for each in found:  # grows while it is gone through
        found += [one for one in above if one.subject == each.issuer and one not in found]
    return [each.public_bytes(_DER) for each in found]


def _signer(record: Record) -> list[x509.Certificate]:
    if record.skeleton is None or record.digests is None:
        return []
    try:
        facts = read_facts(parse(record.skeleton), DEFAULT_POLICY, record.digests)
    except (Refused, Unparsable):
        return []
    return [each.certificate for each in facts.certificates]


def _named(folder: str, ending: str, contents: Iterable[bytes]) -> dict[str, bytes]:
    return {f"{folder}{hashlib.sha256(data).hexdigest()}.{ending}": data for data in contents}

"""An archive: everything that proves one submission, in one signed container that needs nobody to be read.

What is in it, by name::

    README.txt              what this is and how to check it, in Vietnamese and English
    bundle.xml              the signed bundle, byte for byte
    encounter.json          what the service built it from, and
    trace.json              where each value came from
    claim.pdf               the claim for people
    reports/signature.json  the validation of the bundle's signature (EN 319 102-1) with all that it was
                            reached from: certificates, lists of who was revoked, the policy
    reports/signature.xml   the same for other validators (ETSI TS 119 102-2)
    reports/check.json      what the check found
    gateway/receipt.json    the gateway's receipt, and
    gateway/answer.bin      its answer verbatim
    evidence/receipt.jws    what the facility was given for having handed it over
    evidence/records.jws    the record of each transition, one a line
    evidence/history.json   what the records name by digest alone
    log/head.jws            the signed head of the log
    log/head-timestamp.der  a time-stamping authority's token on it (RFC 3161)
    log/inclusion.json      where each record stands in the log, and the path from there to the head
    keys.json               the keys of the service, with their certificates
    documents/NAME.json     what others said later, under the name that its digest has in a record:
                            reception, assessment.N, decision.N (of the claim in place N); and trust: the
                            digests of what signatures were judged by when it was checked
    certificates/…          the certificates of bundle and service, one file each, named by their SHA-256
    revocation/…            lists of who was revoked, and answers about it (OCSP), likewise;
                            service.crl: about the service's keys, if it is its own authority
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

from claims.proof.container import MANIFEST, SIGNATURES, manifest_of, write_container
from claims.proof.readme import readme
from claims.proof.tokens import ServiceKey, canonical_json
from signing.canonical import C14N_EXCLUSIVE, canonicalize, write_document
from signing.xades.make import detached_signature

ASIC: Final = "http://uri.etsi.org/02918/v1.2.1#"

README: Final = "README.txt"
BUNDLE: Final = "bundle.xml"
ENCOUNTER: Final = "encounter.json"
TRACE: Final = "trace.json"
PDF: Final = "claim.pdf"
SIGNATURE_REPORT: Final = "reports/signature.json"
ETSI_REPORT: Final = "reports/signature.xml"
CHECK_REPORT: Final = "reports/check.json"
GATEWAY_RECEIPT: Final = "gateway/receipt.json"
GATEWAY_ANSWER: Final = "gateway/answer.bin"
RECEIPT: Final = "evidence/receipt.jws"
RECORDS: Final = "evidence/records.jws"
HISTORY: Final = "evidence/history.json"
HEAD: Final = "log/head.jws"
HEAD_TIMESTAMP: Final = "log/head-timestamp.der"
INCLUSION: Final = "log/inclusion.json"
KEYS: Final = "keys.json"
DOCUMENTS: Final = "documents/"


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where a record stands in the log, and the path from there to the hash in the head."""

    index: int
    path: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveContents:
    """What goes into an archive; what is None is left out.

    Attributes:
        check_report: Stages, findings and claims, as they were digested.
        gateway_receipt: What the gateway's receipt says; its answer stands beside it.
        documents: What others said, by the names of their digests.
        material: Certificates and lists, by file (`claims.proof.material`).
        history: For each record, in order, what it names by digest alone.
        signed_at: The time that the signature claims: that of the head, so that the same content gives the
            same bytes.
    """

    submission: str
    facility: str
    sha256: str
    received_at: datetime
    bundle: bytes | None
    encounter: bytes | None
    trace: bytes | None
    pdf: bytes | None
    signature_report: object
    etsi_report: bytes | None
    check_report: object
    gateway_receipt: object
    gateway_answer: bytes | None
    receipt: str | None
    records: Sequence[str]
    history: Sequence[object]
    head: str
    head_size: int
    head_timestamp: bytes | None
    inclusions: Sequence[Inclusion]
    keys: object
    signed_at: datetime
    documents: Mapping[str, object] = field(default_factory=dict)
    material: Mapping[str, bytes] = field(default_factory=dict)


def make_archive(contents: ArchiveContents, key: ServiceKey) -> bytes:
    """Return the archive, signed by the service (XAdES B-B over every file)."""
    files = {name: data for name, data in _files(contents).items() if data is not None}
    manifest = {MANIFEST: manifest_of(files)}
    return write_container({**files, **manifest, SIGNATURES: sign_files(files, key, at=contents.signed_at)})


def sign_files(files: Mapping[str, bytes], key: ServiceKey, *, at: datetime) -> bytes:
    """Return META-INF/signatures.xml: one signature over all files.

    The certificates above the signer's are not in it, where they would not be covered: they are in `KEYS`.
    """
    signature = detached_signature(key, files, at=at)
    root = etree.Element(f"{{{ASIC}}}XAdESSignatures", nsmap={"asic": ASIC})
    root.append(signature)
    value = key.sign(canonicalize(signature[0], C14N_EXCLUSIVE))
    signature[1].text = base64.b64encode(value).decode()
    return write_document(root)


def document_entry(name: str) -> str:
    """Return which file holds the document that records name so."""
    return f"{DOCUMENTS}{name}.json"


def _files(contents: ArchiveContents) -> dict[str, bytes | None]:
    return {
        README: readme(
            submission=contents.submission,
            facility=contents.facility,
            sha256=contents.sha256,
            received_at=contents.received_at,
            is_erased=contents.bundle is None,
        ),
        BUNDLE: contents.bundle,
        ENCOUNTER: contents.encounter,
        TRACE: contents.trace,
        PDF: contents.pdf,
        SIGNATURE_REPORT: _json(contents.signature_report),
        ETSI_REPORT: contents.etsi_report,
        CHECK_REPORT: _json(contents.check_report),
        GATEWAY_RECEIPT: _json(contents.gateway_receipt),
        GATEWAY_ANSWER: contents.gateway_answer,
        RECEIPT: None if contents.receipt is None else f"{contents.receipt}\n".encode(),
        RECORDS: "".join(f"{record}\n" for record in contents.records).encode(),
        HISTORY: _json(contents.history),
        HEAD: f"{contents.head}\n".encode(),
        HEAD_TIMESTAMP: contents.head_timestamp,
        INCLUSION: _json(
            {
                "size": contents.head_size,
                "records": [
                    {"index": one.index, "path": [each.hex() for each in one.path]}
                    for one in contents.inclusions
                ],
            }
        ),
        KEYS: _json(contents.keys),
        # As they were digested: `sha256sum` says what the record says.
        **{document_entry(name): canonical_json(one) for name, one in sorted(contents.documents.items())},
        **dict(sorted(contents.material.items())),
    }


def _json(document: object) -> bytes | None:
    return None if document is None else canonical_json(document) + b"\n"

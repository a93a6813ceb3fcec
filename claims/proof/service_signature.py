"""The service's signature over an archive: which one is accepted, whether it holds, of which files it is."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from cryptography import x509
from lxml.etree import _Element as Element

from claims.proof import archive
from claims.proof.container import SIGNATURES
from claims.proof.errors import ProofError
from claims.proof.keys import read_key_set
from claims.proof.reading import MOST_UNSIGNED
from claims.proof.signature_frame import is_bare
from claims.proof.verdict import Broken
from signing.canonical import parse
from signing.certificates import read_der_certificate, usable
from signing.elements import Refused
from signing.errors import Unparsable
from signing.facts import read_facts
from signing.form import ROOT, find_signature, read_form
from signing.policy import DEFAULT_POLICY, Policy
from signing.revocation import RevocationSource
from signing.trust import TrustStore
from signing.verdict import Verdict
from signing.verify import verify

_MOST_NAMES: Final = 3
_REFERENCE: Final = "{http://www.w3.org/2000/09/xmldsig#}Reference"
_ROOT_TAG: Final = f"{{{archive.ASIC}}}XAdESSignatures"


def archive_policy(policy: Policy) -> Policy:
    """Return what is accepted of an archive's signature: at its document's root, of nothing but files."""
    return replace(policy, containers=frozenset({ROOT}), signed_elements=frozenset[str]())


#: Where nobody says otherwise.
ARCHIVE_POLICY: Final = archive_policy(DEFAULT_POLICY)


def check_signature(
    data: bytes, files: Mapping[str, bytes], *, trust: TrustStore, at: datetime, policy: Policy
) -> Verdict:
    """Verify META-INF/signatures.xml, which must be one signature over exactly these files in their order.

    Raises:
        Broken: It does not hold, or is over other files.
    """
    try:
        root = parse(data)
        if root.tag != _ROOT_TAG or not is_bare(data, root):
            raise Broken("signature.not_canonical", SIGNATURES)
        signed = _signed_names(root)
        verdict = verify(root, trust=trust, at=at, policy=policy, files=files)
    except Unparsable as error:
        raise Broken("signature.unreadable", SIGNATURES) from error
    if set(signed) != set(files):
        raise Broken("signature.other_files", _some(set(signed) ^ set(files)))
    if not verdict.has_passed:
        raise Broken(str(verdict.reasons[0]), _find_changed(data, files, policy))
    if signed != list(files):
        raise Broken("signature.order", SIGNATURES)
    return verdict


def read_chain(entries: Mapping[str, bytes]) -> Sequence[x509.Certificate]:
    """Return the certificates that come along; they are not trusted, but may lead to one that is."""
    keys = entries.get(archive.KEYS, b"")
    try:
        _, chain = read_key_set(json.loads(keys if len(keys) <= MOST_UNSIGNED else b""))
        return [read_der_certificate(each).certificate for each in chain]
    except (ProofError, Refused, ValueError, RecursionError):
        return []  # what is wrong is asked in its turn


def read_evidence(
    data: bytes, files: Mapping[str, bytes], policy: Policy
) -> tuple[Sequence[x509.Certificate], Sequence[RevocationSource]]:
    """Return the certificates and lists that renewals put into a signature that was verified."""
    unsigned = read_facts(parse(data), policy, files=files).unsigned
    return usable(unsigned.certificates), unsigned.sources


def _find_changed(data: bytes, files: Mapping[str, bytes], policy: Policy) -> str:
    """Return the files that are not those that were signed."""
    try:
        form = read_form(find_signature(parse(data), {ROOT}), policy, files)
    except Refused:
        return SIGNATURES
    changed = [
        name
        for each in form.references
        if each.file is not None
        for name, content in [each.file]
        if hashlib.new(each.digest_name, content).digest() != each.digest_value
    ]
    return ", ".join(changed) or SIGNATURES


def _signed_names(root: Element) -> list[str]:
    """Return the names of the files that a signature is over, in its order; whether it holds is not asked."""
    names = [each.get("URI", "") for each in root.iter(_REFERENCE)]
    return [name for name in names if name and not name.startswith("#")]


def _some(names: Iterable[str]) -> str:
    """Return some of these names for people."""
    first, *others = sorted(names)
    return ", ".join([first, *others[:_MOST_NAMES], *["…"][: len(others) > _MOST_NAMES]])

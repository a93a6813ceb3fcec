"""Extend a XAdES signature: with a timestamp (B-T), with evidence (B-LT), with an archive timestamp (B-LTA).

What was signed is not touched; everything is added beside it. Archive timestamps are renewed by extending
again, before the authority's certificate ends or its algorithms grow weak.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives import serialization
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, parse, parse_verbatim, write_document
from signing.certificates import CertificateFacts, read_certificate, usable, write_name
from signing.covered import CoveredOctets
from signing.elements import Canonicalization
from signing.errors import CannotExtend, Obstacle
from signing.form import SignatureForm, find_signature, read_form
from signing.policy import DEFAULT_POLICY, Policy
from signing.revocation import octets_of
from signing.timestamps.ask import ask_timestamp
from signing.timestamps.check import check_token, find_signer, read_certificates
from signing.timestamps.messages import TimestampAuthority
from signing.timestamps.tokens import TimestampToken, read_token
from signing.trust import Evidence, TrustStore
from signing.verdict import Level, Verdict
from signing.verify import verify
from signing.xades import names
from signing.xades.check import find_named
from signing.xades.make import evidence_elements, timestamp_element
from signing.xades.unsigned import TimestampPlace, UnsignedForm, read_unsigned

_ORDER: Final = (Level.PLAIN, Level.B_B, Level.B_T, Level.B_LT, Level.B_LTA)
# The method that the elements made by signing.xades.make name.
_METHOD: Final = Canonicalization(C14N_1_0)
_DER: Final = serialization.Encoding.DER


@dataclass(frozen=True, slots=True)
class Extender:
    """Extends signatures on these terms.

    Attributes:
        authority: Who is asked for timestamps.
        trust: Whom to trust; its lists and responses are the evidence that is put in.
        policy: What is accepted.
        files: What the signature covers in the document's stead, by name.
        beside: Timestamps outside of the signature, for whose authorities evidence is put in, too.
    """

    authority: TimestampAuthority
    trust: TrustStore
    policy: Policy = DEFAULT_POLICY
    files: Mapping[str, bytes] | None = field(default=None, repr=False)
    beside: Sequence[TimestampToken] = ()

    def extend(self, data: bytes, *, level: Level, at: datetime) -> bytes:
        """Return the document with its signature at this level; ``at`` is now.

        What the signature has already is kept. B-LTA always adds an archive timestamp: asked of a signature
        that has one, that is its renewal.

        Raises:
            CannotExtend: The signature does not hold, is plain, or certificates lack evidence.
            TimestampFailed: The authority gives no timestamp.
        """
        verdict = self._verify(data, at)
        if _reaches(level, Level.B_T) and not _reaches(verdict.level, Level.B_T):
            data = self._add_timestamp(data, at=at, is_archive=False)
            verdict = self._verify(data, at)
        if _reaches(level, Level.B_LT) and (level is Level.B_LTA or verdict.level is Level.B_T):
            data = self._add_evidence(data, verdict.best_signature_time or at)
            verdict = self._verify(data, at)
            if not _reaches(verdict.level, Level.B_LT):
                form, unsigned = self._read(parse(data))
                found = self._evidence(form, unsigned, verdict.best_signature_time or at)
                lacking = dict.fromkeys(
                    (write_name(each.subject), write_name(each.issuer))
                    for one in found
                    for each in one.lacking
                )
                raise CannotExtend(Obstacle.EVIDENCE_MISSING, lacking=lacking)
        if level is Level.B_LTA:
            data = self._add_timestamp(data, at=at, is_archive=True)
            self._verify(data, at)
        return data

    def _verify(self, data: bytes, at: datetime) -> Verdict:
        verdict = verify(
            parse(data), trust=self.trust, at=at, policy=self.policy, files=self.files, source=data
        )
        if not verdict.has_passed:
            raise CannotExtend(Obstacle.DOES_NOT_HOLD, verdict.reasons)
        if verdict.level is Level.PLAIN:
            raise CannotExtend(Obstacle.PLAIN)
        return verdict

    def _read(self, root: Element) -> tuple[SignatureForm, UnsignedForm]:
        form = read_form(find_signature(root, self.policy.containers), self.policy, self.files)
        properties = form.qualifying_properties
        return form, read_unsigned(() if properties is None else properties.unsigned, self.policy)

    def _add_timestamp(self, data: bytes, *, at: datetime, is_archive: bool) -> bytes:
        root = parse(data)
        form, unsigned = self._read(root)
        place = TimestampPlace(len(_unsigned_of(form)), is_archive, _METHOD)
        octets = b"".join(CoveredOctets.collect(root, form, [place]).timestamps[0])
        token = ask_timestamp(self.authority, octets)
        reasons = check_token(
            read_token(token),
            lambda name: hashlib.new(name, octets).digest(),
            trust=self.trust,
            at=at,
            policy=self.policy,
            others=unsigned.certificates,
        )
        if reasons:
            raise CannotExtend(Obstacle.STAMP_UNTRUSTED, reasons)
        return self._append(data, [timestamp_element(token, is_archive=is_archive)])

    def _add_evidence(self, data: bytes, at: datetime) -> bytes:
        """Add what is not there yet; what is there may be covered by an archive timestamp, and stays."""
        form, unsigned = self._read(parse(data))
        found = self._evidence(form, unsigned, at)
        certificates = {each.public_bytes(_DER): None for one in found for each in one.certificates}
        sources = {octets_of(each): each for one in found for each in one.sources}
        sent = {each.info.certificate_der for each in _certificates_of(form)}
        sent |= {each.info.certificate_der for each in unsigned.certificates}
        known = {octets_of(each) for each in unsigned.sources}
        new_certificates = [der for der in certificates if der not in sent]
        new_sources = [each for der, each in sources.items() if der not in known]
        tags = {element.tag for element in _unsigned_of(form)}
        has_values = not tags.isdisjoint({names.CERTIFICATE_VALUES, names.REVOCATION_VALUES})
        return self._append(data, evidence_elements(new_certificates, new_sources, is_more=has_values))

    def _evidence(self, form: SignatureForm, unsigned: UnsignedForm, at: datetime) -> list[Evidence]:
        """Return what proves the signer and the authorities good."""
        sent = [*_certificates_of(form), *unsigned.certificates]
        trust = self.trust.with_evidence(usable(sent), unsigned.sources)
        found = [trust.collect_evidence(_signer_of(form), sent, at=at)]
        for token in (*(each.token for each in unsigned.timestamps), *self.beside):
            candidates = [*read_certificates(token.certificates), *sent]
            if (signer := find_signer(token, candidates)) is not None:
                stamping = trust.for_timestamps()
                found.append(stamping.collect_evidence(signer, candidates, at=token.info.time))
        return found

    def _append(self, data: bytes, elements: list[Element]) -> bytes:
        root = parse_verbatim(data)
        signature = find_signature(root, self.policy.containers)
        place = next(signature.iter(names.QUALIFYING_PROPERTIES))
        for tag in (names.UNSIGNED_PROPERTIES, names.UNSIGNED_SIGNATURE_PROPERTIES):
            inner = place.find(tag)
            if inner is None:
                inner = etree.Element(tag)
                # The schema has the signature's properties before those of the data.
                place.insert(1 if tag == names.UNSIGNED_PROPERTIES else 0, inner)
            place = inner
        place.extend(elements)
        return write_document(root)


def _reaches(level: Level, wanted: Level) -> bool:
    return _ORDER.index(level) >= _ORDER.index(wanted)


def _unsigned_of(form: SignatureForm) -> tuple[Element, ...]:
    return () if form.qualifying_properties is None else form.qualifying_properties.unsigned


def _certificates_of(form: SignatureForm) -> list[CertificateFacts]:
    return [read_certificate(text) for text in form.certificates]


def _signer_of(form: SignatureForm) -> CertificateFacts:
    certificates, properties = _certificates_of(form), form.qualifying_properties
    named = None if properties is None else find_named(properties, certificates)
    return named or certificates[0]

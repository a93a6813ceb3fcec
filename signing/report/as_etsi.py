"""A report as ETSI TS 119 102-2 has it, for exchange with other validators: namespace of version 1.2.1.

Element names, their order and the URNs were compared with public implementations of that schema, one of them
classes generated from it, which read such a document strictly and write it again in the same order; the
schema itself is not at hand here. Questions of ours stand as constraints under ``urn:ehoso:check:``.
"""

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import parse
from signing.policy import SHA256, XMLDSIG
from signing.report.report import Answer, Check, Report
from signing.verdict import Level

NAMESPACE: Final = "http://uri.etsi.org/19102/v1.2.1#"

_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_URN: Final = "urn:etsi:019102:"
_PROCESSES: Final = {
    Level.PLAIN: "Basic",
    Level.B_B: "Basic",
    Level.B_T: "LTVM",
    Level.B_LT: "LTVM",
    Level.B_LTA: "LTA",
}


def report_to_etsi(reports: Iterable[Report]) -> bytes:
    """Return reports as one ValidationReport document, in UTF-8."""
    root = etree.Element(
        f"{{{NAMESPACE}}}ValidationReport", nsmap={"vr": NAMESPACE, "ds": XMLDSIG, "XAdES": _XADES}
    )
    objects: dict[bytes, str] = {}
    for number, report in enumerate(reports, start=1):
        _signature_report(root, report, number, objects)
    if objects:
        listed = _add(root, "SignatureValidationObjects")
        for der, kind in objects.items():
            _object(listed, der, kind)
    data: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return data


def _signature_report(root: Element, report: Report, number: int, objects: dict[bytes, str]) -> None:
    record, verdict = report.record, report.verdict
    own = _add(root, "SignatureValidationReport")
    _identifier(own, report, number)
    _constraints(own, report)
    times = _add(own, "ValidationTimeInfo")
    _add(times, "ValidationTime", _time(record.at))
    best = _add(times, "BestSignatureTime")
    _add(best, "POETime", _time(verdict.best_signature_time or record.at))
    _add(best, "TypeOfProof", f"{_URN}poetype:validation")
    document = _add(own, "SignersDocument")
    _digest(document, bytes.fromhex(record.sha256))
    if verdict.signing_time is not None:
        attributes = _add(own, "SignatureAttributes")
        claimed = _add(attributes, "SigningTime")
        claimed.set("Signed", "true")
        _add(claimed, "Time", _time(verdict.signing_time))
    if verdict.signer is not None:
        objects.setdefault(verdict.signer.certificate_der, "certificate")
        signer = _add(own, "SignerInformation")
        _add(signer, "SignerCertificate").set("VOReference", _id(verdict.signer.certificate_der))
        _add(signer, "Signer", verdict.signer.subject)
    process, kind_of_process = _add(own, "SignatureValidationProcess"), _PROCESSES.get(verdict.level, "Basic")
    _add(process, "SignatureValidationProcessID", f"{_URN}validationprocess:{kind_of_process}")
    status = _add(own, "SignatureValidationStatus")
    _add(status, "MainIndication", f"{_URN}mainindication:{verdict.indication.value.lower()}")
    if verdict.sub_indication is not None:
        _add(status, "SubIndication", f"{_URN}subindication:{verdict.sub_indication.value}")
    for kind, values in (
        ("certificate", (*record.trust.anchors, *record.trust.tsa_anchors, *record.trust.intermediates)),
        ("CRL", record.trust.crls),
        ("OCSPResponse", record.trust.responses),
    ):
        for der in values:
            objects.setdefault(der, kind)


def _identifier(own: Element, report: Report, number: int) -> None:
    if report.record.skeleton is None:
        return
    identifier = _add(own, "SignatureIdentifier")
    # Numbered, because the same document may be among them twice.
    identifier.set("id", f"S-{number}-{report.record.sha256[:32]}")
    found = parse(report.record.skeleton).find(f".//{{{XMLDSIG}}}SignatureValue")
    if found is not None:
        etree.SubElement(identifier, f"{{{XMLDSIG}}}SignatureValue").text = "".join(
            (found.text or "").split()
        )
    _add(identifier, "HashOnly", "false")
    _add(identifier, "DocHashOnly", "false")


def _constraints(own: Element, report: Report) -> None:
    listed = _add(own, "ValidationConstraintsEvaluationReport")
    for block in report.blocks:
        for check in block.checks:
            if check.answer is not Answer.NOT_ASKED:
                _constraint(listed, check)


def _constraint(listed: Element, check: Check) -> None:
    constraint = _add(listed, "ValidationConstraint")
    _add(constraint, "ValidationConstraintIdentifier", f"urn:ehoso:check:{check.reason.value}")
    _add(_add(constraint, "ConstraintStatus"), "Status", f"{_URN}constraintStatus:applied")
    status = _add(constraint, "ValidationStatus")
    # A check that only warns does not decide; what it found is in the report's other forms.
    outcome = "failed" if check.answer is Answer.FAILED else "passed"
    _add(status, "MainIndication", f"{_URN}mainindication:{outcome}")


def _object(listed: Element, der: bytes, kind: str) -> None:
    one = _add(listed, "ValidationObject")
    one.set("id", _id(der))
    _add(one, "ObjectType", f"{_URN}validationObject:{kind}")
    _add(_add(one, "ValidationObjectRepresentation"), "base64", base64.b64encode(der).decode("ascii"))


def _digest(parent: Element, digest: bytes) -> None:
    both = _add(parent, "DigestAlgAndValue")
    etree.SubElement(both, f"{{{XMLDSIG}}}DigestMethod", {"Algorithm": SHA256})
    etree.SubElement(both, f"{{{XMLDSIG}}}DigestValue").text = base64.b64encode(digest).decode("ascii")


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    element.text = text
    return element


def _id(der: bytes) -> str:
    return f"V-{hashlib.sha256(der).hexdigest()[:32]}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

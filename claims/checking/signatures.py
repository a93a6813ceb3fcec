"""The signature stage: what a verification's verdict means for a bundle, as findings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Finding, Location, Severity
from signing.verdict import Indication, Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from signing.policy import Policy
    from signing.trust import TrustStore
    from signing.verdict import Verdict

_PLACE: Final = "CHUKYDONVI"
_CONTAINER: Final = Location(field=_PLACE)

# These two faults of the envelope have codes that the national rules give them.
_ENVELOPE_CODES: Final = {
    Reason.SIGNATURE_MISSING: "ENV.SIGNED",
    Reason.SIGNATURE_SEVERAL: "ENV.ONE_SIGNATURE",
}


@dataclass(frozen=True, slots=True)
class SignatureTerms:
    """On what terms a signature is accepted.

    Attributes:
        trust: Whose certificates are trusted.
        policy: Which algorithms and keys are.
        registered: Whether a facility has registered a certificate (its SHA-256) at a moment.
    """

    trust: TrustStore
    policy: Policy
    registered: Callable[[str, str, datetime], bool]

    def __post_init__(self) -> None:
        # A claim is signed as a whole, at its place, whatever the policy accepts of other documents.
        policy = replace(self.policy, containers=frozenset({_PLACE}), signed_elements=frozenset[str]())
        object.__setattr__(self, "policy", policy)


def find_code(reason: Reason) -> str:
    """Return the code of the finding that a verifier's reason becomes."""
    return _ENVELOPE_CODES.get(reason, reason.value.upper())


def signature_findings(verdict: Verdict) -> list[Finding]:
    """Turn a verdict into findings: none when the signature holds.

    A failed verification is critical with each of its reasons. One that could not be settled blocks as well,
    under a code of its own: its reasons may be cured without a new signature.
    """
    if verdict.has_passed:
        return []
    severity = Severity.CRITICAL
    findings: list[Finding] = []
    if verdict.indication is Indication.INDETERMINATE:
        severity = Severity.ERROR
        params = (("sub_indication", str(verdict.sub_indication or "")),)
        findings.append(Finding("SIGNATURE.INDETERMINATE", Severity.CRITICAL, _CONTAINER, params))
    findings += (Finding(find_code(reason), severity, _CONTAINER) for reason in verdict.reasons)
    return findings


def registration_findings(
    verdict: Verdict, facility: str | None, terms: SignatureTerms, at: datetime
) -> list[Finding]:
    """Find out whether a signature that holds is the facility's own."""
    if not verdict.has_passed or verdict.signer is None or facility is None:
        return []
    if terms.registered(facility, verdict.signer.sha256, at):
        return []
    params = (("facility", facility[:20]), ("certificate", verdict.signer.sha256))
    return [Finding("SIGNATURE.FACILITY", Severity.CRITICAL, _CONTAINER, params)]

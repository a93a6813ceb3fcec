"""Whether a signature with a certificate would be accepted: asked before one is made, not after.

What a verifier would say of the certificate alone: its days, its purposes, its key, and for whom it is
registered.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives import serialization

from signing.certificates import check_leaf, read_der_certificate
from signing.errors import CannotSignFor
from signing.keys import Signer
from signing.policy import DEFAULT_POLICY, Policy, Severity
from signing.verdict import Reason, SignerInfo


@dataclass(frozen=True, slots=True)
class Fitness:
    """What is asked of a signer's certificate.

    Attributes:
        policy: What verifiers accept.
        registered: Whether a facility has registered a certificate (its SHA-256) at a
            moment; None: that is not known.
    """

    policy: Policy = DEFAULT_POLICY
    registered: Callable[[str, str, datetime], bool] | None = None

    def require(self, signer: Signer, *, facilities: Sequence[str], at: datetime) -> None:
        """Pass if a signature made now for these facilities would not be refused because of its certificate.

        Raises:
            CannotSignFor: It would; the reason is the one that a verifier would give.
        """
        der = signer.certificate.public_bytes(serialization.Encoding.DER)
        facts = read_der_certificate(der)
        found = check_leaf(facts, at=at, policy=self.policy)
        if reasons := self.policy.of_severity(Severity.FAIL, found):
            raise CannotSignFor(reasons[0], _sentence(reasons[0], facts.info))
        if not facilities or self.registered is None:
            return
        if len(facilities) > 1:
            raise CannotSignFor(Reason.DOCUMENT_SEVERAL_FACILITIES, f"it names {', '.join(facilities[:5])}")
        (facility,) = facilities
        if self.registered(facility, facts.sha256, at):
            return
        other = f"the certificate {facts.sha256[:16]}… is not registered for facility {facility}"
        raise CannotSignFor(Reason.CERTIFICATE_OTHER_FACILITY, other)


def _sentence(reason: Reason, info: SignerInfo) -> str:
    match reason:
        case Reason.CERTIFICATE_EXPIRED:
            return f"the certificate ended on {info.not_after:%Y-%m-%d %H:%M}Z: use the one that replaces it"
        case Reason.CERTIFICATE_NOT_YET_VALID:
            return f"the certificate begins on {info.not_before:%Y-%m-%d %H:%M}Z: use the present one"
        case Reason.CERTIFICATE_IS_CA:
            return "the certificate is an authority's: sign with the facility's own"
        case Reason.CERTIFICATE_USAGE:
            return "the certificate is not for signing documents: ask its authority for one that is"
        case Reason.CERTIFICATE_RSA_TOO_SHORT:
            return "the key is too short: ask the authority for a certificate with RSA of 2048 bits or more"
        case _:
            return f"no verifier would accept this certificate: {reason}"

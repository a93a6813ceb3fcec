"""What a document says about its signature, gathered once; nothing of it is judged or believed here.

Whoever judges needs these facts, a policy, whom to trust and a time, and never the document again. So a
verdict can be reached later from facts that were written down, with the digests computed in their day.

What is made anew for each verification is a named tuple, here and where it is from: a frozen dataclass of as
many fields takes three times as long to make, and together they took a twentieth of a small verification.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from lxml.etree import _Element as Element

from signing.certificates import CertificateFacts, read_certificate
from signing.covered import CoveredOctets, canonical_part
from signing.form import SignatureForm, find_signature, read_form
from signing.policy import Policy
from signing.xades.unsigned import UnsignedForm, read_unsigned


class Digests(Protocol):
    """The digests of what a signature and its timestamps cover."""

    def fit(self, form: SignatureForm) -> bool:
        """Whether the digests of all references are those that were signed."""
        ...

    def timestamp_digest(self, number: int, digest_name: str) -> bytes:
        """Return the digest of what the timestamp with this number is on."""
        ...


class SignatureFacts(NamedTuple):
    """The facts of one signature.

    Attributes:
        form: What it claims, in a form that has been found right.
        unsigned: What came along with it.
        certificates: Those in its KeyInfo, in their order.
        signed_info: The octets that the signature value is over.
        digests: Of what is covered.
    """

    form: SignatureForm
    unsigned: UnsignedForm
    certificates: tuple[CertificateFacts, ...]
    signed_info: bytes
    digests: Digests


def read_facts(
    root: Element,
    policy: Policy,
    digests: Digests | None = None,
    *,
    files: Mapping[str, bytes] | None = None,
) -> SignatureFacts:
    """Gather the facts of the one signature of a document.

    The signature is taken out of the tree, unless ``digests`` that were computed before stand for the tree.
    ``files`` are what it must cover in the document's stead.

    Raises:
        Refused: There is not one signature, it stands elsewhere, or it is not as the policy has it.
    """
    # Nothing below may look for a signature again.
    signature = find_signature(root, policy.containers)

    # Everything that the signature says is in `form` now.
    form = read_form(signature, policy, files)
    properties = form.qualifying_properties
    unsigned = read_unsigned(() if properties is None else properties.unsigned, policy)
    certificates = tuple([read_certificate(text) for text in form.certificates])
    signed_info = canonical_part(form.signed_info, form.signed_info_canonicalization)
    if digests is None:
        digests = CoveredOctets.collect(root, form, [each.place for each in unsigned.timestamps])
    return SignatureFacts(form, unsigned, certificates, signed_info, digests)

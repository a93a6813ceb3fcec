"""The form that covers one element of the document by its Id, and a statement of the time (form 09/BH).

Not a published standard: what is asked here is what tools make whose files the gateway takes. Two references
without transforms, to the signature's Object and to the element; in the Object, in no namespace,
SignatureProperties with one SignatureProperty that targets the signature and holds the local SigningTime.
"""

import base64
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives import serialization
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, canonicalize
from signing.certificates import write_name
from signing.elements import ID, Refused, read_parts
from signing.errors import NothingToSign
from signing.keys import Signer
from signing.policy import SHA256, XMLDSIG
from signing.references import ReferenceForm
from signing.statement import VIETNAM, read_statement
from signing.verdict import Reason

#: What the Object of such a signature holds.
SIGNATURE_PROPERTIES: Final = "SignatureProperties"


@dataclass(frozen=True, slots=True)
class SignedElement:
    """What such a signature covers.

    Attributes:
        element: The document's element.
        id: Its Id.
        statement: The signature's Object.
        statement_id: Its Id.
        signing_time: When the signer claims to have signed.
    """

    element: Element
    id: str
    statement: Element
    statement_id: str
    signing_time: datetime


def find_element(root: Element, allowed: Collection[str]) -> Element | None:
    """Return the one child of the root that a signature may cover in its stead; None if there is not one."""
    found = [child for child in root.iterchildren("*") if f"{root.tag!s}/{child.tag!s}" in allowed]
    # Beside a second one, a reader might take the wrong one for signed.
    return found[0] if len(found) == 1 else None


def read_signed_element(
    statement: Element, signature_id: str | None, root: Element, allowed: Collection[str]
) -> SignedElement:
    """Read the statement, which must belong to the signature with this Id, and find what is covered.

    Raises:
        Refused: Something in it is not as it must be, or there is nothing that may be covered.
    """
    (properties,) = read_parts(statement, ID)
    stated = read_statement(statement, signature_id)
    is_bare = all(not str(each.tag).startswith("{") for each in properties.iter())
    if (
        not (statement_id := statement.get("Id"))
        or properties.keys()
        or not is_bare
        or not stated.is_regular
        or stated.signing_time.tzinfo != VIETNAM
    ):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    element = find_element(root, allowed)
    if element is None or not (element_id := element.get("Id")):
        raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
    return SignedElement(element, element_id, statement, statement_id, stated.signing_time)


def check_covered(signed: SignedElement, references: Sequence[ReferenceForm]) -> None:
    """Refuse a signature that covers anything else, or in another way, than this form has it.

    Raises:
        Refused: It does.
    """
    if [reference.part for reference in references] != [signed.statement, signed.element]:
        raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
    # A canonicalisation is harmless elsewhere; here nobody makes one, so it is somebody's experiment.
    if not all(reference.is_node_set for reference in references):
        raise Refused(Reason.SIGNATURE_TRANSFORM_FORBIDDEN)


_TEMPLATE: Final = (
    '<Signature xmlns="{xmldsig}" Id="CHUKYDONVI-{id}">'
    "<SignedInfo>"
    '<CanonicalizationMethod Algorithm="{c14n}"/>'
    '<SignatureMethod Algorithm="{algorithm}"/>'
    '<Reference URI="#Object-CHUKYDONVI-{id}">'
    '<DigestMethod Algorithm="{sha256}"/><DigestValue/>'
    "</Reference>"
    '<Reference URI="#{id}">'
    '<DigestMethod Algorithm="{sha256}"/><DigestValue>{digest}</DigestValue>'
    "</Reference>"
    "</SignedInfo>"
    "<SignatureValue/>"
    "<KeyInfo><X509Data><X509SubjectName/><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>"
    '<Object Id="Object-CHUKYDONVI-{id}">'
    '<SignatureProperties xmlns="">'
    '<SignatureProperty Target="#CHUKYDONVI-{id}" Id="SignatureProperty-CHUKYDONVI-{id}">'
    "<SigningTime>{time}</SigningTime>"
    "</SignatureProperty></SignatureProperties>"
    "</Object>"
    "</Signature>"
)
# What an Id is made of here (XML's NCName, without its rarer letters), since it is written into a template.
_SAFE_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


def place_signature(
    root: Element, place: Element, signer: Signer, *, allowed: Collection[str], at: datetime
) -> None:
    """Put a signature over the one element that it may cover in its place, complete but for its value.

    Raises:
        NothingToSign: There is no such element, or its Id cannot be used.
    """
    element = find_element(root, allowed)
    if element is None:
        raise NothingToSign(f"<{root.tag!s}> has no single element that such a signature may cover")
    if element in place.iterancestors():
        raise NothingToSign(f"the signature would stand inside <{element.tag!s}>, which it covers")
    if element.get("Id") is None:
        # Whoever made the document left the Id to the signer; nobody can foresee this one.
        form = canonicalize(element, C14N_1_0)
        element.set("Id", "Id-" + hashlib.sha256(form + at.isoformat().encode()).hexdigest()[:32])
    element_id = element.get("Id", "")
    if not _SAFE_ID.fullmatch(element_id):
        raise NothingToSign(f"the Id of <{element.tag!s}> cannot be referred to")
    place.append(
        etree.fromstring(
            _TEMPLATE.format(
                xmldsig=XMLDSIG,
                id=element_id,
                c14n=C14N_1_0,
                algorithm=signer.algorithm,
                sha256=SHA256,
                digest=_digest_of(element),
                certificate=_base64(signer.certificate.public_bytes(serialization.Encoding.DER)),
                time=f"{at.astimezone(VIETNAM):%Y-%m-%dT%H:%M:%S}",
            )
        )
    )
    signature = place[-1]
    signature[2][0][0].text = write_name(signer.certificate.subject)
    # The statement inherits the namespaces of its ancestors, so it is digested in its place.
    signature[0][2][1].text = _digest_of(signature[3])


def _digest_of(element: Element) -> str:
    return _base64(hashlib.sha256(canonicalize(element, C14N_1_0)).digest())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

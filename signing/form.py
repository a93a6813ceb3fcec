"""The form of a signature: where it stands, what it is made of, what it claims to cover.

Reads a Signature element once, strictly, into a value; computes and trusts nothing. What is not listed here
as allowed is refused, before any transform is evaluated.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from lxml import etree
from lxml.etree import _Element as Element

from signing.elements import (
    ID,
    NO_ATTRIBUTES,
    Canonicalization,
    Refused,
    decode_base64,
    read_algorithm,
    read_canonicalization,
    read_parts,
    read_text,
)
from signing.policy import XMLDSIG, Policy, SignatureAlgorithm
from signing.pss import RSA_PSS, read_pss_name
from signing.references import CoverablePart, ReferenceForm, read_references
from signing.signed_element import (
    SIGNATURE_PROPERTIES,
    SignedElement,
    check_covered,
    read_signed_element,
)
from signing.statement import STATED, Statement, check_stated, read_statement, type_of_part
from signing.verdict import Reason
from signing.xades.form import QualifyingProperties, read_qualifying_properties
from signing.xades.names import QUALIFYING_PROPERTIES, SIGNED_PROPERTIES_TYPE

_DS: Final = f"{{{XMLDSIG}}}"
_SIGNATURE: Final = f"{_DS}Signature"
_SIGNED_INFO: Final = f"{_DS}SignedInfo"
_SIGNATURE_PARTS: Final = [_SIGNED_INFO, f"{_DS}SignatureValue", f"{_DS}KeyInfo"]
_OBJECT: Final = f"{_DS}Object"
_SIGNED_INFO_METHODS: Final = [f"{_DS}CanonicalizationMethod", f"{_DS}SignatureMethod"]
_X509_DATA: Final = f"{_DS}X509Data"
_X509_CERTIFICATE: Final = f"{_DS}X509Certificate"
_DS_1_1: Final = "{http://www.w3.org/2009/xmldsig11#}"
# Hints that say nothing a certificate does not say, and lists that are looked for elsewhere; never read.
_KEY_HINTS: Final = frozenset({f"{_DS}KeyName", f"{_DS}KeyValue", f"{_DS_1_1}DEREncodedKeyValue"})
# They say where the certificate is, and nothing is ever fetched.
_POINTERS: Final = frozenset({f"{_DS}RetrievalMethod", f"{_DS_1_1}KeyInfoReference"})
_X509_HINTS: Final = frozenset(
    {
        f"{_DS}X509SubjectName",
        f"{_DS}X509IssuerSerial",
        f"{_DS}X509SKI",
        f"{_DS}X509CRL",
        f"{_DS_1_1}X509Digest",
        f"{_DS_1_1}OCSPResponse",
    }
)

_OBJECT_ATTRIBUTES: Final = frozenset({"Id", "MimeType", "Encoding"})

#: The attributes of its root by which a document may be covered instead of by an empty URI.
IDS_OF_ROOT: Final = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")

#: As a container: the root itself. No policy file can say so.
ROOT: Final = "."

_FIND_IDS: Final = etree.XPath(
    "//@*[translate(local-name(), 'ID', 'id') = 'id']", smart_strings=False, regexp=False
)


class SignatureForm(NamedTuple):
    """Everything a signature claims, read from a form that has been found right."""

    element: Element
    signed_info_canonicalization: Canonicalization
    algorithm: SignatureAlgorithm
    value: bytes
    references: tuple[ReferenceForm, ...]
    # The text of each X509Certificate: base64, not yet decoded.
    certificates: tuple[str, ...]
    # What makes it a XAdES signature; a plain one has none.
    qualifying_properties: QualifyingProperties | None
    # What is covered in the document's stead; None: the whole of it is covered.
    signed_element: SignedElement | None = None
    # What is stated of the time beside the document.
    statement: Statement | None = None

    @property
    def signed_info(self) -> Element:
        """What the signature value is over."""
        return self.element[0]

    @property
    def value_element(self) -> Element:
        """What the signature value stands in."""
        return self.element[1]

    @property
    def key_info(self) -> Element:
        """What the certificates stand in."""
        return self.element[2]

    @property
    def algorithms(self) -> set[str]:
        """The names of all algorithms that SignedInfo asks for, in whatever words."""
        return {self.algorithm.name, *[each.get("Algorithm", "") for each in self.signed_info.iter("*")]}


def find_signature(root: Element, containers: Collection[str]) -> Element:
    """Return the document's one Signature, which must be the only child of one of the containers.

    Containers are paths of element names below the root.

    Raises:
        Refused: There is none, or another, or it stands elsewhere, or an id is there twice.
    """
    signature = find_placed_signature(root, containers)

    # (3) No id twice in any of its spellings, although nothing here looks an element up by id.
    #     White space around it is no part of an xml:id (xml:id 1.0, section 4).
    ids = _FIND_IDS(root)
    if isinstance(ids, list) and len({str(each).strip() for each in ids}) != len(ids):
        raise Refused(Reason.SIGNATURE_DUPLICATE_ID)
    return signature


def find_placed_signature(root: Element, containers: Collection[str]) -> Element:
    """Return the document's one Signature at its place, whatever ids there are.

    Raises:
        Refused: There is none, or another, or it stands elsewhere.
    """
    # (1) One in the whole document, wherever it stands.
    found = root.iter(_SIGNATURE)
    signature = next(found, None)
    if signature is None:
        raise Refused(Reason.SIGNATURE_MISSING)
    if next(found, None) is not None:
        raise Refused(Reason.SIGNATURE_SEVERAL)

    # (2) At its place. Whatever else stands beside it may be a wrapped copy of something.
    if find_in_containers(root, containers) is not signature:
        raise Refused(Reason.SIGNATURE_MISPLACED)
    return signature


def find_in_containers(root: Element, containers: Collection[str]) -> Element | None:
    """Return the Signature that is the only child of a container, whatever else is in the document."""
    # Nearly always that is the root's last child, which is known sooner than where each path leads.
    last = root[-1] if len(root) else root
    is_place = len(last) == 1 and last[0].tag == _SIGNATURE and last.tag in containers
    if is_place and next(last.itersiblings(str(last.tag), preceding=True), None) is None:
        return last[0]
    for path in containers:
        place = find_only(root, path)
        child = None if place is None else next(place.iterchildren("*"), None)
        if child is not None and child.tag == _SIGNATURE and next(child.itersiblings("*"), None) is None:
            return child
    return None


def find_only(root: Element, path: str) -> Element | None:
    """Return the element at a path if there is no other of its name at any step."""
    element: Element | None = root
    for name in path.split("/") if path != ROOT else ():
        children = iter(()) if element is None else element.iterchildren(name)
        element = next(children, None)
        if next(children, None) is not None:
            return None
    return element


def read_form(signature: Element, policy: Policy, files: Mapping[str, bytes] | None = None) -> SignatureForm:
    """Read the Signature element as the schema and the policy have it, and nothing more lenient.

    ``files``, by name, are what the signature must cover in the document's stead.

    Raises:
        Refused: Something in it is not as it must be.
    """
    # Text that is split by a comment or an instruction is read differently by different readers.
    if next(signature.iter(etree.Comment, etree.ProcessingInstruction), None) is not None:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    parts = read_parts(signature, ID)
    objects = _check_parts([part.tag for part in parts], parts)
    signed_info, value, key_info = parts[:3]
    canonicalization, method, *references = _read_signed_info(signed_info)

    # Algorithms first: an answer "this is SHA-1" helps more than anything that follows.
    algorithm = _signature_algorithm(method, policy)
    properties, covered, statement = _read_object(objects, references, signature, policy)
    form = SignatureForm(
        element=signature,
        references=read_references(
            references, _coverable_parts(signature, key_info, properties, covered, statement), policy, files
        ),
        signed_info_canonicalization=read_canonicalization(
            canonicalization, policy, otherwise=Reason.SIGNATURE_ALGORITHM_FORBIDDEN
        ),
        algorithm=algorithm,
        value=decode_base64(read_text(value, ID)),
        certificates=_read_key_info(key_info, policy),
        qualifying_properties=properties,
        signed_element=covered,
        statement=statement,
    )
    _check_coverage(form)
    return form


def _check_parts(tags: list[object], parts: list[Element]) -> list[Element]:
    """Return what follows KeyInfo: nothing, or the one Object that says more about the signature."""
    count = len(_SIGNATURE_PARTS)
    if tags[:count] == _SIGNATURE_PARTS:
        objects = parts[count:]
        if not objects or (len(objects) == 1 and _is_known(objects[0])):
            return objects
        if _OBJECT in tags:
            raise Refused(Reason.SIGNATURE_OBJECT_UNSUPPORTED)
    if tags == _SIGNATURE_PARTS[:2]:
        raise Refused(Reason.CERTIFICATE_MISSING)
    raise Refused(Reason.SIGNATURE_MALFORMED)


def _is_known(element: Element) -> bool:
    tags = [child.tag for child in element]
    return element.tag == _OBJECT and len(tags) == 1 and tags[0] in {QUALIFYING_PROPERTIES, *STATED}


def _read_object(
    objects: list[Element], references: list[Element], signature: Element, policy: Policy
) -> tuple[QualifyingProperties | None, SignedElement | None, Statement | None]:
    if not objects:
        return None, None, None
    (element,), signature_id = objects, signature.get("Id")
    if element[0].tag == QUALIFYING_PROPERTIES:
        (properties,) = read_parts(element, _OBJECT_ATTRIBUTES)
        return read_qualifying_properties(properties, signature_id, policy), None, None
    if any(reference.get("URI") == "" for reference in references):
        return None, None, read_statement(element, signature_id)
    # Beside one element, a statement in the signature's namespace is not what the gateway takes.
    if element[0].tag != SIGNATURE_PROPERTIES:
        raise Refused(Reason.SIGNATURE_OBJECT_UNSUPPORTED)
    root = signature.getroottree().getroot()
    return None, read_signed_element(element, signature_id, root, policy.signed_elements), None


def _read_signed_info(signed_info: Element) -> list[Element]:
    parts = read_parts(signed_info, ID)
    if [part.tag for part in parts[:2]] != _SIGNED_INFO_METHODS:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return parts


def _coverable_parts(
    signature: Element,
    key_info: Element,
    properties: QualifyingProperties | None,
    covered: SignedElement | None,
    statement: Statement | None,
) -> dict[str, CoverablePart]:
    if covered is not None:
        return {
            covered.id: CoverablePart(covered.element),
            covered.statement_id: CoverablePart(covered.statement),
        }
    if statement is not None:
        return {
            name: CoverablePart(element, (None, type_of_part(element)))
            for name, element in statement.parts.items()
        }
    parts = {name: CoverablePart(None) for name in _ids_of_document(signature)}
    # EN 319 132-1, 6.3, table 2, has two references or more: a XAdES signature may cover its KeyInfo too. A
    # plain one covers the document alone, so that there is no question what does.
    if properties is not None:
        parts[properties.id] = CoverablePart(properties.signed_properties, (SIGNED_PROPERTIES_TYPE,))
        if (key_info_id := key_info.get("Id")) is not None:
            parts[key_info_id] = CoverablePart(key_info)
    return parts


def _ids_of_document(signature: Element) -> list[str]:
    root = signature.getroottree().getroot()
    # An empty URI covers instructions beside the root, too; an id does not.
    is_alone = root.getprevious() is None and root.getnext() is None
    return [name for each in IDS_OF_ROOT if is_alone and (name := root.get(each))]


def _check_coverage(form: SignatureForm) -> None:
    """Refuse a signature that does not cover what it must: all of the document, but for one form."""
    if form.signed_element is not None:
        check_covered(form.signed_element, form.references)
    elif form.statement is not None:
        check_stated(form.statement, form.references)
    elif all(reference.part is not None for reference in form.references):
        raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
    if form.qualifying_properties is not None:
        _check_properties_are_signed(form, form.qualifying_properties)


def _check_properties_are_signed(form: SignatureForm, properties: QualifyingProperties) -> None:
    if all(reference.part is not properties.signed_properties for reference in form.references):
        raise Refused(Reason.XADES_NOT_SIGNED)
    # EN 319 132-1, 5.2.4: a format is said of a signed object, by the Id of its reference.
    described = {reference.id for reference in form.references}
    if not described.issuperset(properties.described_references):
        raise Refused(Reason.XADES_MALFORMED)


def _signature_algorithm(method: Element, policy: Policy) -> SignatureAlgorithm:
    uri = read_algorithm(method)
    if uri in policy.sha1_algorithms:
        raise Refused(Reason.SIGNATURE_SHA1)
    has_parameters = len(method) > 0
    if uri == RSA_PSS:
        uri, has_parameters = read_pss_name(method, policy), False
    # HMAC is not on the list; neither is a parameter such as HMACOutputLength.
    if uri not in policy.signature_algorithms or has_parameters:
        raise Refused(Reason.SIGNATURE_ALGORITHM_FORBIDDEN)
    return policy.signature_algorithms[uri]


def _read_key_info(key_info: Element, policy: Policy) -> tuple[str, ...]:
    """Return the certificates; a bare key, however well it fits, says nothing about who signed."""
    certificates: list[str] = []
    for part in read_parts(key_info, ID):
        if part.tag == _X509_DATA:
            certificates += _read_x509_data(part)
        elif part.tag in _POINTERS:
            raise Refused(Reason.CERTIFICATE_ELSEWHERE)
        elif part.tag not in _KEY_HINTS:
            raise Refused(Reason.SIGNATURE_MALFORMED)
    if not certificates:
        raise Refused(Reason.CERTIFICATE_MISSING)
    if len(certificates) > policy.max_certificates:
        raise Refused(Reason.CERTIFICATE_MALFORMED)
    return tuple(certificates)


def _read_x509_data(x509_data: Element) -> list[str]:
    certificates = []
    for part in read_parts(x509_data, NO_ATTRIBUTES):
        if part.tag == _X509_CERTIFICATE:
            certificates.append(read_text(part))
        elif part.tag not in _X509_HINTS:
            raise Refused(Reason.SIGNATURE_MALFORMED)
    return certificates

"""Sign a bundle: one enveloped signature over the whole document, inside the element made for it.

The bytes that come out are final: whoever parses and writes them again may break the signature.
"""

import base64
import hashlib
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives import serialization
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, canonicalize, canonicalize_document, parse_verbatim, write_document
from signing.errors import AlreadySigned, ContainerNotEmpty, MissingContainer
from signing.keys import Signer
from signing.policy import ENVELOPED_SIGNATURE, SHA256, XMLDSIG
from signing.xades.make import xades_signature


class Profile(StrEnum):
    """What kind of signature is made; :mod:`signing.xades.extend` adds timestamps and evidence."""

    PLAIN = "a"
    XADES = "xades-b"


_TEMPLATE = (
    '<Signature xmlns="{xmldsig}">'
    "<SignedInfo>"
    '<CanonicalizationMethod Algorithm="{c14n}"/>'
    '<SignatureMethod Algorithm="{algorithm}"/>'
    '<Reference URI="">'
    '<Transforms><Transform Algorithm="{enveloped}"/></Transforms>'
    '<DigestMethod Algorithm="{sha256}"/>'
    "<DigestValue>{digest}</DigestValue>"
    "</Reference>"
    "</SignedInfo>"
    "<SignatureValue/>"
    "<KeyInfo><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>"
    "</Signature>"
)


def sign_bundle(
    data: bytes,
    signer: Signer,
    *,
    container: str = "CHUKYDONVI",
    profile: Profile = Profile.PLAIN,
    at: datetime | None = None,
) -> bytes:
    """Return the document with a signature in its container element, as UTF-8 without a byte order mark.

    ``at`` is the time of signing that a XAdES signature claims, and needs.

    Raises:
        Unparsable: The bytes are not XML that this service reads.
        AlreadySigned: There is a signature somewhere in it.
        MissingContainer: The root has no such child, or several.
        ContainerNotEmpty: The container holds other elements.
    """
    root = parse_verbatim(data)
    place = _find_container(root, container)
    # The enveloped-signature transform takes the signature out again, so the document is digested as it is.
    digest = hashlib.sha256(canonicalize_document(root, C14N_1_0)).digest()
    if profile is Profile.PLAIN:
        place.append(_signature(signer, digest))
    elif at is not None and at.tzinfo is not None:
        place.append(xades_signature(signer, digest, at=at))
    else:
        raise ValueError("a XAdES signature claims a time of signing, which must be given and aware")
    # SignedInfo inherits the namespaces of its ancestors, so it is signed in its place.
    signed_info, value = place[-1][0], place[-1][1]
    value.text = _base64(signer.sign(canonicalize(signed_info, signed_info[0].get("Algorithm", ""))))
    return write_document(root)


def _find_container(root: Element, container: str) -> Element:
    if next(root.iter(f"{{{XMLDSIG}}}Signature"), None) is not None:
        raise AlreadySigned("the document holds a signature already")
    places = root.findall(container)
    if len(places) != 1:
        raise MissingContainer(container, len(places))
    if next(places[0].iterchildren("*"), None) is not None:
        raise ContainerNotEmpty(container)
    return places[0]


def _signature(signer: Signer, digest: bytes) -> Element:
    return etree.fromstring(
        _TEMPLATE.format(
            xmldsig=XMLDSIG,
            c14n=C14N_1_0,
            algorithm=signer.algorithm,
            enveloped=ENVELOPED_SIGNATURE,
            sha256=SHA256,
            digest=_base64(digest),
            certificate=_base64(signer.certificate.public_bytes(serialization.Encoding.DER)),
        ),
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

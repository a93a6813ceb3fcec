"""Sign a bundle: one enveloped signature over the whole document, inside the element made for it.

The bytes that come out are final: whoever parses and writes them again may break the signature.
"""

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cryptography.hazmat.primitives import serialization
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, canonicalize, canonicalize_document, parse_verbatim, write_document
from signing.errors import AlreadySigned, ContainerNotEmpty, MissingContainer
from signing.form import find_only
from signing.keys import Signer
from signing.policy import DEFAULT_POLICY, ENVELOPED_SIGNATURE, SHA256, XMLDSIG, Policy
from signing.signed_element import place_signature
from signing.xades.make import xades_signature


class Profile(StrEnum):
    """What kind of signature is made; :mod:`signing.xades.extend` adds timestamps and evidence."""

    PLAIN = "a"
    ELEMENT = "b"
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


@dataclass(frozen=True, slots=True)
class PreparedBundle:
    """A document with a signature that lacks nothing but its value.

    Attributes:
        octets: What the value is made over: SignedInfo in its canonical form.
    """

    octets: bytes
    _root: Element = field(repr=False)
    _value: Element = field(repr=False)

    def complete(self, value: bytes) -> bytes:
        """Return the document with this value in its signature, as UTF-8 without a byte order mark."""
        self._value.text = _base64(value)
        return write_document(self._root)


def sign_bundle(
    data: bytes,
    signer: Signer,
    *,
    profile: Profile = Profile.PLAIN,
    at: datetime | None = None,
    policy: Policy = DEFAULT_POLICY,
) -> bytes:
    """Return the document with a signature in its container element: prepared, signed and completed.

    Raises:
        SigningError: What `prepare_bundle` and the signer raise.
    """
    prepared = prepare_bundle(data, signer, profile=profile, at=at, policy=policy)
    return prepared.complete(signer.sign(prepared.octets))


def prepare_bundle(
    data: bytes,
    signer: Signer,
    *,
    profile: Profile = Profile.PLAIN,
    at: datetime | None = None,
    policy: Policy = DEFAULT_POLICY,
) -> PreparedBundle:
    """Return the document with a signature in its container element that has no value yet.

    ``at`` is the time of signing that all but a plain signature claim, and need. ``policy`` says where a
    signature may stand, and what profile B may cover.

    Raises:
        Unparsable: The bytes are not XML that this service reads.
        AlreadySigned: There is a signature somewhere in it.
        MissingContainer: There is no place for a signature, or several.
        ContainerNotEmpty: The place holds other elements.
        NothingToSign: Profile B covers no element of this document.
    """
    root = parse_verbatim(data)
    place = _find_container(root, policy.containers)
    if profile is not Profile.PLAIN and (at is None or at.tzinfo is None):
        raise ValueError("such a signature claims a time of signing, which must be given and aware")
    if at is not None and profile is Profile.ELEMENT:
        place_signature(root, place, signer, allowed=policy.signed_elements, at=at)
    else:
        _place_enveloped(root, place, signer, at=None if profile is Profile.PLAIN else at)
    # SignedInfo inherits the namespaces of its ancestors, so it is signed in its place.
    signed_info, value = place[-1][0], place[-1][1]
    octets = canonicalize(signed_info, signed_info[0].get("Algorithm", ""))
    return PreparedBundle(octets, root, value)


def _place_enveloped(root: Element, place: Element, signer: Signer, *, at: datetime | None) -> None:
    """Put a signature over the whole document in its place: plain, or XAdES if it claims a time."""
    # The enveloped-signature transform takes the signature out again, so the document is digested as it is.
    digest = hashlib.sha256(canonicalize_document(root, C14N_1_0)).digest()
    place.append(_signature(signer, digest) if at is None else xades_signature(signer, digest, at=at))


def _find_container(root: Element, containers: Collection[str]) -> Element:
    if next(root.iter(f"{{{XMLDSIG}}}Signature"), None) is not None:
        raise AlreadySigned("the document holds a signature already")
    found = {path: root.findall(path) for path in sorted(containers)}
    places = [(path, place) for path in found if (place := find_only(root, path)) is not None]
    # One container may be inside another, which then is not empty.
    empty = [place for _, place in places if next(place.iterchildren("*"), None) is None]
    if places and not empty:
        raise ContainerNotEmpty(places[-1][0])
    if len(empty) != 1:
        raise MissingContainer(" or ".join(found), len(empty) or sum(map(len, found.values())))
    return empty[0]


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

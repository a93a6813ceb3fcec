"""Sign a bundle: one enveloped signature over the whole document, inside the element made for it.

The bytes that come out are final: whoever parses and writes them again may break the signature.
"""

import base64
import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import (
    C14N_1_0,
    DECLARATION,
    canonicalize,
    canonicalize_document,
    parse_verbatim,
    write_document,
)
from signing.errors import AlreadySigned, ContainerNotEmpty, MissingContainer
from signing.form import find_only
from signing.keys import Signer
from signing.plain_form import PlainBytes, find_plain_form, find_root
from signing.policy import DEFAULT_POLICY, SHA256, XMLDSIG, Policy
from signing.shapes import PLAIN
from signing.signed_element import place_signature
from signing.xades.make import xades_signature


class Profile(StrEnum):
    """What kind of signature is made; :mod:`signing.xades.extend` adds timestamps and evidence."""

    PLAIN = "a"
    ELEMENT = "b"
    XADES = "xades-b"


# Where something will stand in what is written. Whoever makes a document cannot know it.
_MARK: Final = secrets.token_hex()


@dataclass(frozen=True, slots=True)
class PreparedBundle:
    """A document with a signature that lacks nothing but its value.

    Attributes:
        octets: What the value is made over: SignedInfo in its canonical form.
    """

    octets: bytes
    _before: bytes = field(repr=False)
    _after: bytes = field(repr=False)

    def complete(self, value: bytes) -> bytes:
        """Return the document with this value in its signature, as UTF-8 without a byte order mark."""
        return b"".join((self._before, base64.b64encode(value), self._after))

    def is_what_signed(self, document: bytes) -> bool:
        """Whether a document is this one with some value in its signature; nobody verifies that here.

        An elliptic curve signs the same with another value each time.
        """
        longest = len(document) - len(self._after)
        return document.startswith(self._before) and document.find(self._after, len(self._before)) == longest


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
    if at is None or profile is Profile.PLAIN:
        parts = _split_bytes(data, root, place) or _split_form(root, place)
        return _prepare_plain(root, place, signer) if parts is None else _prepare_around(parts, root, signer)
    if profile is Profile.ELEMENT:
        place_signature(root, place, signer, allowed=policy.signed_elements, at=at)
    else:
        place.append(xades_signature(signer, _digest(root), at=at))
    return _prepared(root, place)


def _split_bytes(data: bytes, root: Element, place: Element) -> tuple[bytes, bytes] | None:
    """Return the canonical form of a plain document before and behind what will be in the place.

    Only of one whose bytes are that form already, with an empty place at its end; otherwise None.
    """
    # In a plain document <CHUKYDONVI/></GIAMDINHHS> at its end can be nothing else.
    name, end_tag = f"{place.tag!s}".encode(), f"</{root.tag!s}>".encode()
    before, _, behind = data[find_root(data) :].rstrip(b" \t\n").rpartition(b"<%b" % name)
    empty = next((each for each in (b"/>", b"></%b>" % name) if behind.startswith(each)), None)
    if empty is None or place.getparent() is not root or behind[len(empty) :].lstrip(b" \t\n") != end_tag:
        return None
    after = b"</%b>%b" % (name, behind[len(empty) :])
    document = PlainBytes.find(b"%b<%b>%b" % (before, name, after))
    return None if document is None else (document.form(exclusive=False)[: -len(after)], after)


def _split_form(root: Element, place: Element) -> tuple[bytes, bytes] | None:
    """Return the same of any plain document, or None: this one is not plain."""
    text = place.text
    place.text = f"{text or ''}{_MARK}"
    form = find_plain_form(root, exclusive=False)
    place.text = text
    if form is None:
        return None
    before, after = form.split(_MARK.encode())
    return before, after


def _prepare_around(parts: tuple[bytes, bytes], root: Element, signer: Signer) -> PreparedBundle:
    """Prepare a plain signature between the parts of a canonical form, which is digested as it is written."""
    before, after = parts
    digest = hashlib.sha256(before)
    digest.update(after)
    holes = _holes(signer, digest.digest())
    begin, end = PLAIN.written(holes).encode().split(_MARK.encode())
    octets = PLAIN.signed_info_form(tuple((prefix or "", name) for prefix, name in root.nsmap.items()), holes)
    return PreparedBundle(octets, b"".join((DECLARATION, before, begin)), end + after)


def _prepare_plain(root: Element, place: Element, signer: Signer) -> PreparedBundle:
    place.append(etree.fromstring(PLAIN.written(_holes(signer, _digest(root)))))
    return _prepared(root, place)


def _prepared(root: Element, place: Element) -> PreparedBundle:
    # SignedInfo inherits the namespaces of its ancestors, so it is signed in its place.
    signed_info, value = place[-1][0], place[-1][1]
    octets = canonicalize(signed_info, signed_info[0].get("Algorithm", ""))
    value.text = _MARK
    before, after = write_document(root).split(_MARK.encode())
    return PreparedBundle(octets, before, after)


def _digest(root: Element) -> bytes:
    # The enveloped-signature transform takes the signature out again, so the document is digested as it is.
    return hashlib.sha256(canonicalize_document(root, C14N_1_0)).digest()


def _find_container(root: Element, containers: Collection[str]) -> Element:
    if next(root.iter(f"{{{XMLDSIG}}}Signature"), None) is not None:
        raise AlreadySigned("the document holds a signature already")
    places = {path: place for path in sorted(containers) if (place := find_only(root, path)) is not None}
    # One container may be inside another, which then is not empty.
    empty = [place for place in places.values() if next(place.iterchildren("*"), None) is None]
    if places and not empty:
        raise ContainerNotEmpty(next(reversed(places)))
    if len(empty) != 1:
        count = len(empty) or sum(len(root.findall(path)) for path in containers)
        raise MissingContainer(" or ".join(sorted(containers)), count)
    return empty[0]


def _holes(signer: Signer, digest: bytes) -> Mapping[str, str]:
    return {
        "method": C14N_1_0,
        "algorithm": signer.algorithm,
        "digest_method": SHA256,
        "digest": base64.b64encode(digest).decode("ascii"),
        "value": _MARK,
        "certificate": _written(signer.certificate),
    }


@lru_cache(maxsize=64)
def _written(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode("ascii")

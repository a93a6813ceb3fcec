"""How nearly everybody writes a signature: the text, how it is recognised, the canonical forms of its parts.

A shape has holes, called by the name of what stands there: filled in by who signs, found by who verifies. A
signature of another form is no worse; it is read from its tree.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from lxml import etree

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE, canonicalize
from signing.plain_form import declare
from signing.policy import ENVELOPED_SIGNATURE, XMLDSIG
from signing.xades.form import DATE_TIME
from signing.xades.names import SIGNED_PROPERTIES_TYPE, XADES

_REFERENCE: Final = (
    '<P:Transforms><P:Transform Algorithm="{enveloped}"/>{transform}</P:Transforms>'
    '<P:DigestMethod Algorithm="{digest_method}"/><P:DigestValue>{digest}</P:DigestValue>'
    "</P:Reference>"
)
_VALUE_AND_KEY: Final = (
    "<P:SignatureValue>{value}</P:SignatureValue>"
    "<P:KeyInfo><P:X509Data><P:X509Certificate>{certificate}</P:X509Certificate></P:X509Data></P:KeyInfo>"
)
_PLAIN: Final = (
    '<P:Signature xmlns:P="{xmldsig}"><P:SignedInfo>'
    '<P:CanonicalizationMethod Algorithm="{method}"/><P:SignatureMethod Algorithm="{algorithm}"/>'
    f'<P:Reference URI="">{_REFERENCE}</P:SignedInfo>{_VALUE_AND_KEY}</P:Signature>'
)
_XADES: Final = (
    '<P:Signature xmlns:P="{xmldsig}" Id="{id}"><P:SignedInfo>'
    '<P:CanonicalizationMethod Algorithm="{method}"/><P:SignatureMethod Algorithm="{algorithm}"/>'
    f'<P:Reference Id="{{document}}" URI="">{_REFERENCE}'
    '<P:Reference Type="{type}" URI="#{properties}">'
    '<P:Transforms><P:Transform Algorithm="{properties_transform}"/></P:Transforms>'
    '<P:DigestMethod Algorithm="{properties_method}"/><P:DigestValue>{properties_digest}</P:DigestValue>'
    f"</P:Reference></P:SignedInfo>{_VALUE_AND_KEY}"
    '<P:Object><xades:QualifyingProperties xmlns:xades="{xades}" Target="#{id}">'
    '<xades:SignedProperties Id="{properties}"><xades:SignedSignatureProperties>'
    "<xades:SigningTime>{time}</xades:SigningTime>"
    "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
    '<P:DigestMethod Algorithm="{named_method}"/><P:DigestValue>{named}</P:DigestValue>'
    "</xades:CertDigest><xades:IssuerSerialV2>{issuer_serial}</xades:IssuerSerialV2>"
    "</xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
    "<xades:SignedDataObjectProperties>"
    '<xades:DataObjectFormat ObjectReference="#{document}"><xades:MimeType>text/xml</xades:MimeType>'
    "</xades:DataObjectFormat></xades:SignedDataObjectProperties></xades:SignedProperties>"
    "</xades:QualifyingProperties></P:Object></P:Signature>"
)
_TRANSFORM: Final = '<P:Transform Algorithm="{after}"/>'
_GIVEN: Final = {
    "xmldsig": XMLDSIG,
    "xades": XADES,
    "type": SIGNED_PROPERTIES_TYPE,
    "enveloped": ENVELOPED_SIGNATURE,
}
_HOLE: Final = re.compile(r"\{(\w+)\}")
# The holes that hold an Id.
_IDS: Final = frozenset({"id", "document", "properties"})
_ALGORITHMS: Final = frozenset({"method", "algorithm", "after", "properties_transform"})


@dataclass(frozen=True, slots=True)
class Shape:
    """A way to write a signature.

    Attributes:
        pattern: What recognises it, and finds what stands in its holes.
        has_transform: Whether a canonicalisation of the document is named.
        properties: The canonical forms of its signed properties by algorithm, with holes; empty: it has none.
        start: What it begins with, as far as the character behind its first attribute.
    """

    pattern: re.Pattern[str]
    has_transform: bool
    properties: Mapping[str, str]
    start: bytes
    _prefix: str
    _text: str
    # What follows the start tag of SignedInfo in its canonical form.
    _signed_info: str

    @classmethod
    def of(cls, template: str, prefix: str, *, has_transform: bool) -> Self:
        """Make a shape of a template in which all elements of the signature carry the prefix ``P``."""
        text = template.replace("{transform}", _TRANSFORM if has_transform else "")
        text = text.replace("xmlns:P=", f"xmlns:{prefix}=" if prefix else "xmlns=")
        text = text.replace("P:", f"{prefix}:" if prefix else "")
        for name, value in _GIVEN.items():
            text = text.replace(f"{{{name}}}", value)
        pattern, text = re.compile(_pattern(text)), _HOLE.sub(r"%(\1)s", text)
        sample = etree.fromstring(text)
        signed_info = canonicalize(sample[0], C14N_1_0).decode()
        # The exclusive form alone is the same wherever a part stands.
        properties = (
            {C14N_EXCLUSIVE: canonicalize(sample[3][0][0], C14N_EXCLUSIVE).decode()} if sample[3:] else {}
        )
        start = text[: text.index('"', text.index('"') + 1) + 2].encode()
        return cls(pattern, has_transform, properties, start, prefix, text, signed_info.partition(">")[2])

    def written(self, holes: Mapping[str, str]) -> str:
        """Return a signature of this shape."""
        return self._text % holes

    def signed_info_form(self, inherited: tuple[tuple[str, str], ...], holes: Mapping[str, str]) -> bytes:
        """Return the canonical form of SignedInfo where these namespaces are declared around it."""
        return f"{_start_tag(self._prefix, inherited)}{self._signed_info % holes}".encode()


@lru_cache(maxsize=256)
def _start_tag(prefix: str, inherited: tuple[tuple[str, str], ...]) -> str:
    tag = f"{prefix}:SignedInfo" if prefix else "SignedInfo"
    return f"<{tag}{declare(sorted([*inherited, (prefix, XMLDSIG)]))}>"


def _pattern(text: str) -> str:
    pattern, seen = "", set()
    for place, piece in enumerate(_HOLE.split(text)):
        if place % 2 == 0:
            pattern += re.escape(piece)
        elif piece in seen:
            pattern += f"(?P={piece})"
        else:
            seen.add(piece)
            pattern += f"(?P<{piece}>{_hole(piece)})"
    return pattern


def _hole(name: str) -> str:
    if name in _IDS:
        return r"[A-Za-z0-9_.-]+"
    if name == "time":
        return DATE_TIME
    # Which algorithm it is, the policy knows; whether a text is base64, its reader.
    return '[^"]*+' if name in _ALGORITHMS or name.endswith("method") else "[^<]*+"


#: What bundles are signed with here: without a prefix and without a transform but the enveloped signature's.
PLAIN: Final = Shape.of(_PLAIN, "", has_transform=False)
_SHAPES: Final = (
    PLAIN,
    Shape.of(_PLAIN, "", has_transform=True),
    Shape.of(_PLAIN, "ds", has_transform=False),
    Shape.of(_PLAIN, "ds", has_transform=True),
    Shape.of(_XADES, "ds", has_transform=True),
    Shape.of(_XADES, "ds", has_transform=False),
    Shape.of(_XADES, "", has_transform=True),
    Shape.of(_XADES, "", has_transform=False),
)
#: By what they begin with, as far as the character behind the first attribute, those first that are met most.
SHAPES: Final = {
    start: tuple(shape for shape in _SHAPES if shape.start == start)
    for start in {each.start for each in _SHAPES}
}

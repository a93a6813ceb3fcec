"""Documents of any shape that XML allows, signed by libxmlsec1: what its canonical forms must agree on.

Namespaces declared, undeclared and redeclared, attributes of other namespaces and of XML's own, references,
CDATA sections, comments, instructions, line ends and characters beyond the first plane, everywhere.
"""

import base64
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE
from signing.demo_pki import FacilityKey
from signing.policy import ENVELOPED_SIGNATURE, XMLDSIG

# Its types lack half of it.
xmlsec: Any = importlib.import_module("xmlsec")

_NAMES: Final = ("urn:a", "urn:b", "http://x/y?z=1", "http://www.w3.org/2001/XMLSchema-instance")
_TEXTS: Final = (
    *("x", "é", "𝔸", " ", "\n", "\t", "\r", "\r\n", "\u200b", "\u00a0", "\u2028", ">", "'", '"'),
    *("&#13;", "&#10;", "&#9;", "&lt;", "&gt;", "&amp;", "&quot;", "]]&gt;", "&#x10FFFF;"),
    *("<![CDATA[<&>]]>", "<![CDATA[]]>", "<!--c-->", "<?p d?>", "<?p?>", "<?p  d  ?>"),
)
_VALUES: Final = (
    *("x", "𝔸", "\u0085", "  ", "\n", "\t", "\r\n", ">"),
    *("&#13;", "&#10;", "&#9;", "&lt;", "&amp;", "&quot;", "&apos;"),
)
_XML_ATTRIBUTES: Final = ('xml:lang="vi"', 'xml:space="preserve"')
_SIGNATURE_ATTRIBUTES: Final = ("", " Id='s'", " xmlns:z='urn:z'")
_PREFIX_LISTS: Final = ("p", "q zz", "p q ds", "xs", "#default", "p #default")
_DIGESTS: Final = ("2001/04/xmlenc#sha256", "2001/04/xmldsig-more#sha384", "2001/04/xmlenc#sha512")
_DECLARATIONS: Final = (
    "",
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    "<?xml version='1.0' standalone='yes'?>\r\n",
)


@dataclass(frozen=True)
class Generator:
    """Makes documents, always the same from one state of its random numbers."""

    random: Random

    def signed(self, key: FacilityKey) -> bytes:
        """Return a document with a signature by libxmlsec1 in it."""
        unsigned = self._document(key)
        # What it digests is the text as it stands, so its answers are put into that text.
        node = xmlsec.tree.find_node(etree.fromstring(unsigned.encode()), xmlsec.Node.SIGNATURE)
        context = xmlsec.SignatureContext()
        secret = key.signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context.key = xmlsec.Key.from_memory(secret, xmlsec.KeyFormat.PEM)
        context.sign(node)
        for name in ("DigestValue", "SignatureValue"):
            unsigned = unsigned.replace(f"{{{name}}}", next(node.iter(f"{{{XMLDSIG}}}{name}")).text)
        return unsigned.encode()

    def _document(self, key: FacilityKey) -> str:
        scope = {
            prefix: self._one(_NAMES)
            for prefix in self.random.sample(("p", "q", "r"), self.random.randrange(3))
        }
        root = [f'xmlns:{prefix}="{name}"' for prefix, name in scope.items()]
        root += self.random.sample(
            ('xml:lang="vi"', "xml:space='preserve'", 'a="1"'), self.random.randrange(3)
        )
        self.random.shuffle(root)
        place = self._one(("CHUKYDONVI", "CKS_BENH_VIEN"))
        attribute = self._one(("", "", " xml:lang='en'", " x='1'", ' xmlns:c="urn:c"'))
        beside = self._one(("", "\n ", "<!--x-->"))
        inside = f"{self._text()}{self._element(3, scope)}{self._text()}"
        return (
            f"{self._one(_DECLARATIONS)}{self._outside()}<GIAMDINHHS {' '.join(root)}>{inside}"
            f"<{place}{attribute}>{beside}{self._signature(key)}{beside}</{place}>{self._text()}</GIAMDINHHS>"
            f"{self._outside()}"
        )

    def _signature(self, key: FacilityKey) -> str:
        prefix, space = self._one(("ds:", "x:", "")), self._one(("", "\n", "\n  ", "\t"))
        certificate = base64.encodebytes(key.certificate.public_bytes(Encoding.DER)).decode()
        declared = f"xmlns{':' if prefix else ''}{prefix.rstrip(':')}"
        transforms = f'<P:Transform Algorithm="{ENVELOPED_SIGNATURE}"/>{space}'
        transforms += self._one(("", self._algorithm("Transform")))
        hint = self._one(("", "<P:KeyName>k</P:KeyName>"))
        text = (
            f'<P:Signature {declared}="{XMLDSIG}"{self._one(_SIGNATURE_ATTRIBUTES)}>{space}'
            f"<P:SignedInfo>{space}{self._algorithm('CanonicalizationMethod')}{space}"
            f'<P:SignatureMethod Algorithm="{key.signer.algorithm}"/>{space}<P:Reference URI="">'
            f"<P:Transforms>{space}{transforms}</P:Transforms>{space}"
            f'<P:DigestMethod Algorithm="http://www.w3.org/{self._one(_DIGESTS)}"/>'
            f"<P:DigestValue>{{DigestValue}}</P:DigestValue></P:Reference>{space}</P:SignedInfo>{space}"
            f"<P:SignatureValue>{{SignatureValue}}</P:SignatureValue>{space}"
            f"<P:KeyInfo>{hint}<P:X509Data>{space}<P:X509Certificate>{certificate}</P:X509Certificate>"
            f"</P:X509Data></P:KeyInfo></P:Signature>"
        )
        return text.replace("<P:", f"<{prefix}").replace("</P:", f"</{prefix}")

    def _algorithm(self, name: str) -> str:
        algorithm, parameter = self._one((C14N_1_0, C14N_1_1, C14N_EXCLUSIVE)), ""
        if algorithm == C14N_EXCLUSIVE and self._chance(0.5):
            listed = self._one(_PREFIX_LISTS)
            parameter = f'<e:InclusiveNamespaces xmlns:e="{C14N_EXCLUSIVE}" PrefixList="{listed}"/>'
        return f'<P:{name} Algorithm="{algorithm}">{parameter}</P:{name}>'

    def _element(self, depth: int, outer: Mapping[str, str]) -> str:
        declared = {self._one(("p", "q", "r", "")): self._one(_NAMES)} if self._chance(0.35) else {}
        if self._chance(0.1):
            declared[""] = ""
        scope = {**outer, **declared}
        prefixes = [prefix for prefix in scope if prefix]
        prefix = self._one((*prefixes, "", "", ""))
        name = f"{prefix}{':' if prefix else ''}{self._one(('A', 'B', 'Ô'))}"
        attributes = [f'xmlns{":" if each else ""}{each}="{uri}"' for each, uri in declared.items()]
        attributes += self.random.sample(_XML_ATTRIBUTES, self.random.randrange(3))
        attributes += [
            f"{each}={self._value()}"
            for each in self.random.sample(("b", "a", "Á"), self.random.randrange(3))
        ]
        if prefixes and self._chance(0.5):
            attributes.append(f"{self._one(prefixes)}:a = {self._value()}")
        self.random.shuffle(attributes)
        tag = "".join(
            [name, *(f"{self._one((' ', chr(10), '  '))}{each}" for each in attributes), self._one(("", " "))]
        )
        if self._chance(0.15):
            return f"<{tag}/>"
        inner = [self._element(depth - 1, scope) for _ in range(self.random.randrange(4) if depth else 0)]
        return f"<{tag}>{self._text()}{self._text().join(inner)}{self._text()}</{name}{self._one(('', ' '))}>"

    def _text(self) -> str:
        return "".join(self._one(_TEXTS) for _ in range(self.random.randrange(5)))

    def _value(self) -> str:
        return '"' + "".join(self._one(_VALUES) for _ in range(self.random.randrange(4))) + '"'

    def _outside(self) -> str:
        return self._one(("", "", "<!--a-->", "<?pi x?>", "\n"))

    def _one(self, choices: tuple[str, ...] | list[str]) -> str:
        return self.random.choice(choices)

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

"""Transforms: refused before anything is evaluated."""

from collections.abc import Iterator

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE
from signing.policy import ENVELOPED_SIGNATURE, XMLDSIG
from signing.verdict import Reason
from tests.unit.signing.attacks.table import Attack, Family, edited, part_of, recipe, replaced
from tests.unit.signing.documents import ENVELOPED, Recipe, transform

XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
FILTER_2 = "http://www.w3.org/2002/06/xmldsig-filter2"
XSLT_1 = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XSLT = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
    '<xsl:template match="/"><xsl:copy-of select="document(\'/etc/passwd\')"/></xsl:template>'
    "</xsl:stylesheet>"
)
OTHERS = {
    "XPath that leaves out the claims": transform(XPATH, "<P:XPath>not(ancestor::HOSO)</P:XPath>"),
    "XPath that keeps nothing": transform(XPATH, "<P:XPath>false()</P:XPath>"),
    "XPath filter 2 that intersects": transform(
        FILTER_2, f'<f:XPath xmlns:f="{FILTER_2}" Filter="intersect">//MACSKCB</f:XPath>'
    ),
    "XPath filter 2 that subtracts": transform(
        FILTER_2, f'<f:XPath xmlns:f="{FILTER_2}" Filter="subtract">//HOSO</f:XPath>'
    ),
    "XSLT that reads a file": transform(XSLT_1, XSLT),
    "base64": transform(f"{XMLDSIG}base64"),
    "decryption": transform("http://www.w3.org/2002/07/decrypt#XML"),
    "the transform of WS-Security": transform(
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"
    ),
    "Canonical XML 2.0": transform("http://www.w3.org/2010/xml-c14n2"),
    "Canonical XML 1.0 with comments": transform(f"{C14N_1_0}#WithComments"),
    "Canonical XML 1.1 with comments": transform(f"{C14N_1_1}#WithComments"),
    "Exclusive Canonical XML with comments": transform(f"{C14N_EXCLUSIVE}WithComments"),
    "a second enveloped-signature": ENVELOPED,
    "no algorithm": transform(""),
    "an algorithm with a blank": transform(f"{C14N_1_0} "),
    "an algorithm in capitals": transform(C14N_1_0.upper()),
    "Canonical XML 1.0 with a parameter": transform(C14N_1_0, "<X/>"),
    "Exclusive Canonical XML with another parameter": transform(C14N_EXCLUSIVE, "<X/>"),
    "two canonicalisations": transform(C14N_1_0) * 2,
    "too many prefixes": transform(
        C14N_EXCLUSIVE, f'<InclusiveNamespaces xmlns="{C14N_EXCLUSIVE}" PrefixList="{"p " * 17}"/>'
    ),
    "a prefix list for Canonical XML 1.0": transform(
        C14N_1_0, f'<InclusiveNamespaces xmlns="{C14N_EXCLUSIVE}" PrefixList="xsi"/>'
    ),
    "two prefix lists": transform(
        C14N_EXCLUSIVE, f'<InclusiveNamespaces xmlns="{C14N_EXCLUSIVE}" PrefixList="xsi"/>' * 2
    ),
    "a prefix list with text": transform(
        C14N_EXCLUSIVE,
        f'<InclusiveNamespaces xmlns="{C14N_EXCLUSIVE}" PrefixList="xsi">x</InclusiveNamespaces>',
    ),
}
PREFIX_LISTS = {
    "a no-break space": "xsi&#160;xsd", "an ideographic space": "xsi&#12288;xsd", "a colon": "a:b",
    "a wildcard": "*", "a comma": "xsi,xsd", "a digit first": "1x", "another keyword": "#all",
}  # fmt: skip
_OWN = f'<InclusiveNamespaces xmlns="{ENVELOPED_SIGNATURE}" PrefixList="xsi"'
PARAMETERS = {
    "a parameter": "<X/>",
    "another transform's prefix list": f'<InclusiveNamespaces xmlns="{C14N_EXCLUSIVE}" PrefixList="xsi"/>',
    "a prefix list that holds something": f"{_OWN}><X/></InclusiveNamespaces>",
    "a prefix list with a text": f"{_OWN}>x</InclusiveNamespaces>",
    "a prefix list with another attribute": f'{_OWN} Id="x"/>',
    "a prefix list and something else": f"{_OWN}/><X/>",
}
# Almost what stands for enveloped-signature where a signer knows XPath alone.
EXPRESSIONS = {
    "a prefix of nothing": "not(ancestor-or-self::nothing:Signature)",
    "a prefix of something else": "not(ancestor-or-self::xsi:Signature)",
    "no prefix": "not(ancestor-or-self::Signature)",
    "what has the signature inside": "not(descendant-or-self::ds:Signature)",
    "the claims, too": "not(ancestor-or-self::ds:Signature or ancestor-or-self::HOSO)",
    "anything": "not(ancestor-or-self::ds:Signature) or true()",
    "another element": "not(ancestor-or-self::ds:SignatureValue)",
    "nothing, for a space that XPath has not": "not(&#160;ancestor-or-self::ds:Signature)",
    "a comment inside": "not(ancestor-or-self::ds:Signature<!-- -->)",
    "an element inside": "not(ancestor-or-self::ds:Signature)<X/>",
}
FORBIDDEN, MALFORMED = Reason.SIGNATURE_TRANSFORM_FORBIDDEN, Reason.SIGNATURE_MALFORMED


def attacks() -> Iterator[Attack]:
    for name, added in OTHERS.items():
        yield Attack(
            f"{name} after enveloped-signature", recipe(Recipe(transforms=ENVELOPED + added)), FORBIDDEN
        )
    for name, expression in EXPRESSIONS.items():
        inside = f"<P:XPath>{expression}</P:XPath>"
        is_malformed = "<" in expression
        yield Attack(
            f"XPath instead of enveloped-signature that leaves out {name}",
            recipe(Recipe(prefix="ds", transforms=transform(XPATH, inside))),
            MALFORMED if is_malformed else FORBIDDEN,
        )
    for name, listed in PREFIX_LISTS.items():
        parameter = f'<InclusiveNamespaces xmlns="{C14N_EXCLUSIVE}" PrefixList="{listed}"/>'
        like = Recipe(transforms=ENVELOPED + transform(C14N_EXCLUSIVE, parameter))
        yield Attack(f"a prefix list with {name}", recipe(like), FORBIDDEN)
    for name in ("XPath that keeps nothing", "XSLT that reads a file", "base64"):
        like = Recipe(transforms=OTHERS[name] + ENVELOPED)
        yield Attack(f"{name} before enveloped-signature", recipe(like), FORBIDDEN)
    yield Attack("none", recipe(Recipe(transforms="")), FORBIDDEN)
    yield Attack("a canonicalisation alone", recipe(Recipe(transforms=transform(C14N_1_0))), FORBIDDEN)
    yield Attack(
        "enveloped-signature last", recipe(Recipe(transforms=transform(C14N_1_0) + ENVELOPED)), FORBIDDEN
    )
    for name, parameter in PARAMETERS.items():
        yield Attack(
            f"enveloped-signature with {name}",
            recipe(Recipe(transforms=transform(ENVELOPED_SIGNATURE, parameter))),
            FORBIDDEN,
        )
    yield Attack(
        "no Transforms element",
        edited(lambda root: part_of(root, "Reference").remove(part_of(root, "Transforms"))),
        FORBIDDEN,
    )
    yield Attack(
        "a transform injected after signing",
        replaced(
            "</Transforms>", f'<Transform Algorithm="{XPATH}"><XPath>false()</XPath></Transform></Transforms>'
        ),
        FORBIDDEN,
    )
    yield Attack("something else among them", recipe(Recipe(transforms=ENVELOPED + "<P:XPath/>")), MALFORMED)
    yield Attack(
        "a Transform in another namespace",
        recipe(Recipe(transforms=ENVELOPED + f'<x:Transform xmlns:x="urn:x" Algorithm="{C14N_1_0}"/>')),
        MALFORMED,
    )


FAMILY = Family("Transforms", tuple(attacks()))

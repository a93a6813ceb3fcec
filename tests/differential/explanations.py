"""Why verifiers disagree."""

from collections.abc import Callable, Mapping

from tests.differential.documents import Document

_CALLER = "left to the caller by the others: "
_FORM = "the others read it more leniently than the schema of XML Signature: "
_PARSE = "the others' parsers take it: "
_XADES = "the others do not look at XAdES properties: "

#: By what ours says of a document that another verifier accepts.
EXPLANATIONS: Mapping[str, str] = {
    "certificate.elsewhere": _CALLER + "python-xmlsec is given the key and looks at no certificate",
    "certificate.expired": _CALLER + "the JDK is given the key and judges no certificate",
    "certificate.is_ca": _CALLER + "an authority's certificate is not a facility's",
    "certificate.malformed": _CALLER + "a certificate that nobody can read, or that nothing needs to be read",
    "certificate.missing": _CALLER + "a key without a certificate",
    "certificate.not_yet_valid": _CALLER + "the JDK is given the key and judges no certificate",
    "certificate.rsa_too_short": _CALLER + "key sizes are policy",
    "certificate.key_forbidden": _CALLER + "kinds of keys are policy",
    "certificate.untrusted": _CALLER + "faults of a path that these do not look for",
    "certificate.path": _CALLER + "faults of a path that these do not look for",
    "certificate.usage": _CALLER + "what a certificate is for",
    "doctype": _PARSE + "a document type may define entities and default attributes",
    "encoding": _PARSE + "claims are UTF-8 by policy",
    "not-well-formed": _PARSE + "what one parser forgives, another reads otherwise",
    "too-large": _PARSE + "a text, depth or number over the limit",
    "too-deep": _PARSE + "a text, depth or number over the limit",
    "too-many-namespaces": _PARSE + "a text, depth or number over the limit",
    "too-many-attributes": _PARSE + "a text, depth or number over the limit",
    "signature.algorithm_forbidden": _CALLER + "which algorithms are accepted is policy",
    "signature.duplicate_id": "an Id that is there twice, in whatever spelling: the others take the first",
    "signature.malformed": _FORM + "junk in base64, foreign elements, attributes and text",
    "signature.misplaced": _CALLER + "where a signature stands",
    "signature.object_unsupported": _CALLER + "objects that nobody looks at",
    "signature.reference_external": _CALLER + "files and addresses outside the document",
    "signature.reference_scope": _CALLER + "what a signature covers",
    "signature.several": _CALLER + "the others verify the first they find",
    "signature.sha1": _CALLER + "SHA-1 is still on by default",
    "signature.transform_forbidden": _CALLER + "XPath, XSLT, comments and other transforms are evaluated",
    "signature.value_wrong": "the JDK takes values of ECDSA that are not as long as the curve's order asks",
    "signature.key_mismatch": _CALLER + "python-xmlsec is given the key and looks at no certificate",
    "xades.malformed": _XADES + "their form",
    "xades.policy_unknown": _XADES + "a signature policy that is not known",
    "xades.property_missing": _XADES + "a property that must be there",
    "xades.property_several": _XADES + "a property that is there twice",
    "xades.signing_certificate": _XADES + "which certificate they name",
    "xades.target": _XADES + "which signature they belong to",
    "xades.not_signed": _XADES + "whether they are signed",
}


def _is_bare_and_inclusive(document: Document) -> bool:
    start = document.data.find(b"<Signature")
    method = document.data[start : start + 400]
    return start >= 0 and b"xml-exc-c14n" not in method


def _names_a_part(document: Document) -> bool:
    return b"QualifyingProperties" in document.data


#: What another verifier refuses although it is right: who, which documents, and why.
OF_OTHERS: tuple[tuple[str, Callable[[Document], bool], str], ...] = (
    (
        "signxml",
        _is_bare_and_inclusive,
        "an inclusive SignedInfo below a default namespace: lxml writes a false `xmlns` there",
    ),
    (
        "JDK",
        _names_a_part,
        "a reference to an Id: without a schema the JDK must be told which attributes are Ids",
    ),
    (
        "JDK",
        lambda document: b"&#13;" in document.data,
        "a carriage return between digits of base64, which XML counts as white space",
    ),
)

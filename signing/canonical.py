"""The one parser of untrusted bytes, and canonical forms.

Everything that reads XML from outside goes through :func:`parse`: no DTD, no entities, no network, UTF-8
only, bounded in bytes, markup, depth, attributes and namespaces. What the elements mean is left to others.
"""

import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element
from lxml.etree import _ElementTree as ElementTree

from signing.errors import CanonicalizationFailed, Unparsable
from signing.plain_form import count_octets, find_plain_form

C14N_1_0: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_1_1: Final = "http://www.w3.org/2006/12/xml-c14n11"
C14N_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"

#: What our documents begin with.
DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'

_ALGORITHMS: Final = frozenset({C14N_1_0, C14N_1_1, C14N_EXCLUSIVE})
_XML: Final = "{http://www.w3.org/XML/1998/namespace}"
# In a list of prefixes, what stands for having none (Exclusive XML Canonicalization 1.0, 4).
_DEFAULT: Final = "#default"


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a document may be before it is refused.

    ``max_markup`` counts ``<`` and ``=`` together, since each may cost the parser a node of about 120 bytes;
    ``max_escaped`` counts ``>`` and ``"``, of which a canonical form makes four and six bytes. In documents
    under 2.5 MB nothing is counted: their worst case (0.2 s, 160 MB) is bearable.
    ``max_namespaces`` counts the declarations in scope at one element, because the cost of inclusive
    canonicalisation grows with the square of that number, times the elements.
    """

    max_bytes: int = 20 * 2**20
    max_markup: int = 400_000
    max_escaped: int = 2_000_000
    max_depth: int = 64
    max_attributes: int = 64
    max_namespaces: int = 16


DEFAULT_LIMITS: Final = Limits()

_MARKUP_IS_COUNTED_FROM: Final = 2_500_000
_USUAL_DEPTH: Final = 12

# What nearly every document begins with: in UTF-8, and with nothing before its root.
_USUAL_PROLOG = re.compile(
    rb'(?:<\?xml version="1\.0" encoding="(?:UTF|utf)-8"\?>[ \t\r\n]*)?(?P<root><[A-Za-z_])'
)
_NOT_UTF_8 = re.compile(rb"\xff\xfe|\xfe\xff|.?\x00|\x4c\x6f\xa7\x94", re.DOTALL)
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[ \t\r\n][^>]*?\?>")
_DECLARED_ENCODING = re.compile(rb"[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*[\"']([^\"']*)[\"']")
_DECLARED_VERSION = re.compile(rb"[ \t\r\n]version[ \t\r\n]*=[ \t\r\n]*[\"']([^\"']*)[\"']")
# Possessive, so that a prolog of any shape is read once.
_DOCTYPE_IN_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t\r\n]++|<\?(?s:.)*?\?>|<!--(?s:.)*?-->)*+<!DOCTYPE",
)

_RESOURCE_LIMIT: Final = etree.ErrorTypes.ERR_RESOURCE_LIMIT
_ENCODING_ERRORS: Final = frozenset(
    {
        etree.ErrorTypes.ERR_INVALID_ENCODING,
        etree.ErrorTypes.ERR_UNKNOWN_ENCODING,
        etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
    },
)


def parse(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Element:
    """Parse bytes from outside and return the root element.

    Comments and processing instructions are kept: whoever reads text must read all of an element's text.
    CDATA sections become text.

    Raises:
        Unparsable: The bytes are not XML within the limits. Codes: ``empty``, ``too-large``, ``encoding``,
            ``doctype``, ``not-well-formed``, ``too-deep``, ``too-many-attributes``, ``too-many-namespaces``.
    """
    return _parse(data, limits, _parser())


def parse_verbatim(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Element:
    """Parse as :func:`parse` does, but keep CDATA sections, for who writes the document out again.

    Raises:
        Unparsable: As from :func:`parse`.
    """
    return _parse(data, limits, _parsers.verbatim)


def _parse(data: bytes, limits: Limits, parser: etree.XMLParser) -> Element:
    _check_bytes(data, limits)
    start = _check_prolog(data)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _unparsable(error) from error
    # Each element inside another but the innermost has two tags.
    if count_octets(data, b"<") >= 2 * limits.max_depth:
        _check_depth(root, limits)
    # Each attribute and each declaration has two quotation marks.
    quoted = _quoted(data, start)
    marks = count_octets(quoted, b'"') + count_octets(quoted, b"'")
    if marks > 2 * limits.max_attributes:
        _check_attributes(root, limits)
    if marks > 2 * limits.max_namespaces and quoted.count(b"xmlns") > limits.max_namespaces:
        _check_namespaces(root, limits)
    return root


def write_document(root: Element) -> bytes:
    """Return the document as UTF-8 with a declaration and without a byte order mark."""
    return DECLARATION + etree.tostring(root.getroottree(), encoding="UTF-8")


def canonicalize(element: Element, algorithm: str, *, inclusive_prefixes: tuple[str, ...] = ()) -> bytes:
    """Return the canonical form, without comments, of one element and what is below it.

    Raises:
        CanonicalizationFailed: There is none, or the algorithm is not one of ours.
    """
    # libxml2 writes a false xmlns="" into the inclusive form below an element that inherits a default
    # namespace, so an inner element is canonicalised as the root of its own document; the serialiser carries
    # the namespaces along. The exclusive form is right, unless prefixes ask for namespaces of ancestors.
    is_self_contained = algorithm == C14N_EXCLUSIVE and not inclusive_prefixes
    if element.getparent() is not None and not is_self_contained:
        apex = etree.fromstring(etree.tostring(element, encoding="UTF-8", with_tail=False), _parser())
        for name, value in _inherited_attributes(element, algorithm):
            apex.set(name, value)
        element = apex
    return _canonical_form(element, algorithm, inclusive_prefixes)


def canonicalize_document(
    root: Element,
    algorithm: str,
    *,
    inclusive_prefixes: tuple[str, ...] = (),
) -> bytes:
    """Return the canonical form, without comments, of the whole document: what ``URI=""`` stands for.

    Unlike :func:`canonicalize` it includes processing instructions before and after the root element.

    Raises:
        CanonicalizationFailed: There is none, or the algorithm is not one of ours.
    """
    if not inclusive_prefixes and algorithm in _ALGORITHMS:
        plain = find_plain_form(root, exclusive=algorithm == C14N_EXCLUSIVE)
        if plain is not None:
            return plain
    return _canonical_form(root.getroottree(), algorithm, inclusive_prefixes)


def _canonical_form(
    tree: "Element | ElementTree",
    algorithm: str,
    inclusive_prefixes: tuple[str, ...],
) -> bytes:
    # A whole document has the same form in Canonical XML 1.0 and 1.1; they differ in what a part inherits.
    if algorithm not in _ALGORITHMS:
        raise CanonicalizationFailed(f"unknown canonicalisation algorithm {algorithm}")
    exclusive = algorithm == C14N_EXCLUSIVE
    if exclusive and _DEFAULT in inclusive_prefixes:
        tree = _read_where_default_is_known(tree)
    try:
        form = etree.tostring(
            tree,
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
            inclusive_ns_prefixes=list(inclusive_prefixes) if exclusive and inclusive_prefixes else None,
        )
    except etree.C14NError as error:
        raise CanonicalizationFailed(
            "the document has no canonical form (is a namespace name relative?)"
        ) from error
    if not form:
        # A failure must never be digested as if it were an empty document.
        raise CanonicalizationFailed("the canonical form is empty")
    return form


def _read_where_default_is_known(tree: "Element | ElementTree") -> "Element | ElementTree":
    """Return the same tree, read once more, whose form can keep the default namespace.

    lxml tells libxml2 only of those prefixes that it has met as a name or namespace in this thread, which
    ``#default`` never is in a document; so it is let meet it first.
    """
    etree.fromstring(f'<met xmlns:once="{_DEFAULT}"/>', _parser())
    again = etree.fromstring(etree.tostring(tree, encoding="UTF-8", with_tail=False), _parser())
    return again if isinstance(tree, Element) else again.getroottree()


def _inherited_attributes(element: Element, algorithm: str) -> list[tuple[str, str]]:
    """Return the xml: attributes that an apex element takes from its ancestors (C14N 1.0, 2.4; 1.1, 2.4)."""
    if algorithm == C14N_EXCLUSIVE:
        return []
    inherited: dict[str, str] = {}
    for ancestor in element.iterancestors():
        for name, value in ancestor.items():
            if name.startswith(_XML) and name not in inherited and element.get(name) is None:
                inherited[name] = value
    if algorithm == C14N_1_1:
        inherited.pop(f"{_XML}id", None)
        if f"{_XML}base" in inherited:
            msg = "xml:base outside of the signature is not supported with Canonical XML 1.1"
            raise CanonicalizationFailed(msg)
    return list(inherited.items())


def _check_bytes(data: bytes, limits: Limits) -> None:
    size = len(data)
    if size == 0:
        raise Unparsable("empty", "there are no bytes")
    if size > limits.max_bytes:
        raise Unparsable("too-large", f"{size} bytes, at most {limits.max_bytes} are read")
    if size < _MARKUP_IS_COUNTED_FROM:
        return
    if data.count(b"<") + data.count(b"=") > limits.max_markup:
        raise Unparsable("too-large", f"more than {limits.max_markup} tags and attributes")
    if data.count(b">") + data.count(b'"') > limits.max_escaped:
        raise Unparsable("too-large", f"more than {limits.max_escaped} characters that are written as more")


def _check_prolog(data: bytes) -> int:
    """Refuse, before the parser sees them, encodings other than UTF-8, XML 1.1 and document types.

    Return where the root begins, or 0.
    """
    if prolog := _USUAL_PROLOG.match(data):
        return prolog.start("root")
    if _NOT_UTF_8.match(data):
        raise Unparsable("encoding", "only UTF-8 is read", line=1, column=1)
    if declaration := _DECLARATION.match(data):
        encoding = _DECLARED_ENCODING.search(declaration[0])
        if encoding and encoding[1].upper() not in {b"UTF-8", b"UTF8"}:
            detail = f"only UTF-8 is read, not {encoding[1][:40].decode('ascii', 'replace')}"
            raise Unparsable("encoding", detail, line=1, column=encoding.start(1) + 1)
        version = _DECLARED_VERSION.search(declaration[0])
        if version and version[1] != b"1.0":
            raise Unparsable("not-well-formed", "only XML 1.0 is read", line=1, column=version.start(1) + 1)
    if doctype := _DOCTYPE_IN_PROLOG.match(data):
        start = doctype.end() - len(b"<!DOCTYPE")
        line = data.count(b"\n", 0, start) + 1
        column = start - data.rfind(b"\n", 0, start)
        raise Unparsable("doctype", "a document type declaration is not allowed", line=line, column=column)
    return 0


def _quoted(data: bytes, start: int) -> bytes:
    """Return what has all quotation marks of a document, and all of its attributes and declarations.

    They stand in tags. So those that do not end before the first ``>`` are not before the tag in which the
    first mark behind that stands: in a bundle, that of its signature.
    """
    head = data.find(b">", start)
    mark, apostrophe = data.find(b'"', head), data.find(b"'", head)
    if apostrophe >= 0:
        mark = min(mark, apostrophe) if mark >= 0 else apostrophe
    return data[:head] + data[data.rfind(b"<", 0, mark) :]


class _Parsers(threading.local):
    """One parser per thread: lxml locks a parser while it works."""

    def __init__(self) -> None:
        # A text of many CDATA sections costs lxml the square of their number to read, one text does not.
        self.hardened = _hardened(strip_cdata=True)
        self.verbatim = _hardened(strip_cdata=False)


def _hardened(*, strip_cdata: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        collect_ids=False,
        strip_cdata=strip_cdata,
    )


_parsers = _Parsers()


def _parser() -> etree.XMLParser:
    return _parsers.hardened


def _unparsable(error: etree.XMLSyntaxError) -> Unparsable:
    line, column = error.position
    detail = error.msg or "not well-formed"
    code = "not-well-formed"
    if error.code in _ENCODING_ERRORS:
        code = "encoding"
    elif error.code == _RESOURCE_LIMIT:
        code = "too-deep" if "depth" in detail else "too-large"
    return Unparsable(code, detail, line=line, column=column)


def _check_depth(root: Element, limits: Limits) -> None:
    if _is_deeper(limits.max_depth)(root):
        deep = _elements_at_depth(limits.max_depth + 1)(root)
        raise _over_limit("too-deep", f"over {limits.max_depth} elements inside each other", deep)


def _check_attributes(root: Element, limits: Limits) -> None:
    if crowded := _elements_with_attributes(limits.max_attributes + 1)(root):
        raise _over_limit("too-many-attributes", f"an element with over {limits.max_attributes}", crowded)


def _check_namespaces(root: Element, limits: Limits) -> None:
    in_scope = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        in_scope += 1 if event == "start-ns" else -1
        if in_scope > limits.max_namespaces:
            raise Unparsable("too-many-namespaces", f"over {limits.max_namespaces} namespaces in scope")


def _over_limit(code: str, detail: str, found: object) -> Unparsable:
    first = found[0] if isinstance(found, list) else None
    line = first.sourceline if isinstance(first, Element) else None
    return Unparsable(code, detail, line=line)


# Compiled XPath walks the tree in C: less than two microseconds for a bundle of 20 KB. The greater part of a
# long path is put into a condition, since what is not there is looked for step by step, too.
@lru_cache(maxsize=16)
def _is_deeper(depth: int) -> etree.XPath:
    first = min(depth, _USUAL_DEPTH)
    return etree.XPath(f"boolean({'/*' * first}[{'/'.join('*' * (depth + 1 - first))}])", regexp=False)


@lru_cache(maxsize=16)
def _elements_at_depth(depth: int) -> etree.XPath:
    return etree.XPath(f"({'/*' * depth})[1]", regexp=False)


@lru_cache(maxsize=16)
def _elements_with_attributes(count: int) -> etree.XPath:
    return etree.XPath(f"(/descendant::*/@*[{count}]/..)[1]", regexp=False)

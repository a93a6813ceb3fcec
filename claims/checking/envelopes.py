"""The envelope stage: how a bundle's outer elements depart from their schema, as findings."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from claims.bundle.contents import kind_of_root
from claims.bundle.envelope import CONTAINER, ROOT, namespace_finding
from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.othercontent import recognize_document
from signing.form import IDS_OF_ROOT
from signing.policy import XMLDSIG
from xsd.catalog import ENVELOPE, FaultKind, SchemaNotFound, find_schema
from xsd.scan import local_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lxml.etree import _Element as Element

    from xsd.catalog import Fault, TableSchema
    from xsd.model import Node

_DS: Final = f"{{{XMLDSIG}}}"
_SIGNATURE: Final = f"{_DS}Signature"
# The three parts of the root, whose order the Decision gives; that of what they hold matters to no reader.
_PARTS: Final = frozenset({"THONGTINDONVI", "THONGTINHOSO", CONTAINER})
_OF_A_FIELD: Final = frozenset(
    {FaultKind.REQUIRED, FaultKind.LENGTH, FaultKind.FORMAT, FaultKind.DUPLICATE},
)


def is_bundle(root: Element) -> bool:
    """Whether the root is a bundle's at all; if not, nothing below it is worth a look."""
    return bool(root.tag == ROOT)


def count_signatures(root: Element) -> int:
    """Count the signatures anywhere in a document."""
    return sum(1 for _ in root.iter(_SIGNATURE))


def wrong_root(root: Element) -> Finding:
    """Return the finding for a document that is not a bundle."""
    namespaced = namespace_finding(root, Location())
    if namespaced is not None:
        return namespaced
    params = (("element", str(root.tag)[:100]),)
    return Finding("ENV.ROOT", Severity.CRITICAL, Location(line=root.sourceline), params)


def other_form(root: Element) -> Iterator[Finding]:
    """Find out what a document that is not a bundle seems to be, such as a message around one."""
    kind = kind_of_root(str(root.tag))
    form = recognize_document(root) if kind is None else "table"
    if form is not None:
        params = (("form", form),)
        yield Finding("ENV.OTHER_FORM", Severity.INFO, Location(table=kind, line=root.sourceline), params)


def several_signatures(count: int) -> Finding:
    """Return the finding for a document with more than one signature."""
    location = Location(field=CONTAINER)
    return Finding("ENV.ONE_SIGNATURE", Severity.CRITICAL, location, (("counted", str(count)),))


def id_findings(root: Element) -> Iterator[Finding]:
    """Find the Id of the root by which a signature refers to the whole document; no schema has it."""
    references = root.iterfind(f"{CONTAINER}/{_SIGNATURE}/{_DS}SignedInfo/{_DS}Reference")
    referred = {reference.get("URI") for reference in references}
    names = Counter(local_name(str(name)) for name in root.attrib)
    for attribute in IDS_OF_ROOT:
        name = local_name(attribute)
        # One of the same name in another namespace is another attribute, and no better for this one.
        if f"#{root.get(attribute)}" in referred and names[name] == 1:
            yield Finding("ENV.ROOT_ID", Severity.WARNING, Location(field=name, line=root.sourceline))


def shape_findings(root: Element, on: date, known: tuple[Finding, ...]) -> Iterator[Finding]:
    """Find how the envelope departs from its schema, leaving out what is ``known`` already."""
    said = {(finding.location.field, finding.location.line) for finding in known}
    # A table's finding is about its NOIDUNGFILE, whose line it knows as the one in the envelope.
    said |= {("NOIDUNGFILE", finding.location.envelope_line) for finding in known}
    has_several = any(finding.code == "ENV.ONE_SIGNATURE" for finding in known)
    try:
        schema = find_schema(ENVELOPE, on=on)
    except SchemaNotFound:
        yield Finding("ALL.STANDARD_VERSION", Severity.ERROR, params=(("on", on.isoformat()),))
        return
    faults = schema.find_faults(root)
    if not faults:
        return
    unknown = _UnknownElements(root, schema)
    for fault in faults:
        if (fault.element, fault.line) in said or (has_several and fault.element == "Signature"):
            continue
        if fault.kind is FaultKind.UNEXPECTED and fault.element in unknown.counts:
            unknown.lines.setdefault(fault.element, fault.line)
            continue
        yield _finding(fault, schema)
    yield from unknown.findings()


class _UnknownElements:
    """Elements that no envelope has: later versions and sloppy exporters add them, and nothing reads them."""

    def __init__(self, root: Element, schema: TableSchema) -> None:
        known = _names_in(schema.model.root)
        tags = (str(element.tag) for element in root.iter("{}*"))
        self.counts = Counter(tag[:100] for tag in tags if tag not in known)
        self.lines: dict[str, int | None] = {}

    def findings(self) -> Iterator[Finding]:
        """Yield one finding for each such name that stands where it was missed."""
        for name, line in self.lines.items():
            params = (("fault", FaultKind.UNKNOWN.value), ("count", str(self.counts[name])))
            yield Finding("ENV.FIELD.unknown", Severity.WARNING, Location(field=name, line=line), params)


def _names_in(node: Node) -> set[str]:
    return {node.name}.union(*(_names_in(child) for child in node.children))


def _finding(fault: Fault, schema: TableSchema) -> Finding:
    location = Location(field=fault.element[:100], line=fault.line)
    params = (("element", fault.element[:100]), ("fault", fault.kind.value), *fault.facts)
    if fault.element in schema.field_by_name and fault.kind in _OF_A_FIELD:
        return Finding(f"ENV.{fault.element}.{fault.kind}", Severity.ERROR, location, params)
    if ("what", "order") in fault.facts and fault.element not in _PARTS:
        return Finding("ENV.ORDER", Severity.WARNING, location, params)
    in_signature = ("what", "content") in fault.facts  # only a signature's inside is not ours to explain
    if in_signature or (fault.element == CONTAINER and fault.kind is not FaultKind.MISSING):
        return Finding("ENV.CHUKYDONVI.format", Severity.CRITICAL, location, params)
    return Finding("ENV.ROOT", Severity.CRITICAL, location, params)

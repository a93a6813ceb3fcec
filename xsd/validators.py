"""Compiled forms of one schema file: libxml2's, which is fast, and the xmlschema package's, which explains.

Each exists twice: with the fields in the Decision's order (``xs:sequence``, as the file says) and in
any order (``xs:all``, generated from it, because libxml2 takes 2.5 times as long over ``xs:all``).
All four are compiled when they are first asked for, and then kept.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, cast

from lxml import etree
from lxml.etree import _Element as Element
from lxml.etree import _ElementTree as ElementTree

from xsd.model import XS, UnreadableSchema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FieldOrder(StrEnum):
    """Whether the fields of a row must stand in the Decision's order."""

    DECISION = "decision"
    ANY = "any"


class Complaint(Protocol):
    """One error of the explaining validator, as far as this package reads it."""

    @property
    def elem(self) -> Element | None:
        """The element it is about."""
        ...

    @property
    def validator(self) -> object:
        """The part of the schema that the element breaks."""
        ...


class Validators:
    """The compiled forms of one schema file."""

    def __init__(self, path: Path, record: str | None) -> None:
        self._path = path
        self._record = record
        self._lock = threading.Lock()
        self._fast: dict[FieldOrder, etree.XMLSchema] = {}
        self._explaining: dict[FieldOrder, _Explaining] = {}

    def compile(self) -> None:
        """Compile the file as it stands, for whoever wants to know early that it does.

        Raises:
            UnreadableSchema: libxml2 refuses it.
        """
        try:
            self._compiled(FieldOrder.DECISION)
        except etree.XMLSchemaParseError as error:
            raise UnreadableSchema(self._path, str(error)) from error

    def accepts(self, root: Element, *, order: FieldOrder) -> bool:
        """Whether libxml2 finds the tree valid."""
        return self._compiled(order)(root)

    def _compiled(self, order: FieldOrder) -> etree.XMLSchema:
        schema = self._fast.get(order)
        if schema is None:
            with self._lock:
                schema = self._fast.setdefault(order, etree.XMLSchema(self._document(order)))
        return schema

    def complaints(self, root: Element, *, order: FieldOrder) -> Iterator[Complaint]:
        """Yield what the xmlschema package finds wrong with the tree, lazily."""
        explaining = self._explaining.get(order)
        if explaining is None:
            with self._lock:
                explaining = self._explaining.setdefault(
                    order, _Explaining(self._document(order), self._path)
                )
        return explaining.complaints(root)

    def _document(self, order: FieldOrder) -> ElementTree:
        # Our own file, not untrusted input; the parser keeps its URL, by which it finds what it includes.
        document = etree.parse(self._path, etree.XMLParser(no_network=True, resolve_entities=False))
        if order is FieldOrder.ANY and self._record is not None:
            _allow_any_order(document.getroot(), self._record)
        return document


class _Explaining:
    """The xmlschema package's form. It is 50 times slower than libxml2 and imported for a bad table only."""

    def __init__(self, document: ElementTree, path: Path) -> None:
        import xmlschema  # noqa: PLC0415 - a third of a second that the good path never pays

        # Only files beside ours are opened, whatever a schema or a claim may name.
        folder = path.parent.parent.as_uri()
        self._resource = xmlschema.XMLResource
        self._error = xmlschema.XMLSchemaException
        self._schema = xmlschema.XMLSchema10(
            etree.tostring(document, encoding="unicode"),
            base_url=folder + "/" + path.parent.name,
            allow="local",
            defuse="never",  # our own files; nothing untrusted is parsed here
        )

    def complaints(self, root: Element) -> Iterator[Complaint]:
        # Its types know the standard library's elements only; lxml's are accepted all the same.
        resource = self._resource(cast("Any", root), allow="none", defuse="never")
        yield from _overlooked_text(root)
        try:
            yield from cast(
                "Iterator[Complaint]", self._schema.iter_errors(resource, use_location_hints=False)
            )
        except self._error:
            # It raises, instead of complaining, about an xsi:type that names no type.
            yield _OwnComplaint(None)


@dataclass(frozen=True, slots=True)
class _OwnComplaint:
    """What the xmlschema package should have said."""

    elem: Element | None
    validator: object = None


def _overlooked_text(root: Element) -> Iterator[Complaint]:
    """Find text between elements that the package takes for white space: a no-break space, for one.

    To XML, and to libxml2, only four characters are white space.
    """
    for element in root.iter("*"):
        if len(element):
            texts = (element.text, *(child.tail for child in element))
            if any(text and text.isspace() and text.strip(" \t\r\n") for text in texts):
                yield _OwnComplaint(element)


def _allow_any_order(schema: Element, record: str) -> None:
    """Turn the sequence of fields into xs:all; the elements around the fields keep their order."""
    declaration = next(e for e in schema.iter(f"{XS}element") if e.get("name") == record)
    holder = declaration
    if declaration.get("type") is not None:
        holder = next(
            t for t in schema.iterfind(f"{XS}complexType") if t.get("name") == declaration.get("type")
        )
    sequence = next(holder.iter(f"{XS}sequence"))
    sequence.tag = f"{XS}all"

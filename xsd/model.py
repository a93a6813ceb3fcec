"""What an XSD of ours says about a table: its content model and its fields, read from the file alone.

Only the constructs that our own schemas use are understood: elements in sequences, named and
inline types, restrictions of named kinds of text. Anything else stops the reading with its name,
so that a schema which says more than this module hears never loads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree
from lxml.etree import _Element as Element

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

XS: Final = "{http://www.w3.org/2001/XMLSchema}"
EH: Final = "{urn:ehoso:schema}"
# What the reader knows of a schema: elements, and the attributes of each that it reads.
_HEARD: Final[Mapping[str, frozenset[str]]] = {
    "schema": frozenset({"elementFormDefault"}),
    "include": frozenset({"schemaLocation"}),
    "element": frozenset({"name", "type", "minOccurs", "maxOccurs"}),
    "complexType": frozenset({"name"}),
    "sequence": frozenset(),
    "simpleType": frozenset({"name"}),
    "restriction": frozenset({"base"}),
    "pattern": frozenset({"value"}),
    "minLength": frozenset({"value"}),
    "maxLength": frozenset({"value"}),
}
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"


class UnreadableSchema(Exception):
    """A schema file of ours uses a construct that the reader does not know."""

    def __init__(self, path: Path, detail: str) -> None:
        """Name the file and the construct."""
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table, as the Decision describes it.

    Attributes:
        name: The Decision's name, such as ``MA_LK``.
        order: Its place among the table's fields, from 1.
        type: ``string``, ``integer``, ``decimal``, ``date``, ``datetime`` or ``list``.
        item_type: The type of each value where there may be several; the same as ``type`` elsewhere.
        kind: The named type of ``types.xsd``, which is finer: ``amount``, ``birth_time``, ``date_list`` …
        max_length: In characters; None when unbounded.
        required: ``yes``, ``conditional`` or ``no``.
        fraction_digits: How many decimals count; None unless the type is decimal.
        label_vi: What people call it, in Vietnamese.
        label_en: What people call it, in English.
        since: The Decision that introduced it.
        code_list: The list its values come from.
        notes: What else the Decision says about its value.
        facets: What the schema demands of its text, by its kind and by itself: each facet's name and value.
    """

    name: str
    order: int
    type: str
    item_type: str
    kind: str
    max_length: int | None
    required: str
    fraction_digits: int | None
    label_vi: str
    label_en: str
    since: str
    code_list: str | None
    notes: str | None
    facets: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One element of a content model: what may stand inside it, and how often it may occur."""

    name: str
    min_occurs: int
    max_occurs: int | None
    children: tuple[Node, ...] = ()
    is_foreign: bool = False  # belongs to another namespace; its inside is not ours to explain
    is_record: bool = False  # its children are the fields of the table

    def find(self, name: str) -> Node | None:
        """Find the child with this name."""
        return next((child for child in self.children if child.name == name), None)


@dataclass(frozen=True, slots=True)
class TableModel:
    """What one schema file says about its table.

    ``is_whole`` when it says nothing else: no keys, fixed values, attributes or names of another space.
    """

    label_vi: str
    label_en: str
    root: Node
    list_element: str | None
    row_element: str | None
    fields: tuple[Field, ...]
    is_whole: bool

    @property
    def record(self) -> Node | None:
        """The element whose children are the fields; None when no element is (the envelope)."""
        return _find_record(self.root)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A named type of text: the Decision's word for it, and the facts a pattern cannot tell."""

    type: str
    item_type: str
    fraction_digits: int | None
    max_length: int | None
    facets: tuple[tuple[str, str], ...]


def read_model(path: Path) -> TableModel:
    """Read the description of a table from its schema file.

    Raises:
        UnreadableSchema: The file uses a construct this reader does not know.
    """
    return _Reader(path).read()


class _Reader:
    """Reads one schema file together with the files it includes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._schema = _parse_own(path)
        self._documents = [self._schema]
        self._documents += [
            _parse_own(path.parent / include.get("schemaLocation", ""))
            for include in self._schema.iterfind(f"{XS}include")
        ]
        self._kinds = dict(self._read_kinds(self._documents))
        self._complex = {t.get("name"): t for d in self._documents for t in d.iterfind(f"{XS}complexType")}
        self._fields: list[Field] = []

    def read(self) -> TableModel:
        table = self._schema.find(f"{XS}annotation/{XS}appinfo/{EH}table")
        record = None if table is None else table.get("record")
        top = self._schema.findall(f"{XS}element")
        if len(top) != 1:
            raise UnreadableSchema(self._path, f"{len(top)} elements at the top, expected 1")
        root = self._read_node(top[0], record, in_record=record is None)
        is_one_row = record == root.name
        return TableModel(
            label_vi=_label(self._schema, "vi"),
            label_en=_label(self._schema, "en"),
            root=root,
            list_element=None if table is None else table.get("list"),
            row_element=None if is_one_row else record,
            fields=tuple(self._fields),
            is_whole=all(map(_is_heard, self._documents)),
        )

    def _read_kinds(self, documents: list[Element]) -> Iterator[tuple[str, _Kind]]:
        for document in documents:
            for simple in document.iterfind(f"{XS}simpleType"):
                kind = simple.find(f"{XS}annotation/{XS}appinfo/{EH}kind")
                if kind is None:
                    raise UnreadableSchema(self._path, f"type {simple.get('name')} has no eh:kind")
                type_ = kind.get("name", "string")
                yield (
                    simple.get("name", ""),
                    _Kind(
                        type_,
                        kind.get("of", "string" if type_ == "list" else type_),
                        _number(kind.get("fractionDigits")),
                        _number(kind.get("maxLength")),
                        tuple(_facets(simple.find(f"{XS}restriction"))),
                    ),
                )

    def _read_node(self, element: Element, record: str | None, *, in_record: bool) -> Node:
        min_occurs = int(element.get("minOccurs", "1"))
        max_occurs = None if element.get("maxOccurs") == "unbounded" else int(element.get("maxOccurs", "1"))
        reference = element.get("ref")
        if reference is not None:
            prefix, _, local = reference.rpartition(":")
            name = f"{{{element.nsmap[prefix]}}}{local}"
            return Node(name, min_occurs, max_occurs, is_foreign=True)
        name = element.get("name", "")
        is_record = name == record
        content = self._content_of(element)
        if content is None:
            if in_record:
                self._fields.append(self._read_field(element))
            return Node(name, min_occurs, max_occurs)
        children = tuple(
            self._read_node(child, record, in_record=in_record or is_record)
            for child in content.iterfind(f"{XS}element")
        )
        if len(children) != len(list(content.iterchildren("*"))):
            raise UnreadableSchema(self._path, f"{name} holds more than elements in a sequence")
        return Node(name, min_occurs, max_occurs, children, is_record=is_record)

    def _content_of(self, element: Element) -> Element | None:
        """Find the sequence inside an element; None when it holds text."""
        complex_type = element.find(f"{XS}complexType")
        if complex_type is None:
            complex_type = self._complex.get(element.get("type"))
        if complex_type is None:
            return None
        sequence = complex_type.find(f"{XS}sequence")
        if sequence is None:
            raise UnreadableSchema(self._path, f"{element.get('name')} is complex without a sequence")
        return sequence

    def _read_field(self, element: Element) -> Field:
        restriction = element.find(f"{XS}simpleType/{XS}restriction")
        base = element.get("type") if restriction is None else restriction.get("base")
        kind = self._kinds.get(base or "")
        info = element.find(f"{XS}annotation/{XS}appinfo/{EH}field")
        if kind is None or info is None:
            raise UnreadableSchema(self._path, f"{element.get('name')} has no known type or no eh:field")
        facet = None if restriction is None else restriction.find(f"{XS}maxLength")
        return Field(
            name=element.get("name", ""),
            order=len(self._fields) + 1,
            type=kind.type,
            item_type=kind.item_type,
            kind=base or "",
            max_length=kind.max_length if facet is None else int(facet.get("value", "")),
            required=info.get("required", "no"),
            fraction_digits=kind.fraction_digits,
            label_vi=_label(element, "vi"),
            label_en=_label(element, "en"),
            since=info.get("since", ""),
            code_list=info.get("codeList"),
            notes=info.findtext(f"{EH}note"),
            facets=(*kind.facets, *_facets(restriction)),
        )


def _find_record(node: Node) -> Node | None:
    if node.is_record:
        return node
    return next((found for child in node.children if (found := _find_record(child))), None)


def _is_heard(element: Element) -> bool:
    """Whether nothing in an element of a schema goes unheard here."""
    name = str(element.tag).removeprefix(XS)
    if name == "annotation":
        return True
    is_known = name in _HEARD and _HEARD[name].issuperset(map(str, element.attrib))
    if name == "restriction" and ":" in (base := element.get("base", "")):
        prefix, _, local = base.partition(":")
        is_known = is_known and f"{{{element.nsmap.get(prefix)}}}{local}" == f"{XS}string"
    return is_known and all(map(_is_heard, element.iterchildren("*")))


def _facets(restriction: Element | None) -> Iterator[tuple[str, str]]:
    for facet in () if restriction is None else restriction.iterchildren("*"):
        yield str(facet.tag).removeprefix(XS), facet.get("value", "")


def _parse_own(path: Path) -> Element:
    """Parse a schema file: data of this package or of whoever runs it, not untrusted input."""
    try:
        return etree.parse(path, etree.XMLParser(no_network=True, resolve_entities=False)).getroot()
    except (OSError, etree.XMLSyntaxError) as error:
        raise UnreadableSchema(path, str(error)) from error


def _label(element: Element, language: str) -> str:
    for text in element.iterfind(f"{XS}annotation/{XS}documentation"):
        if text.get(_LANG) == language:
            return text.text or ""
    return ""


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)

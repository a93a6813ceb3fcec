"""From bytes to resources: bundles of all kinds, lists, lines; what cannot be read is set aside.

Each resource is decoded on its own, so a bad one costs itself alone, and types that make no row are
never decoded. A text with decomposed letters and a resource with nulls take a slower way and come
out clean; a control character, which no claim can carry, refuses its resource.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Generic, TypeVar, cast

import msgspec

from claims.emr.errors import MalformedEncounter
from claims.emr.fhir.elements import Element
from claims.emr.fhir.pages import Search, find_searches, links_of
from claims.emr.fhir.resources import KINDS, Resource
from claims.emr.inputs import Oddity, Refusal
from claims.emr.reading import clean
from claims.emr.scalars import VIETNAM

Some_co = TypeVar("Some_co", bound=Resource, covariant=True)
Wanted = TypeVar("Wanted", bound=Resource)

_BOM: Final = b"\xef\xbb\xbf"
_KIND: Final = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')
# A single byte is found, or not, in a thirtieth of the time that a pattern takes.
_SUSPECTS: Final = tuple(
    (literal, re.compile(re.escape(literal) + rest))
    for literal, rest in (
        (b"\\", rb"(?:[bf]|u(?:00[0189]|007[fF]|03[0-6]|[dD][89a-fA-F]|[fF]{3}[eEfF]))"),
        (b"\x7f", b""),
        (b"\xc2", rb"[\x80-\x9f]"),
        (b"\xcc", rb"[\x80-\xbf]"),
        (b"\xcd", rb"[\x80-\xaf]"),
        (b"\xef", rb"\xbf[\xbe\xbf]"),
    )
)
# Every escape in turn: a surrogate pair, half of one, any other.
_ESCAPE: Final = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
_TYPE_NAME: Final = re.compile(r"[A-Z][A-Za-z]{2,39}")
_UNTYPED_RESOURCE: Final = "(no resource type)"
_STEP: Final = re.compile(r"\[(\d+|\.\.\.)\]|\.")
_DECODERS: Final = {name: msgspec.json.Decoder(kind) for name, kind in KINDS.items()}
_UNTYPED: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)
"""What decoding raises for what is no resource of its type."""

_DEEPEST_BUNDLE: Final = 2
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
# Orders by the names that they had before R4.
_OLDER: Final = frozenset(
    {"DeviceUseRequest", "DiagnosticOrder", "MedicationOrder", "ProcedureRequest", "ReferralRequest"}
)
# What these hold was asked for at once: an answer to each question.
_ANSWERS: Final = frozenset({"batch-response", "transaction-response"})


@dataclass(frozen=True, slots=True)
class Item(Generic[Some_co]):
    """A resource and what it is called.

    Attributes:
        key: What tells it from all others in the input.
        origin: What a person would look it up by: ``Type/id``, else its address.
        pointer: Where it stands in the input.
    """

    kind: str
    key: str
    origin: str
    pointer: str
    resource: Some_co


@dataclass(slots=True)
class Contents:
    """The resources of one bundle, by type, in the order of the input.

    Attributes:
        skipped: The types of resources that make no row, by their addresses.
        unread: How many there are of each such type.
    """

    refused: list[Refusal]
    oddities: list[Oddity]
    items: dict[str, Item[Resource]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)
    by_type: dict[type[Resource], dict[str, Item[Resource]]] = field(default_factory=dict)

    def of(self, wanted: type[Wanted]) -> list[Item[Wanted]]:
        """Return the resources of a type."""
        return cast("list[Item[Wanted]]", list(self.by_type.get(wanted, {}).values()))

    def add(
        self, raw: msgspec.Raw, kind: str, *, full_url: str | None, pointer: str, is_suspect: bool
    ) -> None:
        """Read a resource, unless it is of a type that makes no row."""
        if kind in _OLDER:
            detail = "a type of an older FHIR (DSTU2, STU3): have R4 or R5 exported"
            self._refuse(raw, kind, pointer, "older-release", detail)
            return
        if kind not in KINDS:
            if full_url:
                self.skipped[full_url] = kind
            # What is no name of a type may be anything, and is not repeated.
            self.unread[kind if _TYPE_NAME.fullmatch(kind) else _UNTYPED_RESOURCE] += 1
            return
        try:
            resource = decode_resource(raw, kind, is_suspect=is_suspect)
        except MalformedEncounter as error:
            problem = error.problems[0]
            self._refuse(raw, kind, pointer + problem.pointer, problem.code, problem.detail)
        except UNREADABLE as error:
            self._refuse(raw, kind, pointer + _place(error), "not-a-resource", _words(error))
        else:
            self._keep(resource, kind, full_url, pointer)

    def _keep(self, resource: Resource, kind: str, full_url: str | None, pointer: str) -> None:
        named = f"{kind}/{resource.id}" if resource.id else None
        key = full_url or named or pointer
        item = Item(kind, key, named or key, pointer, resource)
        if known := self.items.get(key):
            if resource == known.resource:
                return  # as pages of a search repeat what they include
            detail = f"{item.origin} is there more than once; the version written last counts"
            self.oddities.append(Oddity(pointer, "several-versions", detail))
            if _written(resource) <= _written(known.resource):
                return
        self.items[key] = item
        self.by_type.setdefault(type(resource), {})[key] = item

    def _refuse(self, raw: msgspec.Raw, kind: str, pointer: str, code: str, reason: str) -> None:
        known = _id_of(raw)
        self.refused.append(Refusal(f"{kind}/{known}" if known else kind, code, reason, pointer))


class _Request(Element):
    method: object = None
    url: object = None


class _Entry(Element):
    full_url: str | None = None
    resource: msgspec.Raw = msgspec.Raw()
    request: msgspec.Raw = msgspec.Raw()


class _Bundle(Element):
    resource_type: str | None = None
    entry: tuple[_Entry, ...] | None = None


class _LooseBundle(Element):
    entry: tuple[msgspec.Raw, ...] = ()


class _Head(Element):
    resource_type: object = None
    id: object = None
    type: object = None


def open_contents(data: bytes) -> Iterator[Contents]:
    """Read an input: each bundle in it on its own, and resources outside of bundles together.

    A whole that is no JSON comes out as contents without items that say so.
    """
    is_suspect = _is_suspect(data)
    loose = Contents([], [])
    bundles: dict[str, msgspec.Raw] = {}
    for pointer, piece in _pieces(data, loose):
        kind = _kind_of(piece)
        if kind == "Bundle":
            bundles[pointer] = piece
        else:
            loose.add(piece, kind, full_url=None, pointer=pointer, is_suspect=is_suspect)
    yield from _open_searches(bundles, loose, is_suspect=is_suspect)
    if loose.by_type or loose.refused or not bundles:
        yield loose


def open_pages(parts: Mapping[str, bytes]) -> Iterator[Contents]:
    """Read inputs of one bundle each, the pages of a search as one; places begin with the input's name."""
    loose = Contents([], [])
    bundles = {name: piece for name, data in parts.items() for _, piece in _pieces(data, loose)}
    is_suspect = any(_is_suspect(data) for data in parts.values())
    yield from _open_searches(
        {f"{name}: ": raw for name, raw in bundles.items()}, loose, is_suspect=is_suspect
    )
    if loose.refused:
        yield loose


def has_one_type(data: bytes) -> bool:
    """Say whether an input holds resources of one type alone, as each file of a bulk export does."""
    kinds = {_kind_of(piece) for _, piece in _pieces(data, Contents([], []))}
    return len(kinds) == 1 and kinds.isdisjoint({"", "Bundle"})


def open_parts(parts: Mapping[str, bytes]) -> Contents:
    """Read inputs that hold resources outside of bundles as one; places begin with the name of the input."""
    whole = Contents([], [])
    for name, data in parts.items():
        is_suspect, part = _is_suspect(data), Contents([], [])
        for pointer, piece in _pieces(data, part):
            place = f"{name}: {pointer}" if pointer else name
            whole.add(piece, _kind_of(piece), full_url=None, pointer=place, is_suspect=is_suspect)
        whole.refused.extend(replace(one, encounter="", pointer=_within(name, one)) for one in part.refused)
    return whole


def _within(name: str, refused: Refusal) -> str:
    """Return where a part was refused: its line, which names what cannot be read, or all of it."""
    return f"{name}: {refused.encounter}" if refused.encounter else name


def _pieces(data: bytes | memoryview, loose: Contents) -> Iterator[tuple[str, msgspec.Raw]]:
    """Split an input into its top-level resources."""
    if data[: len(_BOM)] == _BOM:
        data = memoryview(data)[len(_BOM) :]
    try:
        whole = msgspec.json.decode(data, type=msgspec.Raw)
    except UNREADABLE as error:
        if "trailing" in str(error):
            yield from _lines(data, loose)
        elif (whole_pairs := _ESCAPE.sub(_without_half, data)) != data:
            yield from _pieces(whole_pairs, loose)
        else:
            loose.refused.append(Refusal("", "not-json", _words(error)))
        return
    if bytes(memoryview(whole)[:1]) != b"[":
        yield "", whole
        return
    yield from (
        (f"/{place}", one) for place, one in enumerate(msgspec.json.decode(whole, type=list[msgspec.Raw]))
    )


def _without_half(escape: re.Match[bytes]) -> bytes:
    """Half a surrogate pair spoils a whole input for the decoder; a null spoils only its resource."""
    return b"\\u0000" if escape[1] else escape[0]


def _lines(data: bytes | memoryview, loose: Contents) -> Iterator[tuple[str, msgspec.Raw]]:
    """Split bulk data, one resource a line; a bad line costs itself alone."""
    text = bytes(data)
    start, number = 0, 0
    while start < len(text):
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        number += 1
        line = memoryview(text)[start:end]
        start = end + 1
        if not bytes(line).strip():
            continue
        try:
            yield f"line {number}", msgspec.json.decode(line, type=msgspec.Raw)
        except UNREADABLE as error:
            loose.refused.append(Refusal(f"line {number}", "not-json", _words(error)))


def _open_searches(
    bundles: Mapping[str, msgspec.Raw], loose: Contents, *, is_suspect: bool, depth: int = 1
) -> Iterator[Contents]:
    """Read bundles by their places: the pages of one search together, and the answers to one batch.

    Every other bundle is read on its own.
    """
    for search in _searches(bundles):
        contents, nested = Contents([], []), dict[str, msgspec.Raw]()
        for pointer, found in _read_pages(search, bundles, contents, is_suspect=is_suspect).items():
            is_answered = _head(bundles[pointer], "type") in _ANSWERS
            nested |= {} if is_answered else found
            for answer in _searches(found) if is_answered else ():
                for more in _read_pages(answer, found, contents, is_suspect=is_suspect).values():
                    nested |= more
        if contents.by_type or contents.refused or not nested:
            yield contents
        if depth < _DEEPEST_BUNDLE:
            yield from _open_searches(nested, loose, is_suspect=is_suspect, depth=depth + 1)
        else:
            detail = "a bundle within bundles within a bundle"
            loose.refused.extend(Refusal("Bundle", "nested-too-deep", detail, where) for where in nested)


def _searches(bundles: Mapping[str, msgspec.Raw]) -> Iterable[Search[str]]:
    return find_searches({pointer: links_of(raw) for pointer, raw in bundles.items()})


def _read_pages(
    search: Search[str], bundles: Mapping[str, msgspec.Raw], contents: Contents, *, is_suspect: bool
) -> Mapping[str, dict[str, msgspec.Raw]]:
    """Read the pages of a search; return the bundles among the entries of each page by their places."""
    deleted: set[str] = set()
    found = {
        pointer: dict(_read_bundle(bundles[pointer], pointer, contents, deleted, is_suspect=is_suspect))
        for pointer in search.pages
    }
    # What other pages hold would be missing, and it is money.
    if search.lacks_first:
        detail = "there are pages before this one: fetch all pages, and hand them over together"
        contents.refused.append(Refusal("Bundle", "more-pages", detail, f"{search.pages[0]}/link"))
    if search.lacks_last:
        detail = "a server has more of it on a next page: fetch all pages, and hand them over together"
        contents.refused.append(Refusal("Bundle", "more-pages", detail, f"{search.pages[-1]}/link"))
    return found


def _read_bundle(
    raw: msgspec.Raw, pointer: str, contents: Contents, deleted: set[str], *, is_suspect: bool
) -> Iterator[tuple[str, msgspec.Raw]]:
    """Read the entries of a bundle; yield the bundles among them by their places."""
    for place, entry in enumerate(_entries(raw, pointer, contents)):
        if entry is None:
            continue
        where = f"{pointer}/entry/{place}/resource"
        if not memoryview(entry.resource):  # an answer to a request, or a request to delete
            deleted.update(_deleted(entry))
            continue
        kind = _kind_of(entry.resource)
        if deleted and f"{kind}/{_id_of(entry.resource)}" in deleted:
            # A history tells the last first, so what stands behind a deletion was before it.
            detail = (
                f"{kind}/{_id_of(entry.resource)} was deleted by an entry before this one; it is left out"
            )
            contents.oddities.append(Oddity(where, "deleted", detail))
        elif kind == "Bundle":
            yield where, entry.resource
        else:
            contents.add(entry.resource, kind, full_url=entry.full_url, pointer=where, is_suspect=is_suspect)


def _deleted(entry: _Entry) -> Iterator[str]:
    """Yield the resource that an entry deletes, as ``Type/id``."""
    try:
        request = msgspec.json.decode(entry.request, type=_Request)
    except UNREADABLE:
        return
    if request.method == "DELETE" and isinstance(request.url, str):
        yield "/".join(request.url.partition("/_history/")[0].rsplit("/", 2)[-2:])


def _entries(raw: msgspec.Raw, pointer: str, contents: Contents) -> Iterator[_Entry | None]:
    try:
        yield from msgspec.json.decode(raw, type=_Bundle).entry or ()
        return
    except UNREADABLE:
        pass
    try:
        entries = msgspec.json.decode(raw, type=_LooseBundle).entry
    except UNREADABLE as error:
        contents.refused.append(Refusal("Bundle", "not-a-bundle", _words(error), f"{pointer}{_place(error)}"))
        return
    for place, one in enumerate(entries):
        try:
            yield msgspec.json.decode(one, type=_Entry)
        except UNREADABLE as error:
            where = f"{pointer}/entry/{place}{_place(error)}"
            contents.refused.append(Refusal("Bundle.entry", "not-an-entry", _words(error), where))
            yield None


def decode_resource(raw: msgspec.Raw, kind: str, *, is_suspect: bool) -> Resource:
    """Decode a resource of a known type.

    Raises:
        MalformedEncounter: A text holds a control character.
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: It does not have the form of its type.
    """
    decoder = _DECODERS[kind]
    if is_suspect and _is_suspect(bytes(raw)):
        return decoder.decode(_washed(raw))
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        # FHIR has no nulls, but exporters do; what is wrong besides is found again.
        return decoder.decode(_washed(raw))


def kind_of_contained(raw: msgspec.Raw) -> tuple[str, str]:
    """Return the type and id of a contained resource."""
    return _kind_of(raw), _id_of(raw)


def _is_suspect(data: bytes) -> bool:
    """Say whether a text may hold a character that cannot stand, or a letter in two parts."""
    return any(literal in data and pattern.search(data) for literal, pattern in _SUSPECTS)


def _washed(raw: msgspec.Raw) -> bytes:
    return _ENCODER.encode(_without_nulls(clean(_UNTYPED.decode(raw))))


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _kind_of(raw: msgspec.Raw) -> str:
    if found := _KIND.match(raw):
        return found[1].decode()
    return _head(raw, "resource_type")


def _id_of(raw: msgspec.Raw) -> str:
    return _head(raw, "id")


def _head(raw: msgspec.Raw, name: str) -> str:
    try:
        value = getattr(msgspec.json.decode(raw, type=_Head), name)
    except UNREADABLE:
        return ""
    return value if isinstance(value, str) else ""


def _written(resource: Resource) -> datetime:
    """Return when a version was written: servers differ in offsets and in how they write fractions."""
    try:
        written = datetime.fromisoformat((resource.meta and resource.meta.last_updated) or "")
    except ValueError:
        return _NEVER
    return written if written.tzinfo else written.replace(tzinfo=VIETNAM)


def _place(error: BaseException) -> str:
    """Turn the path that a decoder names into a JSON pointer."""
    path = str(error).rpartition(" - at `$")[2].rstrip("`") if " - at `$" in str(error) else ""
    return _STEP.sub(lambda step: f"/{step[1] or ''}", path)


def _words(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error).partition(" - at `$")[0]

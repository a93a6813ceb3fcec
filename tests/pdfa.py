"""What of ISO 19005-3 (PDF/A-3, level A) can be asked of a file's objects, clause by clause.

No validator of PDF/A is among the packages that tests may use. Of what a validator asks, this leaves out what
takes the programs of fonts to answer (6.2.11.5, widths; 6.2.11.6, encodings of symbolic fonts), and
what takes a person: whether the tags say what the page says.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pikepdf
from lxml import etree
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

_MARKED_BY: Final = {"BDC", "BMC"}
_SHOWING: Final = {"Tj", "TJ", "'", '"', "Do", "sh", "f", "F", "f*", "B", "B*", "b", "b*", "S", "s", "EI"}
#: ISO 32000-1, annex A; each between blanks.
_OPERATORS: Final = (
    " b B b* B* BDC BI BMC BT BX c cm CS cs d d0 d1 Do DP EI EMC ET EX f F f* G g gs h i ID j J K k l m M "
    "MP n q Q re RG rg ri s S SC sc SCN scn sh T* Tc Td TD Tf Tj TJ TL Tm Tr Ts Tw Tz v w W W* y ' \" "
)
_FILTERS: Final = {
    "/ASCIIHexDecode", "/ASCII85Decode", "/FlateDecode", "/RunLengthDecode", "/DCTDecode", "/JPXDecode",
    "/CCITTFaxDecode", "/JBIG2Decode",
}  # fmt: skip
_ACTIONS: Final = {
    "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition",
    "/Trans", "/GoTo3DView", "/JavaScript",
}  # fmt: skip
_BLEND_MODES: Final = {
    "/Normal", "/Compatible", "/Multiply", "/Screen", "/Overlay", "/Darken", "/Lighten", "/ColorDodge",
    "/ColorBurn", "/HardLight", "/SoftLight", "/Difference", "/Exclusion", "/Hue", "/Saturation", "/Color",
    "/Luminosity",
}  # fmt: skip
#: ISO 32000-1, 14.8.4: structure types that need no role; each between blanks.
_TYPES: Final = (
    " /Document /Part /Art /Sect /Div /BlockQuote /Caption /TOC /TOCI /Index /NonStruct /Private /P /H /H1 "
    "/H2 /H3 /H4 /H5 /H6 /L /LI /Lbl /LBody /Table /TR /TH /TD /THead /TBody /TFoot /Span /Quote /Note "
    "/Reference /BibEntry /Code /Link /Annot /Ruby /RB /RT /RP /Warichu /WT /WP /Figure /Formula /Form "
)
_RELATIONSHIPS: Final = {"/Source", "/Data", "/Alternative", "/Supplement", "/Unspecified"}
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_ID: Final = "{http://www.aiim.org/pdfa/ns/id/}"
_RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_XML_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_LONGEST_STRING, _LONGEST_NAME, _MOST_OBJECTS, _DEEPEST = 32_767, 127, 8_388_607, 28


def find_faults(data: bytes) -> list[str]:
    """Return what a file violates: each the clause and what it asks."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        read = _Read(data, pdf)
        return [fault for check in CHECKS for fault in check(read)]


@dataclass(frozen=True)
class _Read:
    """A file, and what is in it: looked for once, whatever asks for it."""

    data: bytes
    pdf: Pdf

    @cached_property
    def objects(self) -> list[Object]:
        """Every object, those inside of others too."""
        return list(_all(self.pdf))

    @cached_property
    def instructions(self) -> list[list[tuple[str, list[Object]]]]:
        """Operators with their operands, page by page."""
        return [
            [(str(one.operator), list(one.operands)) for one in pikepdf.parse_content_stream(page)]
            for page in self.pdf.pages
        ]

    def of_type(self, kind: str) -> Iterator[Object]:
        """Yield the dictionaries that say that they are of a type."""
        return (
            one for one in self.objects if isinstance(one, Dictionary | Stream) and one.get("/Type") == kind
        )


def _file(read: _Read) -> Iterator[str]:
    data, pdf = read.data, read.pdf
    first, second = data.split(b"\n", 2)[:2]
    if not re.fullmatch(rb"%PDF-1\.[0-7]\r?", first):
        yield "6.1.2 header"
    if second[:1] != b"%" or len(second) < 5 or any(byte < 128 for byte in second[1:5]):
        yield "6.1.2 comment of four bytes over 127"
    if "/ID" not in pdf.trailer or len(pdf.trailer.ID) != 2:
        yield "6.1.3 identifier"
    if "/Encrypt" in pdf.trailer:
        yield "6.1.3 encryption"
    if data.rstrip(b"\r\n")[-5:] != b"%%EOF":
        yield "6.1.3 nothing after the end"
    if len(pdf.objects) > _MOST_OBJECTS:
        yield "6.1.13 number of objects"


def _objects(read: _Read) -> Iterator[str]:
    for each in read.objects:
        if isinstance(each, Stream):
            if {"/F", "/FFilter", "/FDecodeParams"} & set(each.keys()):
                yield "6.1.7.1 stream in another file"
            named = each.get("/Filter", Array())
            if any(str(one) not in _FILTERS for one in (named if isinstance(named, Array) else [named])):
                yield "6.1.7.2 filter"
        if isinstance(each, Dictionary | Stream):
            yield from _dictionary(each)
        elif isinstance(each, pikepdf.String) and len(bytes(each)) > _LONGEST_STRING:
            yield "6.1.13 length of a string"


def _dictionary(each: Object) -> Iterator[str]:
    if any(len(name.encode()) - 1 > _LONGEST_NAME for name in each.keys()):  # noqa: SIM118 - not a dict
        yield "6.1.13 length of a name"
    kind, subtype = str(each.get("/Type", "")), str(each.get("/Subtype", ""))
    if kind == "/ExtGState" or {"/BM", "/SMask"} & set(each.keys()):
        if "/TR" in each or str(each.get("/TR2", "/Default")) != "/Default" or "/HTP" in each:
            yield "6.2.5 graphics state"
        if "/BM" in each and str(each.BM) not in _BLEND_MODES:
            yield "6.2.10 blend mode"
    has_others = bool({"/Alternates", "/OPI"} & set(each.keys()))
    if subtype == "/Image" and (has_others or each.get("/Interpolate", False)):
        yield "6.2.8 image"
    if subtype == "/PS" or (subtype == "/Form" and {"/OPI", "/Ref", "/PS"} & set(each.keys())):
        yield "6.2.9 external object"
    if str(each.get("/S", "")) in _ACTIONS:
        yield "6.5.1 action"


def _output_intent(read: _Read) -> Iterator[str]:
    intents = [one for one in read.pdf.Root.get("/OutputIntents", Array()) if one.get("/S") == "/GTS_PDFA1"]
    profiles = [one.DestOutputProfile for one in intents if "/DestOutputProfile" in one]
    if len(profiles) != 1:
        yield "6.2.3 output intent with one profile"
        return
    content = profiles[0].read_bytes()
    space, components = content[16:20], {b"RGB ": 3, b"GRAY": 1, b"CMYK": 4}
    if content[36:40] != b"acsp" or components.get(space) != profiles[0].get("/N"):
        yield "6.2.3 ICC profile"
    if content[12:16] not in {b"mntr", b"prtr"}:
        yield "6.2.3 class of the profile"
    for device, needs in (("/DeviceRGB", b"RGB "), ("/DeviceCMYK", b"CMYK")):
        if space != needs and device in _colors(read):
            yield f"6.2.4.3 {device} without its profile"


def _colors(read: _Read) -> set[str]:
    """Return the device's colour spaces that pages and their forms name."""
    operators = {"rg": "/DeviceRGB", "RG": "/DeviceRGB", "k": "/DeviceCMYK", "K": "/DeviceCMYK"}
    found = {operators[name] for page in read.instructions for name, _ in page if name in operators}
    for each in read.objects:
        if isinstance(each, Dictionary | Stream) and isinstance(each.get("/ColorSpace"), Name):
            found.add(str(each.ColorSpace))
    return found


def _content(read: _Read) -> Iterator[str]:
    for instructions in read.instructions:
        depth = marked = 0
        for name, _operands in instructions:
            if f" {name} " not in _OPERATORS and name != "INLINE IMAGE":
                yield "6.2.2 operator"
            depth += {"q": 1, "Q": -1}.get(name, 0)
            marked += 1 if name in _MARKED_BY else -1 if name == "EMC" else 0
            if name in _SHOWING and not marked:
                yield "6.7.2 content that is neither tagged nor an artifact"
            if depth > _DEEPEST:
                yield "6.1.13 nesting of states"


def _fonts(read: _Read) -> Iterator[str]:
    for font in read.of_type("/Font"):
        subtype = str(font.Subtype)
        if subtype in {"/CIDFontType0", "/CIDFontType2"}:
            descriptor = font.get("/FontDescriptor", Dictionary())
            if not {"/FontFile2", "/FontFile3"} & set(descriptor.keys()):
                yield "6.2.11.4.1 font inside"
            if subtype == "/CIDFontType2" and "/CIDToGIDMap" not in font:
                yield "6.2.11.3.2 map of glyphs"
        elif subtype == "/Type0":
            is_named = str(font.Encoding) in {"/Identity-H", "/Identity-V"}
            if not is_named and not isinstance(font.Encoding, Stream):
                yield "6.2.11.3.3 character map inside"
            yield from _unicode(font)
        elif subtype != "/Type3":
            yield f"6.2.11.4.1 a font of another kind: {subtype}"


def _unicode(font: Object) -> Iterator[str]:
    if "/ToUnicode" not in font:
        yield "6.2.11.7.2 letters of the glyphs"
        return
    values = re.findall(rb"<[0-9A-Fa-f]+>\s*<([0-9A-Fa-f]+)>", font.ToUnicode.read_bytes())
    if not values or any(value.upper() in {b"0000", b"FEFF", b"FFFE"} for value in values):
        yield "6.2.11.7.2 a glyph without a letter"


def _glyphs(read: _Read) -> Iterator[str]:
    """6.2.11.8: glyph 0 is what a font draws for what it does not have; codes are two bytes here."""
    for instructions in read.instructions:
        for name, operands in instructions:
            if name not in {"Tj", "TJ"}:
                continue
            shown = operands[0] if name == "TJ" else [operands[0]]
            codes = b"".join(bytes(one) for one in shown if isinstance(one, pikepdf.String))
            if any(codes[at : at + 2] == b"\0\0" for at in range(0, len(codes), 2)):
                yield "6.2.11.8 glyph that says it is missing"


def _annotations(read: _Read) -> Iterator[str]:
    pdf = read.pdf
    for page in pdf.pages:
        for one in page.obj.get("/Annots", Array()):
            flags = int(one.get("/F", 0))
            if str(one.Subtype) != "/Popup" and (not flags & 4 or flags & (1 | 2 | 32 | 256)):
                yield "6.3.2 annotation that is not printed"
            if str(one.Subtype) in {"/3D", "/Sound", "/Screen", "/Movie"}:
                yield "6.3.1 annotation"


def _interaction(read: _Read) -> Iterator[str]:
    pdf = read.pdf
    if "/AA" in pdf.Root or any("/AA" in page.obj for page in pdf.pages):
        yield "6.5.2 action by itself"
    form = pdf.Root.get("/AcroForm", Dictionary())
    if "/XFA" in form or form.get("/NeedAppearances", False):
        yield "6.4 form"
    names = pdf.Root.get("/Names", Dictionary())
    if "/JavaScript" in names:
        yield "6.5.1 script"
    if "/AlternatePresentations" in names or any("/PresSteps" in page.obj for page in pdf.pages):
        yield "6.10 other presentations"
    if "/Requirements" in pdf.Root:
        yield "6.11 requirements"
    if "/AS" in pdf.Root.get("/OCProperties", Dictionary()).get("/D", Dictionary()):
        yield "6.9 layers that change by themselves"


def _metadata(read: _Read) -> Iterator[str]:
    pdf = read.pdf
    stream = pdf.Root.get("/Metadata")
    if stream is None or stream.get("/Type") != "/Metadata" or stream.get("/Subtype") != "/XML":
        yield "6.6.2.1 metadata"
        return
    packet = stream.read_bytes()
    if re.search(rb"<\?xpacket begin=[^>]*(bytes|encoding)=", packet):
        yield "6.6.2.1 attributes of the packet"
    try:
        root = etree.fromstring(packet)
    except etree.XMLSyntaxError:
        yield "6.6.2.1 metadata that can be read"
        return
    said = {one.tag: "".join(one.itertext()).strip() for one in root.iter("{*}*")}
    for one in root.iter(f"{_RDF}Description"):
        said |= {str(name): str(value) for name, value in one.attrib.items()}
    if said.get(f"{_ID}part") != "3" or said.get(f"{_ID}conformance") != "A":
        yield "6.6.4 part and level"
    info = pdf.trailer.get("/Info", Dictionary())
    for key, name in (("/Title", f"{_DC}title"), ("/Author", f"{_DC}creator")):
        if key in info and said.get(name) != str(info[key]):
            yield f"6.6.3 {key} that is said otherwise"


def _structure(read: _Read) -> Iterator[str]:
    pdf = read.pdf
    if not pdf.Root.get("/MarkInfo", Dictionary()).get("/Marked", False):
        yield "6.7.2.1 marked"
    if not _XML_LANGUAGE.fullmatch(str(pdf.Root.get("/Lang", ""))):
        yield "6.7.4 language"
    tree = pdf.Root.get("/StructTreeRoot")
    if tree is None or "/K" not in tree or "/ParentTree" not in tree:
        yield "6.7.3.3 structure"
        return
    roles = tree.get("/RoleMap", Dictionary())
    for element in read.of_type("/StructElem"):
        kind, followed = str(element.S), set[str]()
        while f" {kind} " not in _TYPES and kind in roles and kind not in followed:
            followed.add(kind)
            kind = str(roles[kind])
        if f" {kind} " not in _TYPES:
            yield f"6.7.3.4 role of {kind}"
        if kind == "/Figure" and not {"/Alt", "/ActualText"} & set(element.keys()):
            yield "6.7.5 words for a figure"
    for page in pdf.pages:
        if "/StructParents" not in page.obj:
            yield "6.7.3.3 page without structure"


def _attachments(read: _Read) -> Iterator[str]:
    pdf = read.pdf
    associated = [one.objgen for one in pdf.Root.get("/AF", Array())]
    specifications = [one for one in read.objects if isinstance(one, Dictionary) and "/EF" in one]
    for one in specifications:
        if {"/F", "/UF", "/AFRelationship"} - set(one.keys()):
            yield "6.8 name and relationship of a file"
        elif str(one.AFRelationship) not in _RELATIONSHIPS:
            yield "6.8 relationship"
        if one.objgen not in associated:
            yield "6.8 file that nothing is associated with"
        stream = one.EF.get("/F")
        if stream is None or not re.fullmatch(r"/[\w.+-]+/[\w.+-]+", str(stream.get("/Subtype", ""))):
            yield "6.8 media type"
        elif "/ModDate" not in stream.get("/Params", Dictionary()):
            yield "6.8 date of a file"
    if {one.objgen for one in specifications} != set(_named_files(pdf)):
        yield "6.8 file that has no name in the tree"


def _named_files(pdf: Pdf) -> Iterator[tuple[int, int]]:
    waiting = [pdf.Root.get("/Names", Dictionary()).get("/EmbeddedFiles", Dictionary())]
    for node in waiting:  # grows while it is gone through
        waiting += list(node.get("/Kids", Array()))
        yield from (one.objgen for one in list(node.get("/Names", Array()))[1::2])


CHECKS: Final[tuple[Callable[[_Read], Iterator[str]], ...]] = (
    _file, _objects, _output_intent, _content, _fonts, _glyphs, _annotations, _interaction, _metadata,
    _structure, _attachments,
)  # fmt: skip


def _all(pdf: Pdf) -> Iterator[Object]:
    """Return every object, those inside of others too."""
    waiting = [*pdf.objects]
    while waiting:
        one = waiting.pop()
        yield one
        if isinstance(one, Array):
            waiting += [each for each in one if isinstance(each, Object) and not each.is_indirect]
        elif isinstance(one, Dictionary | Stream):
            waiting += [each for _, each in one.items() if isinstance(each, Object) and not each.is_indirect]

"""A form keeps ISO 19005-3 as far as our own checks go, and each of them sees what it is for."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf

from claims.checking.samples import load_sample
from claims.paper.rendering import render_pdf
from signing.canonical import parse
from signing.demo_pki import DemoPki
from signing.sign import sign_bundle
from signing.verify import verify
from tests.pdfa import find_faults
from tests.unit.paper.test_rendering import AT, a_copy


@pytest.fixture(scope="module")
def form() -> bytes:
    return render_pdf(load_sample("birth").write(), a_copy())


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("sample", ["birth", "inpatient", "outpatient", "surgery"])
def test_forms_keep_the_standard(sample: str, language: str) -> None:
    bundle = load_sample(sample).write()

    assert find_faults(render_pdf(bundle, a_copy(language))) == []


def test_so_does_a_form_with_a_verdict_and_one_with_letters_that_no_font_has() -> None:
    pki = DemoPki.create(at=AT - timedelta(days=60))
    key = pki.leaf("79024", valid_from=AT - timedelta(days=50), valid_to=AT + timedelta(days=300))
    strange = load_sample("outpatient", ["XML1.HO_TEN = 漢字 😀 العربية e\u0301\u0323"]).write()
    signed = sign_bundle(strange, key.signer)
    verdict = verify(parse(signed), trust=pki.trust_store(), at=AT)

    assert find_faults(render_pdf(signed, a_copy(verdict=verdict))) == []


def _font(pdf: Pdf, kind: str) -> pikepdf.Object:
    return next(
        one for one in pdf.objects if isinstance(one, Dictionary) and str(one.get("/Subtype", "")) == kind
    )


def _without_font_program(pdf: Pdf) -> None:
    del next(one for one in pdf.objects if isinstance(one, Dictionary) and "/FontFile3" in one)["/FontFile3"]


def _untagged(pdf: Pdf) -> None:
    pdf.pages[0].contents_add(b"q 0 0 10 10 re f Q")


def _missing_glyph(pdf: Pdf) -> None:
    page = pdf.pages[0]
    name = next(iter(page.obj.Resources.Font.keys()))
    page.contents_add(f"/Artifact BMC BT {name} 9 Tf <0000> Tj ET EMC".encode())


def _cmyk(pdf: Pdf) -> None:
    pdf.pages[0].contents_add(b"/Artifact BMC 0 0 0 1 k 0 0 1 1 re f EMC")


def _other_title(pdf: Pdf) -> None:
    pdf.trailer.Info.Title = "something else"


def _other_level(pdf: Pdf) -> None:
    packet = pdf.Root.Metadata.read_bytes()
    pdf.Root.Metadata.write(packet.replace(b"conformance>A<", b"conformance>B<"))


def _set(path: str, value: object) -> Callable[[Pdf], None]:
    """Return what puts a value where a path of keys leads, or takes away what is there."""

    def change(pdf: Pdf) -> None:
        *parents, last = path.split()
        at = pdf.Root if parents[:1] != ["page"] else pdf.pages[0].obj
        for key in parents[parents[:1] == ["page"] :]:
            at = at[int(key)] if key.isdigit() else at[key]
        if value is None:
            del at[last]
        else:
            at[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        pytest.param(_without_font_program, "6.2.11.4.1", id="font-outside"),
        pytest.param(
            lambda pdf: _font(pdf, "/Type0").__delitem__("/ToUnicode"), "6.2.11.7.2", id="no-letters"
        ),
        pytest.param(_missing_glyph, "6.2.11.8", id="missing-glyph"),
        pytest.param(_untagged, "6.7.2", id="untagged"),
        pytest.param(_cmyk, "6.2.4.3", id="other-colors"),
        pytest.param(_other_title, "6.6.3", id="other-title"),
        pytest.param(_other_level, "6.6.4", id="other-level"),
        pytest.param(_set("/OutputIntents", None), "6.2.3", id="no-profile"),
        pytest.param(_set("/Metadata", None), "6.6.2.1", id="no-metadata"),
        pytest.param(_set("/MarkInfo", None), "6.7.2.1", id="not-marked"),
        pytest.param(_set("/StructTreeRoot", None), "6.7.3.3", id="no-structure"),
        pytest.param(_set("/Lang", None), "6.7.4", id="no-language"),
        pytest.param(_set("/AF", None), "6.8", id="not-associated"),
        pytest.param(_set("/AF 0 /AFRelationship", None), "6.8", id="no-relationship"),
        pytest.param(_set("/AF 0 /EF /F /Subtype", None), "6.8", id="no-media-type"),
        pytest.param(_set("/AF 0 /EF /F /Params", None), "6.8", id="no-date"),
        pytest.param(_set("/Names /EmbeddedFiles", None), "6.8", id="no-name-in-the-tree"),
        pytest.param(
            _set("/OpenAction", Dictionary(S=Name.JavaScript, JS="app.alert(1)")), "6.5.1", id="script"
        ),
        pytest.param(_set("/AA", Dictionary()), "6.5.2", id="action-by-itself"),
        pytest.param(_set("/AcroForm", Dictionary(NeedAppearances=True)), "6.4", id="form"),
        pytest.param(_set("/Requirements", Array()), "6.11", id="requirements"),
        pytest.param(
            _set("page /Annots", Array([Dictionary(Type=Name.Annot, Subtype=Name.Link)])),
            "6.3.2",
            id="annotation",
        ),
        pytest.param(
            _set(
                "page /Resources /ExtGState", Dictionary(G=Dictionary(Type=Name.ExtGState, TR=Name.Identity))
            ),
            "6.2.5",
            id="graphics-state",
        ),
        pytest.param(
            _set("page /Resources /ExtGState", Dictionary(G=Dictionary(Type=Name.ExtGState, BM=Name.Glow))),
            "6.2.10",
            id="blend-mode",
        ),
    ],
)
def test_what_the_standard_forbids_is_seen(form: bytes, change: Callable[[Pdf], None], clause: str) -> None:
    with pikepdf.open(io.BytesIO(form)) as pdf:
        change(pdf)
        damaged = io.BytesIO()
        # As it came, but for the change: objects where they were, and the identifier.
        pdf.save(damaged, static_id=True, fix_metadata_version=False)

    found = find_faults(damaged.getvalue())

    assert clause in {fault.split(" ")[0] for fault in found}, found


@pytest.mark.parametrize(
    ("pattern", "other", "clause"),
    [
        (rb"%PDF-1\.7", b"%PDF-2.0", "6.1.2"),
        (rb"\n%[\x80-\xff]{4}", b"\n%abcd", "6.1.2"),
        (rb"%%EOF\s*$", b"%%EOF\nmore", "6.1.3"),
    ],
)
def test_so_are_bytes_that_are_not_where_they_belong(
    form: bytes, pattern: bytes, other: bytes, clause: str
) -> None:
    damaged = re.sub(pattern, lambda _: other, form, count=1)
    assert damaged != form

    assert clause in {fault.split(" ")[0] for fault in find_faults(damaged)}


def test_a_file_that_is_locked_is_seen(form: bytes) -> None:
    with pikepdf.open(io.BytesIO(form)) as pdf:
        locked = io.BytesIO()
        pdf.save(locked, encryption=pikepdf.Encryption(owner="secret", user=""))

    assert "6.1.3 encryption" in find_faults(locked.getvalue())

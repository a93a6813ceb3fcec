"""A form is PDF/A with the signed XML inside, whatever stands in the claim."""

import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pikepdf
import pytest

from claims.checking.samples import load_sample
from claims.paper.rendering import CannotRender, Copy, render_pdf
from signing.demo_pki import DemoPki
from signing.sign import sign_bundle
from signing.verdict import Verdict

AT = datetime(2026, 11, 29, 3, 0, 0, 123456, tzinfo=UTC)
SUBMISSION = "sub_01KASWY1C4R4T9QZ3R5J8M2X6B"


def a_copy(language: str = "vi", verdict: Verdict | None = None) -> Copy:
    return Copy(
        at=AT,
        submission_id=SUBMISSION,
        public_url="https://claims.example.vn",
        language=language,
        verdict=verdict,
        checked_at=AT if verdict else None,
    )


@pytest.fixture(scope="module")
def signed() -> bytes:
    pki = DemoPki.create(at=AT - timedelta(days=60))
    key = pki.leaf("79024", valid_from=AT - timedelta(days=50), valid_to=AT + timedelta(days=300))
    return sign_bundle(load_sample("birth").write(), key.signer)


def test_the_very_bytes_are_attached_and_the_file_says_which_standard_it_keeps(
    signed: bytes,
) -> None:
    pdf = pikepdf.open(io.BytesIO(render_pdf(signed, a_copy())))

    assert pdf.attachments[f"{SUBMISSION}.xml"].get_file().read_bytes() == signed
    with pdf.open_metadata() as metadata:
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
    assert bool(pdf.Root.MarkInfo.Marked)
    assert str(pdf.Root.AF[0].AFRelationship) == "/Source"
    assert pdf.Root.Lang == "vi"


@pytest.mark.parametrize(("language", "title"), [("vi", "Hồ sơ"), ("en", "Claim")])
def test_the_file_names_the_episode_and_the_facility_and_its_language_but_nobody(
    signed: bytes, language: str, title: str
) -> None:
    pdf = pikepdf.open(io.BytesIO(render_pdf(signed, a_copy(language))))

    assert pdf.docinfo["/Title"] == f"{title} 79024.2609.000039"
    assert pdf.docinfo["/Author"] == "79024"
    assert pdf.Root["/Lang"] == language


def test_the_same_values_make_the_same_bytes(signed: bytes) -> None:
    assert render_pdf(signed, a_copy()) == render_pdf(signed, a_copy())


def test_a_form_asks_nothing_of_the_folder_that_the_process_is_in(
    signed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "data.json").write_text("{}")
    monkeypatch.chdir(here)

    # Each thread has a compiler of its own.
    with ThreadPoolExecutor() as pool:
        assert pool.submit(render_pdf, signed, a_copy()).result() == render_pdf(signed, a_copy())
    shutil.rmtree(here)
    with ThreadPoolExecutor() as pool:
        assert pool.submit(render_pdf, signed, a_copy()).result() == render_pdf(signed, a_copy())


def test_a_form_is_the_same_after_others(signed: bytes) -> None:
    first, other = render_pdf(signed, a_copy()), load_sample("surgery").write()

    for copy in (a_copy("en"), replace(a_copy(), submission_id="")):
        render_pdf(signed, copy)
        render_pdf(other, copy)

    assert render_pdf(signed, a_copy()) == first


def test_a_time_makes_the_same_bytes_in_every_zone(signed: bytes) -> None:
    there = replace(a_copy(), at=AT.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")))

    assert render_pdf(signed, there) == render_pdf(signed, a_copy())


@pytest.mark.parametrize(
    "name",
    [
        "漢字",
        "😀",
        "\ue000",
        '#pdf.attach("x") *b* $x$ @r',
        "العربية",
        "A" * 2000,
        "漢" * 200,
        "e\u0301\u0323",
        "a\r\nb\nc\rd\u2028e\u2029f\x85g",
    ],
)
def test_any_text_makes_a_form(name: str) -> None:
    sample = load_sample("outpatient")
    for field in ("HO_TEN", "DIA_CHI", "MA_KHOA"):
        sample.tables["XML1"][0][field] = name  # type: ignore[index]
    for row in sample.tables["XML3"]:  # type: ignore[index]
        row |= {"TEN_DICH_VU": name, "DON_VI_TINH": name}

    form = render_pdf(sample.write(), replace(a_copy(), facility_name=name))

    assert form.startswith(b"%PDF")


def test_what_controls_a_terminal_is_a_box_in_what_others_wrote() -> None:
    """XML has no such characters; the gateway's number and the name of a facility may."""
    odd = "GD\x01\x08\x0c\x1b[0m\\u0001\ud83d"

    form = render_pdf(load_sample("outpatient").write(), replace(a_copy(), facility_name=odd, receipt=odd))

    assert form.startswith(b"%PDF")


def test_what_is_longer_than_any_form_is_refused_before_it_is_set() -> None:
    bundle = load_sample("outpatient", [f"XML1.DIA_CHI = {'Xóm ' * 600_000}"]).write()

    with pytest.raises(CannotRender, match="more than a form can hold"):
        render_pdf(bundle, a_copy())


@pytest.mark.parametrize("data", [b"", b"<a/>", b"no xml", b"<GIAMDINHHS/>"])
def test_what_holds_no_claim_is_refused(data: bytes) -> None:
    with pytest.raises(CannotRender):
        render_pdf(data, a_copy())

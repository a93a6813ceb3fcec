"""Forms as others see them: text taken out, codes read back, pages fetched from the service."""

import base64
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from claims.checking.samples import load_sample
from claims.cli.papers import in_their_order
from claims.paper.rendering import Copy, render_pdf
from claims.runtime.wiring import Service
from signing.canonical import parse
from signing.demo_pki import DemoPki
from signing.sign import sign_bundle
from signing.verdict import Verdict
from signing.verify import verify
from tests.conftest import require_tool
from tests.in_process import TestClient
from tests.integration.command import claims
from tests.integration.test_api import XML, is_problem, key

pytestmark = pytest.mark.any_server

AT = datetime(2026, 11, 29, 3, tzinfo=UTC)
RIGHT_MARGIN = 11 / 25.4 * 72
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
def signed() -> tuple[bytes, DemoPki]:
    pki = DemoPki.create(at=AT - timedelta(days=60))
    key = pki.leaf("79024", valid_from=AT - timedelta(days=50), valid_to=AT + timedelta(days=300))
    return sign_bundle(load_sample("birth").write(), key.signer), pki


def text_of(pdf: bytes, folder: Path) -> str:
    (folder / "form.pdf").write_bytes(pdf)
    command = [require_tool("pdftotext"), "-layout", str(folder / "form.pdf"), "-"]
    return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout.decode()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("vi", ["BẢNG KÊ CHI PHÍ ĐIỀU TRỊ NỘI TRÚ", "Chữ ký hợp lệ", "Trang 1/2", "Quỹ BHYT"]),
        (
            "en",
            ["STATEMENT OF COSTS OF IN-PATIENT CARE", "The signature is valid", "Page 1/2", "Paid by"],
        ),
    ],
)
def test_form_verdict_and_papers_can_be_read(
    signed: tuple[bytes, DemoPki], language: str, words: list[str], tmp_path: Path
) -> None:
    bundle, pki = signed
    verdict = verify(parse(bundle), trust=pki.trust_store(), at=AT)

    text = text_of(render_pdf(bundle, a_copy(language, verdict)), tmp_path)

    row = load_sample("birth").tables["XML1"][0]  # type: ignore[index]
    for word in (*words, row["HO_TEN"], row["MA_LK"], "XML9", SUBMISSION):
        assert word in text


def test_the_code_leads_back_and_says_nothing_about_people(
    signed: tuple[bytes, DemoPki], tmp_path: Path
) -> None:
    (tmp_path / "form.pdf").write_bytes(render_pdf(signed[0], a_copy()))
    command = [
        require_tool("pdftoppm"),
        "-r",
        "150",
        "-png",
        str(tmp_path / "form.pdf"),
        str(tmp_path / "page"),
    ]
    subprocess.run(command, check=True, timeout=30)

    found = [
        code.text
        for page in sorted(tmp_path.glob("page*.png"))
        for code in zxingcpp.read_barcodes(Image.open(page))
    ]

    assert len(found) == 1
    assert re.fullmatch(rf"https://claims\.example\.vn/v/{SUBMISSION}\?d=[0-9a-f]{{16}}", found[0])


def test_an_unsigned_file_and_a_preview_say_so(tmp_path: Path) -> None:
    text = text_of(render_pdf(load_sample("outpatient").write(), Copy(at=AT)), tmp_path)

    assert "Tệp chưa được ký" in text
    assert "BẢN XEM THỬ" in text


@pytest.mark.parametrize("content", [b"!", base64.b64encode(b"<a><b></a>")], ids=["no-base64", "no-xml"])
def test_a_table_that_nobody_can_read_is_not_passed_over(content: bytes, tmp_path: Path) -> None:
    bundle = load_sample("outpatient").write()
    _, _, services, *_ = re.findall(b"<NOIDUNGFILE>([^<]+)<", bundle)

    whole = text_of(render_pdf(bundle, a_copy("en")), tmp_path)
    text = text_of(render_pdf(bundle.replace(services, content), a_copy("en")), tmp_path)

    assert "IN THE FILE, BUT UNREADABLE: XML3" in text
    assert "UNREADABLE" not in whole


def test_a_table_that_stands_twice_is_said_to(tmp_path: Path) -> None:
    bundle = load_sample("outpatient").write()
    services = re.findall(b"<FILEHOSO>.*?</FILEHOSO>", bundle, re.DOTALL)[2]

    text = text_of(render_pdf(bundle.replace(services, 2 * services), a_copy("en")), tmp_path)

    assert "HERE THE FIRST ALONE: XML3" in text


def test_a_claim_of_which_no_table_can_be_read_has_its_page(tmp_path: Path) -> None:
    bundle = load_sample("outpatient").write()
    claim = re.findall(b"<HOSO>.*?</HOSO>", bundle, re.DOTALL)[0]
    damaged = re.sub(b"<NOIDUNGFILE>[^<]+<", b"<NOIDUNGFILE>!<", claim)

    text = text_of(render_pdf(bundle.replace(claim, claim + damaged), a_copy("en")), tmp_path)

    assert "IN THE FILE, BUT UNREADABLE: XML1, XML2, XML3, XML4, XML14" in text


@pytest.mark.parametrize("words", [1, 25, 120], ids=["one-line", "two-lines", "many-lines"])
def test_what_a_long_address_takes_is_left_to_it(words: int, tmp_path: Path) -> None:
    sample = load_sample("outpatient")
    sample.tables["XML1"][0]["DIA_CHI"] = "Xóm " * words + "Cuối"  # type: ignore[index]
    (tmp_path / "form.pdf").write_bytes(render_pdf(sample.write(), a_copy()))
    command = [require_tool("pdftotext"), "-bbox", str(tmp_path / "form.pdf"), "-"]

    boxes = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout

    found = re.findall(r'yMin="([0-9.]+)" xMax="[0-9.]+" yMax="([0-9.]+)">([^<]+)<', boxes)
    texts = [word for _, _, word in found]
    first, last = texts.index("I."), texts.index("II.")
    lowest = max(float(bottom) for _, bottom, _ in found[first:last])
    assert "Cuối" in texts[first:last]
    # A word's box has room for a mark above its letters and for what goes below the line.
    assert -2 < float(found[last][0]) - lowest < 8


def test_no_word_runs_over_the_edge_of_the_page(tmp_path: Path) -> None:
    fields = ("MA_BN", "MA_KHOA", "MA_LK", "HO_TEN", "DIA_CHI", "MA_THE_BHYT")
    bundle = load_sample("outpatient", [f"XML1.{name} = {'W' * 200}" for name in fields]).write()
    form = render_pdf(bundle, replace(a_copy(), facility_name="W" * 200, receipt="W" * 200))
    (tmp_path / "form.pdf").write_bytes(form)
    command = [require_tool("pdftotext"), "-bbox", str(tmp_path / "form.pdf"), "-"]

    boxes = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout

    (width, *_) = map(float, re.findall(r'<page width="([0-9.]+)"', boxes))
    ends = [float(right) for right in re.findall(r'xMax="([0-9.]+)"', boxes)]
    assert boxes.count("W") >= 200 * (len(fields) + 2)
    assert max(ends) < width - RIGHT_MARGIN + 1


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u061c"])
def test_nothing_on_paper_is_turned_around(mark: str, tmp_path: Path) -> None:
    bundle = load_sample("outpatient", [f"XML1.HO_TEN = AN {mark}HNIB"]).write()

    text = text_of(render_pdf(bundle, a_copy()), tmp_path)

    assert "AN □HNIB" in text
    assert mark not in text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("một\thai", "một hai", id="tab"),
        pytest.param("một\\thai", "một\\thai", id="backslash"),
    ],
)
def test_a_tab_keeps_words_apart(written: str, shown: str, tmp_path: Path) -> None:
    sample = load_sample("outpatient")
    sample.tables["XML1"][0]["HO_TEN"] = written  # type: ignore[index]

    assert shown in text_of(render_pdf(sample.write(), a_copy()), tmp_path)


def submitted(client: TestClient, service: Service, facility: str = "99001") -> dict[str, str]:
    headers = key(service, facility) | XML
    body = load_sample("outpatient").write()
    return dict(client.post("/v1/submissions", content=body, headers=headers).json())


def test_a_submission_has_a_form_for_who_may_read_its_claims(client: TestClient, service: Service) -> None:
    submission = submitted(client, service)
    address = f"/v1/submissions/{submission['id']}/paper"

    own = client.get(address, params={"language": "en"}, headers=key(service))
    other = client.get(address, headers=key(service, "99002"))
    unreadable = client.post("/v1/submissions", content=b"<x/>", headers=key(service) | XML).json()["id"]

    assert own.headers["Content-Type"] == "application/pdf"
    assert own.content.startswith(b"%PDF")
    assert is_problem(other, 404, "not-found")
    nothing = client.get(f"/v1/submissions/{unreadable}/paper", headers=key(service))
    assert is_problem(nothing, 422, "nothing-to-show")


def test_the_code_on_a_form_tells_where_the_claim_stands_and_nothing_about_people(
    client: TestClient, service: Service
) -> None:
    submission = submitted(client, service)
    page = client.get(f"/v/{submission['id']}", params={"d": submission["sha256"][:16]})
    guess = client.get(f"/v/{submission['id']}", params={"d": "0" * 16})
    client.post(
        f"/v1/submissions/{submission['id']}/withdrawal",
        json={"reason": "wrong person"},
        headers=key(service),
    )
    later = client.get(f"/v/{submission['id']}", params={"d": submission["sha256"][:16]})

    row = load_sample("outpatient").tables["XML1"][0]  # type: ignore[index]
    assert "data-standing=under-way" in page.text
    assert "99001" in page.text
    assert not {row["HO_TEN"], row["MA_BN"], row["MA_LK"], row["T_TONGCHI_BV"]} & set(
        re.split(r"[<>]", page.text)
    )
    assert "data-standing=unknown" in guess.text
    assert "99001" not in guess.text
    assert "data-standing=withdrawn" in later.text


def test_what_could_not_be_sent_was_not_refused(client: TestClient, service: Service) -> None:
    submission = submitted(client, service)
    with service.pool.connection() as connection:
        connection.execute("UPDATE submission SET state = 'failed' WHERE id = %s", [submission["id"]])

    page = client.get(f"/v/{submission['id']}", params={"d": submission["sha256"][:16]})

    assert "data-standing=under-way" in page.text


def test_of_a_file_of_several_claims_the_code_tells_that_some_have_later_versions(
    client: TestClient, service: Service
) -> None:
    headers = key(service) | XML
    first, later = (client.post("/v1/submissions", content=one, headers=headers).json() for one in ("1", "2"))
    with service.pool.connection() as connection:
        connection.execute("UPDATE submission SET state = 'acknowledged' WHERE id = %s", [first["id"]])
        for each, ordinal, ma_lk in ((first, 1, "A"), (first, 2, "B"), (later, 1, "B")):
            connection.execute(
                "INSERT INTO claim (submission_id, ordinal, facility, ma_lk, summary) "
                "VALUES (%s, %s, '99001', %s, '{}')",
                [each["id"], ordinal, ma_lk],
            )
    address = f"/v/{first['id']}?d={first['sha256'][:16]}"

    before = client.get(address)
    with service.pool.connection() as connection:
        connection.execute("UPDATE submission SET state = 'acknowledged' WHERE id = %s", [later["id"]])
    after = client.get(address)

    assert "data-standing=valid" in before.text
    assert "data-standing=valid" in after.text
    assert ("later versions" in before.text, "later versions" in after.text) == (False, True)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("/v/sub_01KASWY1C4R4T9QZ3R5J8M2X6B?d=0123456789abcdef", id="another-services"),
        pytest.param("/v/sub_01KASWY1C4R4T9QZ3R5J8M2X6B", id="half-a-code"),
        pytest.param("/v/sub_01KASWY1C4R4T9QZ3R5J8M2X6B%0A?d=0123456789abcdef", id="a-line-too-many"),
        pytest.param("/v/%00?d=%00", id="null"),
        pytest.param(f"/v/{'x' * 3_000}?d={'0' * 3_000}", id="very-long"),
        pytest.param("/v/<b>?d=%27--", id="garbage"),
    ],
)
def test_whatever_was_scanned_there_is_a_page_to_read(client: TestClient, address: str) -> None:
    page = client.get(address)

    assert (page.status_code, "data-standing=unknown" in page.text) == (200, True)
    assert "Không có hồ sơ nào như vậy" in page.text


def test_of_a_long_list_few_forms_are_made_before_they_are_written() -> None:
    made: list[str] = []

    def make(name: str) -> bytes:
        made.append(name)
        return name.encode()

    with ThreadPoolExecutor(2) as pool:
        forms = in_their_order(make, [f"{number}" for number in range(100)], pool, ahead=2)
        first = next(forms)
        wait_for_pool = [pool.submit(int) for _ in range(4)]
        assert [each.result() for each in wait_for_pool] == [0] * 4
        ahead = len(made)
        rest = [form.result() for _, form in forms]

    assert (first[0], ahead) == ("0", 3)
    assert rest == [f"{number}".encode() for number in range(1, 100)]


def test_forms_of_files_and_of_a_list(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_bytes(load_sample("outpatient").write())
    (tmp_path / "bad.xml").write_bytes(b"<a/>")
    listed = "\n".join(str(tmp_path / name) for name in ("good.xml", "bad.xml"))

    done = claims("paper", "-", "-o", tmp_path / "forms", "--json", stdin=listed.encode())

    entries = done.lines
    assert done.code == 1
    assert [sorted(entry) for entry in entries] == [["bytes", "input", "pdf"], ["error", "input"]]
    assert (tmp_path / "forms" / "good.pdf").read_bytes().startswith(b"%PDF")

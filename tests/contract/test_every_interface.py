"""Client and stand-in agree on every interface: all generations, check-ins, what travels beside claims."""

import base64
import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from claims.exchange.errors import GatewayRefused, GatewayUnavailable, OutcomeUnknown
from claims.gateway.protocol import (
    CARD_PATH,
    DECISION_130,
    DECISION_917,
    DECISION_3176,
    DECISION_4210,
    DECISION_4750,
    GENERATIONS,
    ZIP_PATH,
    BodyFormat,
    Generation,
    hash_password,
    write_form,
)
from signing.sign import sign_bundle
from tests.contract.mock_gateway import (
    HERE,
    PASSWORD,
    QUICK,
    RunningMock,
    facility_key,
    running_mock,
    signed_bundle,
)


def signed_check_in(ma_lk: str, *, facility: str = HERE) -> bytes:
    row = f"<TRANG_THAI_KCB><MA_LK>{ma_lk}</MA_LK><MA_CSKCB>{facility}</MA_CSKCB></TRANG_THAI_KCB>"
    document = (
        f"<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB>{row}</DSACH_TRANG_THAI_KCB>"
        "<CHUKYDONVI></CHUKYDONVI></CHI_TIEU_TRANG_THAI_KCB>"
    )
    return sign_bundle(document.encode(), facility_key(HERE).signer)


def ask(mock: RunningMock, path: str, body: bytes, content_type: str, **headers: str) -> Any:
    """Post as a hospital's own software does, with nothing of ours in between."""
    request = urllib.request.Request(
        mock.server.base_url + path,
        data=body,
        method="POST",
        headers={"Content-Type": content_type, "Connection": "close", **headers},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def sign_in(mock: RunningMock, password: str = hash_password(PASSWORD)) -> Mapping[str, str]:
    body = urlencode({"username": f"{HERE}_BV", "password": password}).encode()
    session: Mapping[str, str] = ask(mock, "/api/token/take", body, BodyFormat.FORM)["APIKey"]
    return session


def test_what_belongs_into_the_body_is_not_taken_from_the_address(shared_mock: RunningMock) -> None:
    asked = urlencode({"username": f"{HERE}_BV", "password": hash_password(PASSWORD)})
    signed_in = ask(shared_mock, f"/api/token/take?{asked}", b"", BodyFormat.FORM)
    named = urlencode({"loaiHoSo": "130", "maTinh": HERE[:2], "maCSKCB": HERE})
    body = write_form({"username": f"{HERE}_BV"}, b"<x/>")
    session = by_header(sign_in(shared_mock))
    sent = ask(shared_mock, f"{DECISION_3176.send_path}?{named}", body, BodyFormat.FORM, **session)

    assert (signed_in["maKetQua"], sent["maKetQua"]) == ("401", "205")


def by_query(session: Mapping[str, str], **asked: str) -> str:
    shown = {"token": session["access_token"], "id_token": session["id_token"]}
    return urlencode({**shown, "username": f"{HERE}_BV", "password": hash_password(PASSWORD), **asked})


def by_header(session: Mapping[str, str]) -> dict[str, str]:
    shown = {"accessToken": session["access_token"], "tokenId": session["id_token"]}
    return {**shown, "passwordHash": hash_password(PASSWORD).lower()}


@pytest.mark.parametrize("generation", GENERATIONS.values(), ids=GENERATIONS)
@pytest.mark.parametrize("body_format", BodyFormat, ids=lambda f: f.name.lower())
@pytest.mark.parametrize("file_as_numbers", [False, True], ids=["base64", "numbers"])
def test_every_generation_takes_every_form_of_body(
    shared_mock: RunningMock, generation: Generation, body_format: BodyFormat, *, file_as_numbers: bool
) -> None:
    client = shared_mock.client(
        generation=generation, body_format=body_format, file_as_numbers=file_as_numbers
    )
    bundle = signed_bundle(f"{generation.name} {body_format} {file_as_numbers}")

    receipt = client.send(HERE, bundle)

    row = shared_mock.received()[-1]
    assert (row["generation"], row["ma_giao_dich"]) == (generation.name, receipt.ma_giao_dich)
    assert shared_mock.fetch("GET", f"/mock/received/{receipt.ma_giao_dich}/bundle") == bundle


@pytest.mark.parametrize(
    ("decision", "generation"),
    [("130", DECISION_130), ("4750", DECISION_4750), ("3176", DECISION_3176), (None, DECISION_3176)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_without_a_set_generation_a_bundle_goes_where_its_decision_says(
    shared_mock: RunningMock, decision: str | None, generation: Generation
) -> None:
    shared_mock.client().send(HERE, signed_bundle(f"by decision {decision}"), decision=decision)

    assert shared_mock.received()[-1]["generation"] == generation.name


@pytest.mark.parametrize("generation", [DECISION_130, DECISION_4750, DECISION_3176], ids=lambda g: g.name)
@pytest.mark.parametrize("body_format", BodyFormat, ids=lambda f: f.name.lower())
def test_a_check_in_gets_a_number_and_is_no_claim(
    shared_mock: RunningMock, generation: Generation, body_format: BodyFormat
) -> None:
    client, before = shared_mock.client(generation=generation, body_format=body_format), shared_mock.stats()

    receipt = client.check_in(HERE, signed_check_in("A"))

    after = shared_mock.stats()
    assert receipt.ma_giao_dich.isdecimal()
    assert after["check_ins"] == before["check_ins"] + 1
    assert (after["accepted"], after["arrivals"]) == (before["accepted"], before["arrivals"])


@pytest.mark.parametrize("generation", [DECISION_917, DECISION_4210], ids=lambda g: g.name)
def test_the_earlier_interface_has_no_check_in(shared_mock: RunningMock, generation: Generation) -> None:
    with pytest.raises(GatewayRefused, match="no-check-in"):
        shared_mock.client(generation=generation).check_in(HERE, signed_check_in("A"))


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(lambda: signed_bundle("A"), "202", id="a-claim"),
        pytest.param(lambda: signed_check_in("A", facility="79002"), "202", id="another-facility-s"),
        pytest.param(lambda: signed_check_in("A")[:-9], "201", id="cut-off"),
        pytest.param(lambda: b"", "204", id="empty"),
        pytest.param(lambda: signed_check_in("A").replace(b"<MA_LK>A<", b"<MA_LK>B<"), "202", id="tampered"),
    ],
)
def test_what_is_no_check_in_of_the_facility_is_refused(
    shared_mock: RunningMock, document: Any, code: str
) -> None:
    with pytest.raises(GatewayRefused, match=rf"gateway\.{code}"):
        shared_mock.client().check_in(HERE, document())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("timeout_after", OutcomeUnknown),
        ("error_500", OutcomeUnknown),
        ("reset", OutcomeUnknown),
        ("refuse:205", GatewayRefused),
        ("expire_token", GatewayUnavailable),
    ],
)
def test_a_check_in_meets_the_same_faults(
    shared_mock: RunningMock, fault: str, error: type[Exception]
) -> None:
    shared_mock.fault(fault, endpoint="check_in")

    with pytest.raises(error):
        shared_mock.client(QUICK).check_in(HERE, signed_check_in("A"))


def test_a_password_is_taken_in_either_case(shared_mock: RunningMock) -> None:
    assert sign_in(shared_mock, hash_password(PASSWORD).lower())["access_token"]


def test_a_session_shown_in_the_wrong_place_is_none(shared_mock: RunningMock) -> None:
    session = sign_in(shared_mock)
    place = "loaiHoSo=3&maTinh=01&maCSKCB=01001"
    body = json.dumps(base64.b64encode(signed_bundle("misplaced")).decode()).encode()

    in_headers = ask(
        shared_mock, f"{DECISION_4210.send_path}?{place}", body, BodyFormat.JSON, **by_header(session)
    )
    in_query = ask(shared_mock, f"{DECISION_3176.send_path}?{by_query(session)}", b"", BodyFormat.FORM)

    assert (in_headers["maKetQua"], in_query["maKetQua"]) == ("401", "401")


def test_the_earlier_interface_answers_a_code_and_a_number_and_no_more(shared_mock: RunningMock) -> None:
    session = sign_in(shared_mock)
    query = by_query(session, loaiHoSo="3", maTinh="01", maCSKCB=HERE)
    body = json.dumps(list(signed_bundle("as numbers"))).encode()

    answer = ask(shared_mock, f"{DECISION_4210.send_path}?{query}", body, BodyFormat.JSON)

    assert set(answer) == {"maKetQua", "maGiaoDich"}


def test_names_are_known_in_any_case_in_a_query_too(shared_mock: RunningMock) -> None:
    session = sign_in(shared_mock)
    query = by_query(session, LoaiHoSo="3", MATINH="01", maCskcb=HERE)
    body = json.dumps(base64.b64encode(signed_bundle("odd case")).decode()).encode()

    answer = ask(shared_mock, f"{DECISION_4210.send_path}?{query}", body, BodyFormat.JSON)

    assert answer["maKetQua"] == "200"


def test_who_does_not_say_for_which_facility_has_a_parameter_wrong(shared_mock: RunningMock) -> None:
    fields = {
        "username": f"{HERE}_BV",
        "loaiHoSo": "130",
        "maTinh": "01",
        "fileHSBase64": base64.b64encode(signed_bundle("nobody's")).decode(),
    }

    answer = ask(
        shared_mock,
        DECISION_3176.send_path,
        urlencode(fields).encode(),
        BodyFormat.FORM,
        **by_header(sign_in(shared_mock)),
    )

    assert answer["maKetQua"] == "205"


def test_an_answer_about_a_card_has_all_its_fields_whatever_it_says(shared_mock: RunningMock) -> None:
    def look_up(**asked: str) -> Any:
        query = by_query(sign_in(shared_mock))
        body = json.dumps(asked).encode()
        return ask(shared_mock, f"{CARD_PATH}?{query}", body, BodyFormat.JSON)

    right = look_up(maThe="DN4010000000099", hoTen="Trần Văn Mẫu", ngaySinh="1980")
    wrong = look_up(maThe="?")

    assert (right["maKetQua"], wrong["maKetQua"]) == ("000", "205")
    assert set(right) == set(wrong)
    assert {"ghiChu", "diaChi", "maKV", "maSoBHXH", "maTheCu", "gtTheDenMoi", "tenDKBDMoi"} < set(right)
    assert (right["ghiChu"], right["hoTen"], right["dsLichSuKCB2018"]) == ("thẻ đúng", "Trần Văn Mẫu", [])


def test_a_hospital_s_software_sees_no_extension_in_an_answer(shared_mock: RunningMock) -> None:
    session = sign_in(shared_mock)
    file = base64.b64encode(signed_bundle("plain")).decode()
    fields = {
        "username": f"{HERE}_BV",
        "loaiHoSo": "130",
        "maTinh": "01",
        "maCSKCB": HERE,
        "fileHSBase64": file,
    }

    answer = ask(
        shared_mock,
        DECISION_3176.send_path,
        urlencode(fields).encode(),
        BodyFormat.FORM,
        **by_header(session),
    )

    assert set(answer) == {"maKetQua", "maGiaoDich", "thoiGianTiepNhan", "thongDiep"}


def test_an_archive_is_kept_and_what_is_none_is_refused(shared_mock: RunningMock) -> None:
    query = by_query(sign_in(shared_mock), loaiHoSo="3", maTinh="01", maCSKCB=HERE)
    path = f"{ZIP_PATH}?{query}"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("A.xml", signed_bundle("in an archive"))

    def post(file: bytes) -> Any:
        quoted = '"' + base64.b64encode(file).decode() + '"'
        return ask(shared_mock, path, urlencode({"FileHoSoJson": quoted}).encode(), BodyFormat.FORM)

    assert post(archive.getvalue())["maKetQua"] == "200"
    assert post(b"no archive")["maKetQua"] == "123"


def test_a_referral_reaches_the_facility_that_it_names(shared_mock: RunningMock) -> None:
    headers = by_header(sign_in(shared_mock))
    referral = json.dumps({"maCSKCB": HERE, "maCSKCBDen": HERE, "soGiay": "7"}).encode()

    sent = ask(shared_mock, "/api/his/sendHoSoChuyen", referral, BodyFormat.JSON, **headers)
    found = ask(shared_mock, "/api/his/receiveHoSoChuyen", b"{}", BodyFormat.JSON, **headers)

    assert sent["maKetQua"] == "200"
    assert [row["maGiaoDich"] for row in found["dsHoSoChuyen"]] == [sent["maGiaoDich"]]


def test_a_driver_s_certificate_gets_its_own_kind_of_answer(shared_mock: RunningMock) -> None:
    headers = by_header(sign_in(shared_mock))
    body = json.dumps({"SIGNDATA": base64.b64encode(b"<GKSK/>").decode()}).encode()

    answer = ask(shared_mock, "/api/hssk/gksk", body, BodyFormat.JSON, **headers)

    assert (answer["MSG_STATE"], bool(answer["UUID"])) == (1, True)


@pytest.mark.parametrize("path", ["/api/egw/NhanThongTinCSKCB", "/api/egw/nhanHoSoKCBChiTiet"])
def test_facts_are_given_to_who_has_a_session(shared_mock: RunningMock, path: str) -> None:
    answer = ask(shared_mock, f"{path}?{by_query(sign_in(shared_mock))}", b"", BodyFormat.FORM)

    assert answer["maKetQua"] == "200"
    assert ask(shared_mock, path, b"", BodyFormat.FORM)["maKetQua"] == "401"


def test_after_the_lock_a_claim_that_ended_before_it_is_refused(tmp_path: Path) -> None:
    with running_mock(tmp_path, lock_before=date(2026, 11, 1)) as mock:
        old = signed_bundle("old", discharged="202610310900")
        new = signed_bundle("new", discharged="202611010900")

        with pytest.raises(GatewayRefused, match=r"gateway\.701"):
            mock.client().send(HERE, old)
        assert mock.client().send(HERE, new)


def test_a_file_that_is_too_large_for_peak_hours_is_refused_then_and_taken_later(tmp_path: Path) -> None:
    bundle = signed_bundle("large", rows=50)
    with (
        running_mock(tmp_path, peak_bytes=1_000, peak_hours=(0, 24)) as mock,
        pytest.raises(GatewayRefused, match="1001"),
    ):
        mock.client().send(HERE, bundle)
    with running_mock(tmp_path, peak_bytes=1_000, peak_hours=(0, 0)) as mock:
        assert mock.client().send(HERE, bundle)


def test_an_account_that_asks_too_often_is_told_to_wait(tmp_path: Path) -> None:
    first, second = signed_bundle("1"), signed_bundle("2")
    with running_mock(tmp_path, rate_per_s=0.01) as mock:
        client = mock.client()
        client.send(HERE, first)

        with pytest.raises(GatewayUnavailable, match="http-429"):
            client.send(HERE, second)

        mock.clock.ahead = timedelta(seconds=200)
        assert client.send(HERE, second)
        assert mock.stats()["repeats"] == 0


def test_a_fault_may_be_asked_for_by_header_at_every_endpoint(shared_mock: RunningMock) -> None:
    for path in (
        "/api/token/take",
        "/api/his/KQQuyetToan",
        "/api/egw/NhanThongTinCSKCB",
        DECISION_130.send_path,
    ):
        with pytest.raises(urllib.error.HTTPError, match="503"):
            ask(shared_mock, path, b"", BodyFormat.FORM, **{"X-Mock-Fault": "error_503_html"})

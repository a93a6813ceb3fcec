"""The wire protocol's encodings, read and written."""

import json
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs

import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.gateway.protocol import (
    GENERATIONS,
    BodyFormat,
    generation_of,
    hash_password,
    read_day,
    read_expiry,
    read_reception_time,
    write_form,
    write_json,
    write_reception_time,
)
from claims.gateway.receiving import read_bare_file, read_fields, read_file

_UNREADABLE: tuple[object, ...] = (None, "", "soon", True, [], 10**30, float("inf"), float("nan"))
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@given(st.binary(max_size=500), st.text(max_size=20))
def test_any_file_survives_a_form_body(file: bytes, username: str) -> None:
    body = write_form({"username": username, "maCSKCB": "01001"}, file)

    oracle = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    fields = read_fields(body, content_type=f"{BodyFormat.FORM}; charset=utf-8")
    assert oracle["username"] == [username]
    assert pybase64.b64decode(oracle["fileHSBase64"][0]) == file
    assert pybase64.b64decode(fields["fileHSBase64"]) == file
    assert fields["username"].decode() == username


@given(st.binary(max_size=500), st.text(max_size=20))
def test_any_file_survives_a_json_body(file: bytes, username: str) -> None:
    body = write_json({"username": username}, file)

    fields = read_fields(body, content_type=BodyFormat.JSON)
    assert json.loads(body)["username"] == username
    assert pybase64.b64decode(fields["fileHSBase64"]) == file


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"maCSKCB=01001" + b"&a" * 200, BodyFormat.FORM, id="form"),
        pytest.param(
            b'{"maCSKCB": "01001", "a": [' + b"[]," * 200 + b"[]]}", BodyFormat.JSON, id="json-lists"
        ),
        pytest.param(b'{"maCSKCB": "01001"' + b', "a": 1' * 200 + b"}", BodyFormat.JSON, id="json-keys"),
    ],
)
def test_a_body_of_more_fields_than_any_request_has_none(body: bytes, content_type: str) -> None:
    assert not read_fields(body, content_type=content_type)


@pytest.mark.parametrize("before", range(4))
def test_a_long_form_is_unescaped_in_pieces_that_cut_no_escape(before: int) -> None:
    file = b"%2B" * 700_000

    fields = read_fields(b"fileHSBase64=" + b"A" * before + file, content_type=BodyFormat.FORM)

    assert fields["fileHSBase64"] == b"A" * before + b"+" * 700_000


@pytest.mark.parametrize("written", [b"PHgvPg==", b" PHgvPg== ", b"PHgv\r\nPg==\n", b"\tPHgv\tPg=="])
def test_white_space_in_base64_is_nothing(written: bytes) -> None:
    assert read_file(written) == b"<x/>"


def test_white_space_in_base64_costs_no_more_than_base64() -> None:
    lines = b"PHgv\n" * 200_000

    tracemalloc.start()
    file = read_file(lines)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert file == b"<x/" * 200_000
    assert peak < 3 * len(lines)


@given(st.binary(max_size=200))
def test_a_body_that_is_neither_has_fields_or_none_but_never_fails(body: bytes) -> None:
    for content_type in (BodyFormat.FORM, BodyFormat.JSON, "", "text/plain"):
        assert isinstance(dict(read_fields(body, content_type=content_type)), dict)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"UserName=A&MACSKCB=01001", BodyFormat.FORM, id="form"),
        pytest.param(b'{"Username": "A", "maCskcb": "01001"}', BodyFormat.JSON, id="json"),
        pytest.param(b'\xef\xbb\xbf{"USERNAME": "A", "maCSKCB": 1001}', "text/json", id="marked-json"),
    ],
)
def test_names_are_known_in_any_case(body: bytes, content_type: str) -> None:
    fields = read_fields(body, content_type=content_type)

    assert fields["username"] == b"A"
    assert int(fields["maCSKCB"]) == 1001


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'"PHg+Lz4="', id="string"),
        pytest.param(rb'"PHg\u002BLz4="', id="escaped"),
        pytest.param(rb'"PHg+\r\nLz4="', id="broken-lines"),
        pytest.param(b"PHg+\r\nLz4=\r\n", id="bare"),
        pytest.param(b"[60, 120, 62, 47, 62]", id="numbers"),
        pytest.param(b'{"FileHS": "PHg+Lz4="}', id="object"),
    ],
)
def test_a_bare_file_is_read_however_it_is_written(body: bytes) -> None:
    assert read_bare_file(body) == b"<x>/>"


@given(st.binary(max_size=300), st.sampled_from(["%s", '{"FileHS": %s}', "\n %s "]))
def test_any_file_survives_an_array_of_numbers(file: bytes, around: str) -> None:
    assert read_bare_file((around % json.dumps(list(file))).encode()) == file


def test_a_long_array_of_numbers_is_read_in_pieces_and_costs_little_memory() -> None:
    file = bytes(range(256)) * 2000
    body = json.dumps(list(file), separators=(",", ":")).encode()

    tracemalloc.start()
    read = read_bare_file(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert read == file
    assert peak < 4 * len(file)
    assert read_bare_file(body[:-1] + b",256]") is None
    assert read_bare_file(body[:-1] + b",]") is None


@pytest.mark.parametrize(
    "body",
    [b"[60, 300]", b"[1.5]", b"[1,]", b"[[1]]", b"[1,[2],3]", b"17", b"{}", b"*", b"[" * 100_000, b'"\xff"'],
)
def test_what_is_no_file_is_none(body: bytes) -> None:
    assert read_bare_file(body) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-01-02T03:34:05Z", NOW + timedelta(minutes=30), id="utc"),
        pytest.param("2026-01-02T03:34:05", NOW + timedelta(minutes=30), id="utc-without-saying-so"),
        pytest.param("2026-01-02T03:34:05.0000000Z", NOW + timedelta(minutes=30), id="dot-net"),
        pytest.param("2026-01-02T10:34:05+07:00", NOW + timedelta(minutes=30), id="vietnam"),
        pytest.param(1800, NOW + timedelta(minutes=30), id="seconds"),
        pytest.param("1800", NOW + timedelta(minutes=30), id="seconds-as-text"),
        pytest.param(int(NOW.timestamp()) + 1800, NOW + timedelta(minutes=30), id="epoch"),
        pytest.param((int(NOW.timestamp()) + 1800) * 1000, NOW + timedelta(minutes=30), id="epoch-ms"),
        *(
            pytest.param(value, NOW + timedelta(minutes=20), id=f"unreadable-{value!r}")
            for value in _UNREADABLE
        ),
    ],
)
def test_a_token_s_end_is_read_in_every_form_seen(value: object, expected: datetime) -> None:
    assert read_expiry(value, now=NOW) == expected


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_a_reception_time_survives_writing_and_reading(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC, microsecond=0)

    assert read_reception_time(write_reception_time(moment)) == moment


def test_a_password_is_upper_case_md5() -> None:
    assert hash_password("password") == "5F4DCC3B5AA765D61D8327DEB882CF99"


def test_each_generation_has_its_own_path() -> None:
    assert {g.send_path for g in GENERATIONS.values()} == {
        "/api/egw/guiHoSoGiamDinh",
        "/api/egw/guiHoSoGiamDinh4210",
        "/api/qd130/guiHoSoXmlQD130",
        "/api/qd130/guiHoSoXmlQD4750",
        "/api/qd130/guiHoSoXmlQD3176",
    }


@pytest.mark.parametrize(
    ("decision", "name"),
    [("130", "130"), ("4750", "4750"), ("3176", "3176"), ("9999", "3176"), (None, "3176")],
)
def test_a_bundle_goes_to_its_decision_s_interface_and_a_later_one_s_to_the_current(
    decision: str | None, name: str
) -> None:
    assert generation_of(decision).name == name


@pytest.mark.parametrize(
    "text", ["29/11/2026", "20261129", "2026-11-29", "29/11/2026 08:00", 20261129], ids=repr
)
def test_a_day_is_read_however_it_is_written(text: object) -> None:
    assert read_day(text) == date(2026, 11, 29)


@pytest.mark.parametrize("text", ["", None, "31/02/2026", "soon", True, [], "2026"], ids=repr)
def test_what_is_no_day_is_none(text: object) -> None:
    assert read_day(text) is None

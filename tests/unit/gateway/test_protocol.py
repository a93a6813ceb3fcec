"""The wire protocol's encodings, read and written."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.gateway.mock.wire import read_fields
from claims.gateway.protocol import (
    GENERATIONS,
    BodyFormat,
    hash_password,
    read_expiry,
    read_reception_time,
    write_form,
    write_json,
    write_reception_time,
)

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


@given(st.binary(max_size=200))
def test_a_body_that_is_neither_has_fields_or_none_but_never_fails(body: bytes) -> None:
    for content_type in (BodyFormat.FORM, BodyFormat.JSON, "", "text/plain"):
        assert isinstance(dict(read_fields(body, content_type=content_type)), dict)


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


def test_each_generation_has_its_own_path_and_the_same_kind() -> None:
    assert {g.send_path for g in GENERATIONS.values()} == {
        "/api/qd130/guiHoSoXmlQD130",
        "/api/qd130/guiHoSoXmlQD4750",
        "/api/qd130/guiHoSoXmlQD3176",
    }
    assert {g.claim_kind for g in GENERATIONS.values()} == {"130"}

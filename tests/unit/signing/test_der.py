"""DER has one spelling for each value, and the reader takes no other."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import der
from signing.der import NotDer, Reader

WHOLE = st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.integers(-(2**200), 2**200))
def test_integers_come_back(value: int) -> None:
    assert Reader(der.integer(value)).integer() == value


@given(st.tuples(st.integers(0, 2), st.integers(0, 39), st.integers(0, 2**127), st.integers(0, 300)))
def test_identifiers_come_back(arcs: tuple[int, ...]) -> None:
    dotted = ".".join(map(str, arcs))

    assert Reader(der.object_identifier(dotted)).object_identifier() == dotted


@given(WHOLE)
def test_times_come_back(time: datetime) -> None:
    assert Reader(der.generalized_time(time)).generalized_time() == time


@given(st.binary(max_size=70_000))
def test_octets_of_any_length_come_back(value: bytes) -> None:
    assert Reader.of(der.sequence(der.octet_string(value))).take(der.OCTET_STRING) == value


@given(st.binary(max_size=60))
def test_whatever_is_read_was_in_its_one_spelling(data: bytes) -> None:
    try:
        value = Reader(data).integer()
    except NotDer:
        return

    assert data.startswith(der.integer(value))


@pytest.mark.attack
@pytest.mark.parametrize(
    "data",
    [
        pytest.param("", id="nothing"),
        pytest.param("02", id="no-length"),
        pytest.param("0202 01", id="cut-off"),
        pytest.param("0200", id="empty"),
        pytest.param("0202 0001", id="padded"),
        pytest.param("0202 ffff", id="padded-negative"),
        pytest.param("028101 01", id="long-length-of-a-short-value"),
        pytest.param("02820001 01", id="padded-length"),
        pytest.param("0280 0101 0000", id="indefinite-length"),
        pytest.param("0285 0100000000", id="length-of-five-octets"),
        pytest.param("0284 ffffffff 01", id="four-gigabytes"),
        pytest.param("028", id="half-an-octet"),
        pytest.param("1f02 01 01", id="long-tag"),
        pytest.param("0301 01", id="another-tag"),
    ],
)
def test_an_integer_that_is_spelled_otherwise_is_refused(data: str) -> None:
    octets = bytes.fromhex(data.replace(" ", "")) if len(data.replace(" ", "")) % 2 == 0 else b"\x02\x80"

    with pytest.raises(NotDer):
        Reader(octets).integer()


@pytest.mark.attack
@pytest.mark.parametrize(
    "text",
    [
        "20260601080000", "20260601080000+0700", "2026060108Z", "202606010800Z", "20260601080000.Z",
        "20260601080000.10Z", "20260601080000,5Z", "20261301080000Z", "20260601240000Z", "20260601080060Z",
        "2026060108000 Z", "-0260601080000Z", "", "Z",
    ],
)  # fmt: skip
def test_a_time_that_is_spelled_otherwise_is_refused(text: str) -> None:
    with pytest.raises(NotDer):
        Reader(der.encode(der.GENERALIZED_TIME, text.encode())).generalized_time()


@pytest.mark.attack
@pytest.mark.parametrize("content", ["", "80", "8001", "2a80", "2a8001", "ff" * 20 + "01"])
def test_an_identifier_that_is_spelled_otherwise_is_refused(content: str) -> None:
    with pytest.raises(NotDer):
        Reader(der.encode(der.OBJECT_IDENTIFIER, bytes.fromhex(content))).object_identifier()


@pytest.mark.attack
@pytest.mark.parametrize("content", [b"", b"\x01", b"\xff\xff"])
def test_a_boolean_that_is_spelled_otherwise_is_refused(content: bytes) -> None:
    with pytest.raises(NotDer):
        Reader(der.encode(der.BOOLEAN, content)).boolean()


def test_what_follows_is_refused() -> None:
    with pytest.raises(NotDer, match="follows"):
        Reader.of(der.sequence() + b"\0")


def test_a_set_is_sorted() -> None:
    assert der.set_of(der.integer(2), der.integer(1)) == der.set_of(der.integer(1), der.integer(2))

"""BER has many spellings for each value; one of them is DER."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import der
from signing.ber import as_der
from signing.der import NotDer
from tests.unit.signing.ber_files import as_ber

LEAVES = st.one_of(
    st.integers(-(2**80), 2**80).map(der.integer), st.binary(max_size=300).map(der.octet_string)
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4).map(lambda each: der.sequence(*each)))


@given(VALUES, st.integers(1, 127))
def test_however_it_is_written_it_is_the_same_value(value: bytes, piece: int) -> None:
    assert as_der(value) == value
    assert as_der(as_ber(value, opens_strings=False, piece=piece)) == value


def test_an_octet_string_may_be_in_pieces_of_pieces() -> None:
    pieces = b"\x24\x80\x24\x04\x04\x02ab\x04\x01c\x00\x00"

    assert as_der(pieces) == der.octet_string(b"abc")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x30", id="a-tag-alone"),
        pytest.param(b"\x30\x80\x02\x01\x01", id="without-an-end"),
        pytest.param(b"\x30\x80\x02\x01\x01\x00", id="with-half-an-end"),
        pytest.param(b"\x30\x03\x02\x02\x01", id="a-value-longer-than-what-holds-it"),
        pytest.param(b"\x30\x05\x30\x80\x02\x01\x01\x00\x00", id="an-end-outside"),
        pytest.param(b"\x30\x84\xff\xff\xff\xff", id="a-length-of-gigabytes"),
        pytest.param(b"\x30\xff" + b"\xff" * 200, id="a-length-of-a-hundred-octets"),
        pytest.param(b"\x04\x80a\x00\x00", id="a-primitive-value-of-no-length"),
        pytest.param(b"\x24\x80\x02\x01\x01\x00\x00", id="a-number-in-an-octet-string"),
        pytest.param(b"\x30\x80" * 100_000, id="deep"),
        pytest.param(b"\x1f\x81\x01\x01\x00", id="a-long-tag"),
        pytest.param(b"\x02\x01\x01\x02\x01\x01", id="two-values"),
        pytest.param(b"\x02\x01\x01\x00\x00", id="an-end-of-nothing"),
    ],
)
def test_what_is_no_value_is_refused(data: bytes) -> None:
    with pytest.raises(NotDer):
        as_der(data)


@given(st.binary(max_size=60))
def test_any_octets_are_a_value_or_refused(data: bytes) -> None:
    try:
        value = as_der(data)
    except NotDer:
        return
    assert as_der(value) == value

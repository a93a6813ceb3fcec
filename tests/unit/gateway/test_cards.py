"""What the register of cards answers is read as it is meant, and says nothing where it cannot be read."""

import json

import pytest

from claims.checking.cards import CardReply
from claims.gateway.answers import read_answer
from claims.gateway.cards import read_reply
from claims.gateway.connection import RawAnswer


def reply(**fields: object) -> CardReply | None:
    body = json.dumps({"maKetQua": "000", **fields}).encode()
    return read_reply(read_answer(RawAnswer(status=200, body=body)))


def test_numbers_have_the_zeros_again_that_a_stack_took_off() -> None:
    assert reply(maKetQua=10, maDKBD=1234) == CardReply(code="010", registered_at="01234")


@pytest.mark.parametrize("value", [None, [], {}, "31/02/2026", "2026", 1.5, "tháng 9"])
def test_a_field_that_cannot_be_read_says_nothing(value: object) -> None:
    fields = dict.fromkeys(("gtTheTu", "gtTheDen", "ngayDu5Nam", "gtTheTuMoi", "gioiTinh"), value)

    assert reply(**fields) == CardReply(code="000")

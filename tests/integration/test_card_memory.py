"""The card look-up's memory on a real database."""

from datetime import UTC, datetime

import pytest

from claims.checking.cards import CardQuestion, CardReply
from claims.exchange.errors import GatewayError, GatewayRefused, GatewayUnavailable, UnknownFacility
from claims.exchange.ports import Account, CardStaff
from claims.exchange.submission import FacilityCode
from claims.storage.cards import RememberedCards
from claims.storage.facilities import Facilities, GatewayAccounts
from claims.storage.pool import Pool, borrow
from claims.storage.sealing import Seal
from tests.fakes import SetClock

QUESTION = CardQuestion(facility="99001", episode="A", card="DN4010000000001", name="Tên", born="19800102")
OTHER = CardQuestion(facility="99001", episode="B", card="DN4010000000001", name="Tên", born="19800102")
GOOD, WRONG, FAILED = CardReply(code="000", sex="2"), CardReply(code="060"), CardReply(code="100")
SEAL = Seal(bytes(32))

Script = list[CardReply | GatewayError | None]


def remembered(pool: Pool, script: Script, clock: SetClock | None = None) -> RememberedCards:
    def ask(_: CardQuestion) -> CardReply | None:
        said = script.pop(0)
        if isinstance(said, GatewayError):
            raise said
        return said

    return RememberedCards(pool, SEAL, ask, clock or SetClock(), b"a key of sixteen")


def test_a_good_answer_is_asked_for_once_for_an_episode(pool: Pool) -> None:
    cards = remembered(pool, [GOOD, WRONG])

    assert [cards.look_up(one) for one in (QUESTION, QUESTION, OTHER)] == [GOOD, GOOD, WRONG]


@pytest.mark.parametrize("first", [WRONG, FAILED, None, GatewayRefused("gateway.no-account")])
def test_what_is_not_good_is_asked_again(pool: Pool, first: CardReply | GatewayError | None) -> None:
    cards = remembered(pool, [first, GOOD])
    cards.look_up(QUESTION)

    assert cards.look_up(QUESTION) == GOOD


def test_silence_is_not_waited_for_twice_in_a_row(pool: Pool) -> None:
    clock = SetClock()
    cards = remembered(pool, [GatewayUnavailable("gateway.timeout"), GOOD], clock)

    assert [cards.look_up(QUESTION), cards.look_up(OTHER)] == [None, None]
    clock.advance(31)
    assert cards.look_up(OTHER) == GOOD


def test_neither_question_nor_answer_can_be_read_in_the_database(pool: Pool) -> None:
    remembered(pool, [GOOD]).look_up(QUESTION)
    with borrow(pool) as connection:
        (row,) = connection.execute("SELECT question, reply_sealed FROM card_reply").fetchall()

    assert not [word for word in (b"DN4", b"000", b"sex") if word in bytes(row[0]) + bytes(row[1])]


def test_who_asks_is_kept_sealed_with_the_account(pool: Pool) -> None:
    code, staff = FacilityCode("99001"), CardStaff("Người Tra Cứu", "001099000001")
    accounts = GatewayAccounts(pool, SEAL)
    Facilities(pool).add(code, name="Một", at=datetime(2026, 9, 1, tzinfo=UTC))
    with pytest.raises(UnknownFacility):
        accounts.put_card_staff(code, staff)

    accounts.put(code, Account("99001_BV", "0" * 32))
    accounts.put_card_staff(code, staff)
    accounts.put(code, Account("99001_BV", "1" * 32))

    assert accounts.find(code) == Account("99001_BV", "1" * 32, staff)

"""Client and stand-in agree on the card look-up: every result code, sessions, and silence."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from claims.checking.cards import CardQuestion, CardReply, Standing, load_results
from claims.exchange.errors import GatewayError, GatewayRefused
from claims.exchange.ports import CardStaff
from claims.gateway.protocol import BodyFormat
from tests.contract.mock_gateway import HERE, QUICK, RunningMock, running_mock

STAFF = CardStaff("Nguyễn Thị Tra Cứu", "001099000001")
CARDS = """\
card,name,born,sex,valid_from,valid_to,registered_at,five_years_on,new_card,new_valid_from,code
DN4010000000001,Trần Văn Mẫu,02/01/1980,1,2020-01-01,2099-12-31,01001,2025-01-01,,,
DN4010000000002,Lê Thị Mẫu,1950,2,2020-01-01,2021-12-31,01001,,,,
DN4010000000003,Lê Thị Mẫu,1950,2,2020-01-01,2021-12-31,01001,,DN4010000000013,2022-01-01,
DN4010000000004,Lê Thị Mẫu,1950,2,2020-01-01,2099-12-31,01001,,DN4010000000014,2026-01-01,
"""
MADE = ["001", "002", "052", "053", "100", "101", "110", "120", "121", "122", "123", "124", "130", "500"]
QUESTION = CardQuestion(
    facility=HERE, episode="A", card="DN4010000000001", name="TRẦN VĂN MẪU", born="19800102"
)
OLD = replace(QUESTION, name="Lê Thị Mẫu", born="19500000")


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMock]:
    folder = tmp_path_factory.mktemp("mock")
    made = "".join(f"DN4010000009{code},,,,,,,,,,{code}\n" for code in MADE)
    (folder / "cards.csv").write_text(CARDS + made, "utf-8")
    staff = f"facility,name,citizen_id\n{HERE},{STAFF.name},{STAFF.citizen_id}\n"
    (folder / "card_staff.csv").write_text(staff, "utf-8")
    with running_mock(folder) as mock:
        mock.ledger.accounts[HERE] = replace(mock.ledger.accounts[HERE], card_staff=STAFF)
        yield mock


@pytest.mark.parametrize("body_format", BodyFormat, ids=lambda f: f.name.lower())
def test_a_right_card_comes_with_what_the_register_knows(
    register: RunningMock, body_format: BodyFormat
) -> None:
    assert register.client(body_format=body_format).look_up_card(QUESTION) == CardReply(
        code="000",
        sex="1",
        valid_from="20200101",
        valid_to="20991231",
        registered_at="01001",
        five_years_on="20250101",
    )


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (replace(OLD, card="DN4010000000002"), "010"),
        (replace(OLD, card="DN4010000000003"), "003"),
        (replace(OLD, card="DN4010000000004"), "004"),
        (replace(QUESTION, card="DN4010000000099"), "050"),
        (replace(QUESTION, card="DN40100000000"), "051"),
        (replace(QUESTION, name="Trần Thị Khác"), "060"),
        (replace(QUESTION, name="Trần Văn Mạnh"), "061"),
        (replace(QUESTION, born="19800103"), "070"),
        (replace(QUESTION, born=""), "205"),
        *((replace(QUESTION, card=f"DN4010000009{code}"), code) for code in MADE),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_result_code_can_be_met_and_means_something(
    register: RunningMock, question: CardQuestion, code: str
) -> None:
    reply = register.client().look_up_card(question)

    assert reply is not None
    assert (reply.code, code in load_results()) == (code, True)


@pytest.mark.parametrize(
    ("staff", "code"),
    [(CardStaff(STAFF.name, "001099000002"), "054"), (CardStaff("Người Khác", STAFF.citizen_id), "055")],
)
def test_who_asks_must_be_registered(register: RunningMock, staff: CardStaff, code: str) -> None:
    account = register.ledger.accounts[HERE]
    register.ledger.accounts[HERE] = replace(account, card_staff=staff)
    try:
        reply = register.client().look_up_card(QUESTION)
    finally:
        register.ledger.accounts[HERE] = account

    assert reply is not None
    assert (reply.code, reply.result.standing) == (code, Standing.UNANSWERED)


def test_a_facility_that_names_nobody_asks_nothing(register: RunningMock) -> None:
    account = register.ledger.accounts[HERE]
    register.ledger.accounts[HERE] = replace(account, card_staff=None)
    try:
        assert register.client().look_up_card(QUESTION) is None
    finally:
        register.ledger.accounts[HERE] = account


def test_a_session_that_ended_is_renewed(register: RunningMock) -> None:
    client = register.client()
    client.look_up_card(QUESTION)
    register.fault("expire_token", endpoint="card", count=1)

    reply = client.look_up_card(QUESTION)

    assert reply is not None
    assert reply.code == "000"


@pytest.mark.parametrize("kind", ["timeout_before", "error_503_html", "garbage", "reset", "slow:20"])
def test_trouble_on_the_way_is_an_error_or_says_nothing(register: RunningMock, kind: str) -> None:
    register.fault(kind, endpoint="card", count=1)

    def ask() -> CardReply | None:
        try:
            return register.client(QUICK).look_up_card(QUESTION)
        except GatewayError:
            return None

    assert ask() is None
    register.call("DELETE", "/mock/faults")


def test_a_wrong_password_is_a_refusal(register: RunningMock) -> None:
    account = register.ledger.accounts[HERE]
    register.ledger.accounts[HERE] = replace(account, password_md5="0" * 32)
    try:
        with pytest.raises(GatewayRefused):
            register.client().look_up_card(QUESTION)
    finally:
        register.ledger.accounts[HERE] = account


def test_without_a_table_every_card_is_right(shared_mock: RunningMock) -> None:
    account = shared_mock.ledger.accounts[HERE]
    shared_mock.ledger.accounts[HERE] = replace(account, card_staff=STAFF)
    reply = shared_mock.client().look_up_card(replace(QUESTION, card="DN4010000000099"))

    assert reply == CardReply(code="000")

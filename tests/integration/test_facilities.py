"""Facilities are registered one by one or from a list: all of it or nothing, and the log tells who did it."""

from pathlib import Path

import pytest

from claims.exchange.access.access_log import AccessFilter
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.facilities import Registered, read_facility_list
from claims.exchange.ports import Account, CardStaff
from claims.exchange.submission import FacilityCode
from claims.runtime.wiring import Service
from tests.integration.command import claims

A, B = FacilityCode("99001"), FacilityCode("99002")  # both are registered as "Thử"
NEW = FacilityCode("79001")


def told(service: Service) -> list[tuple[str, str]]:
    found = service.access_log.list_page(AccessFilter(EVERYWHERE), limit=100, before=None)
    return [(one.kind, one.about) for one in reversed(found)]


def names(service: Service) -> dict[str, str]:
    return {str(code): name for code, name in service.facilities.all()}


def a_list(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_a_list_changes_is_counted_and_noted_and_what_it_leaves_is_not(service: Service) -> None:
    before = len(told(service))
    listed = {A: "Bệnh viện Một", B: "Thử", NEW: "Phòng khám Mới"}

    done = service.facilities.add_all(listed, at=service.clock.now())

    assert done == Registered(added=1, renamed=1, unchanged=1)
    assert names(service) == listed
    assert told(service)[before:] == [("facility_added", NEW), ("facility_renamed", A)]
    assert service.facilities.add_all(listed, at=service.clock.now()) == Registered(unchanged=3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("benh vien", ["79001", "99001"], id="part of a name without marks"),
        pytest.param("Đa khoa", ["99001"], id="part of a name"),
        pytest.param("79", ["79001"], id="beginning of a code"),
        pytest.param("", ["79001", "99001", "99002"], id="all"),
        pytest.param("%", [], id="no pattern"),
    ],
)
def test_facilities_are_found_by_code_and_by_name(service: Service, text: str, expected: list[str]) -> None:
    service.facilities.add_all({A: "Bệnh viện Đa khoa", NEW: "BỆNH VIỆN Mắt"}, at=service.clock.now())
    service.gateway_accounts.put(A, Account("99001_BV", "0" * 32))

    found = service.facilities.find_some(text, after="", limit=10)

    assert [one.code for one in found] == expected
    assert {one.code: one.gateway_username for one in found}.get(A) in {"99001_BV", None}
    assert [one.code for one in service.facilities.find_some(text, after="99001", limit=10)] == [
        code for code in expected if code > "99001"
    ]


def test_a_change_of_an_account_is_noted_and_names_nobody(service: Service) -> None:
    before = len(told(service))

    service.gateway_accounts.put(A, Account("99001_BV", "0" * 32))
    service.gateway_accounts.put_card_staff(A, CardStaff("Nguyễn Văn Thử", "079000000001"))

    assert told(service)[before:] == [("gateway_account_set", A), ("card_staff_set", A)]
    found = service.access_log.list_page(AccessFilter(EVERYWHERE), limit=2, before=None)
    assert [dict(one.detail) for one in found] == [{}, {}]


@pytest.mark.parametrize(
    ("text", "expected", "problems"),
    [
        pytest.param(
            "MA_CSKCB,TEN_CSKCB\n79001,Một\n79002,Hai\n", ["79001", "79002"], [], id="as it should be"
        ),
        pytest.param("code;name\n01a02;  Một\t \n", ["01A02"], [], id="another shape"),
        pytest.param("MA_CSKCB,TEN_CSKCB\n79001,Một\n79001,Một\n", ["79001"], [], id="the same twice"),
        pytest.param("MA_CSKCB,TEN_CSKCB\n1001,Một\n", [], [("facility-code", 2)], id="a zero was lost"),
        pytest.param("MA_CSKCB,TEN_CSKCB\n79001,\n", [], [("facility-name", 2)], id="no name"),
        pytest.param(
            "MA_CSKCB,TEN_CSKCB\n79001,Một\n79001,Hai\n", ["79001"], [("facility-twice", 3)], id="two names"
        ),
        pytest.param("TEN_CSKCB\nMột\n", [], [("column-missing", 1)], id="no code"),
        pytest.param("", [], [("no-header", None)], id="empty"),
    ],
)
def test_a_list_is_read_row_by_row(
    tmp_path: Path, text: str, expected: list[str], problems: list[tuple[str, int | None]]
) -> None:
    found = read_facility_list(a_list(tmp_path, text), "list.csv")

    assert [*found.names] == expected
    assert [(one.code, one.row) for one in found.problems] == problems
    assert found.has_errors == bool(problems)


def test_the_command_registers_a_list_or_nothing_of_it(service: Service, tmp_path: Path) -> None:
    env = {"CLAIMS_DATABASE_URL": service.database_url, "CLAIMS_BROKER_URL": service.broker_url}
    good = a_list(tmp_path, "MA_CSKCB,TEN_CSKCB\n79001,Phòng khám Một\n99001,Thử\n")

    tried = claims("facility", "import", good, "--dry-run", "--json", env=env)
    assert (tried.code, tried.lines[-1]["read"], "79001" in names(service)) == (0, 2, False)
    done = claims("facility", "import", good, "--json", env=env)
    assert done.code == 0, done.stderr
    assert done.lines[-1] == {"read": 2, "added": 1, "renamed": 0, "unchanged": 1, "problems": []}
    bad = a_list(tmp_path, "MA_CSKCB,TEN_CSKCB\n79002,Hai\n790,Ba\n")
    refused = claims("facility", "import", bad, "--language", "en", env=env)

    assert refused.code == 1
    assert "list.csv:3: 790 is no facility code" in refused.stderr
    assert names(service)["79001"] == "Phòng khám Một"
    assert "79002" not in names(service)

"""Faults come when they are asked for, and a seed makes the same ones come again."""

from datetime import UTC, datetime, timedelta

import pytest

from claims.gateway.mock.faults import Endpoint, Fault, FaultKind, FaultRule, Faults, make_chaos

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def draw(faults: Faults, times: int, facility: str = "01001") -> list[str]:
    return [str(faults.draw(Endpoint.SEND, facility, now=NOW)) for _ in range(times)]


def test_a_counted_fault_stops_by_itself() -> None:
    faults = Faults([FaultRule(Fault(FaultKind.RESET), count=2)])

    assert draw(faults, 4) == ["reset", "reset", "None", "None"]


def test_a_fault_ends_when_its_time_is_up() -> None:
    faults = Faults([FaultRule(Fault(FaultKind.RESET), until=NOW + timedelta(seconds=1))])

    assert faults.draw(Endpoint.SEND, "01001", now=NOW) is not None
    assert faults.draw(Endpoint.SEND, "01001", now=NOW + timedelta(seconds=1)) is None


def test_a_fault_meets_its_facility_and_endpoint_only() -> None:
    faults = Faults([FaultRule(Fault(FaultKind.RESET), facility="01001")])

    assert faults.draw(Endpoint.SEND, "79002", now=NOW) is None
    assert faults.draw(Endpoint.TOKEN, "01001", now=NOW) is None
    assert faults.draw(Endpoint.SEND, "01001", now=NOW) is not None


def test_a_rate_is_met_in_the_long_run_and_a_seed_repeats_it() -> None:
    rule = FaultRule(Fault(FaultKind.GARBAGE), rate=0.3, seed=5)

    first, second = draw(Faults([rule]), 1000), draw(Faults([rule]), 1000)

    assert first == second
    assert 250 < first.count("garbage") < 350


def test_another_seed_gives_other_faults() -> None:
    first, second = Faults(make_chaos(1)), Faults(make_chaos(2))

    assert draw(first, 200) != draw(second, 200)
    assert draw(Faults(make_chaos(1)), 200) == draw(Faults(make_chaos(1)), 200)


def test_chaos_never_refuses_for_good() -> None:
    kinds = {rule.fault.kind for rule in make_chaos(1)}

    assert kinds == set(FaultKind) - {FaultKind.REFUSE, FaultKind.LATE_ERROR}


def test_a_removed_fault_is_gone() -> None:
    faults = Faults()
    number = faults.add(FaultRule(Fault(FaultKind.RESET)))

    assert faults.remove(number)
    assert not faults.remove(number)
    assert draw(faults, 1) == ["None"]


@pytest.mark.parametrize("text", ["slow:1.5", "refuse:701", "reset", "late_error:201"])
def test_a_fault_is_written_as_it_is_read(text: str) -> None:
    assert str(Fault.parse(text)) == text


@pytest.mark.parametrize("text", ["", "explode", "slow:long"])
def test_an_unknown_fault_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Fault.parse(text)

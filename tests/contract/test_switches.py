"""The stand-in's switches: page, maintenance, rate, chaos."""

from datetime import timedelta

import pytest

from claims.exchange.errors import GatewayUnavailable, OutcomeUnknown
from tests.contract.mock_gateway import HERE, RunningMock, signed_bundle


def test_the_page_names_every_fault_and_endpoint(shared_mock: RunningMock) -> None:
    from claims.gateway.mock.faults import Endpoint, FaultKind

    page = shared_mock.fetch("GET", "/mock").decode()

    for name in (*FaultKind, *Endpoint):
        assert f'"{name.value}"' in page


def test_while_it_is_closed_nothing_is_taken_and_afterwards_it_is(mock: RunningMock) -> None:
    client, bundle, now = mock.client(), signed_bundle("A"), mock.clock.now()
    closing = {"begins": now.isoformat(), "ends": (now + timedelta(hours=1)).isoformat()}
    mock.call("POST", "/mock/maintenance", closing)
    with pytest.raises(GatewayUnavailable):
        client.send(HERE, bundle)
    assert len(mock.call("GET", "/mock/maintenance")) == 1

    mock.call("DELETE", "/mock/maintenance")

    assert client.send(HERE, bundle)
    assert mock.stats()["arrivals"] == 1


def test_a_chaos_profile_and_a_rate_are_put_in_force(mock: RunningMock) -> None:
    rules = mock.call("POST", "/mock/chaos", {"seed": 7, "rate": 0.5, "endpoints": ["send", "token"]})
    assert {rule["endpoint"] for rule in rules} == {"send", "token"}
    mock.call("DELETE", "/mock/faults")

    mock.call("PUT", "/mock/rate", {"per_s": 0.01})

    first, second = signed_bundle("A"), signed_bundle("B")
    client = mock.client()
    client.send(HERE, first)
    with pytest.raises(GatewayUnavailable, match="429"):
        client.send(HERE, second)


def test_a_burst_meets_so_many_requests_in_a_row(mock: RunningMock) -> None:
    mock.fault("error_500", rate=0.000001, burst=3, seed=1)
    mock.call("DELETE", "/mock/faults")
    mock.fault("error_500", count=3, burst=3)
    client, bundle = mock.client(), signed_bundle("A")

    for _ in range(3):
        with pytest.raises(OutcomeUnknown, match="500"):
            client.send(HERE, bundle)

    assert client.send(HERE, bundle)

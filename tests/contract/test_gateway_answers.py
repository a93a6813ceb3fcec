"""Client and stand-in agree on what every answer means: receipt, refusal, outage or doubt."""

import http.client
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from claims.exchange.errors import (
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    OutcomeUnknown,
    Patience,
)
from claims.exchange.ports import Account
from claims.gateway.connection import Limits
from claims.gateway.protocol import DECISION_130, DECISION_4750, BodyFormat, Generation, hash_password
from tests.contract.mock_gateway import (
    ELSEWHERE,
    HERE,
    PATIENT,
    QUICK,
    RunningMock,
    make_bundle,
    raw_server,
    running_mock,
    signed_bundle,
)


def test_a_signed_bundle_gets_a_receipt_with_number_and_time(mock: RunningMock) -> None:
    receipt = mock.client().send(HERE, signed_bundle("A"))

    assert receipt.ma_giao_dich == "1000000001"
    assert receipt.received_at is not None
    assert abs((receipt.received_at - mock.clock.now()).total_seconds()) < 10
    assert b'"maKetQua": "200"' in receipt.answer


@pytest.mark.parametrize("body_format", BodyFormat, ids=lambda f: f.name.lower())
@pytest.mark.parametrize("generation", [DECISION_130, DECISION_4750], ids=lambda g: g.name)
def test_older_generations_and_both_body_formats_are_taken(
    shared_mock: RunningMock, generation: Generation, body_format: BodyFormat
) -> None:
    client = shared_mock.client(generation=generation, body_format=body_format)

    client.send(HERE, signed_bundle(f"{generation.name} {body_format}"))

    assert shared_mock.received()[-1]["generation"] == generation.name


@pytest.mark.parametrize(
    ("fault", "error", "cause", "stored"),
    [
        pytest.param("timeout_before", OutcomeUnknown, "gateway.timeout", False, id="timeout-before"),
        pytest.param("timeout_after", OutcomeUnknown, "gateway.timeout", True, id="timeout-after"),
        pytest.param("reset", OutcomeUnknown, "gateway.disconnected", False, id="reset-before"),
        pytest.param("reset_after", OutcomeUnknown, "gateway.disconnected", True, id="reset-after"),
        pytest.param("error_500", OutcomeUnknown, "gateway.500", False, id="500-before"),
        pytest.param("error_500_after", OutcomeUnknown, "gateway.500", True, id="500-after"),
        pytest.param("error_503_html", OutcomeUnknown, "gateway.http-503", False, id="503-page"),
        pytest.param("drip", OutcomeUnknown, "gateway.timeout", True, id="drip"),
        pytest.param("garbage", OutcomeUnknown, "gateway.garbled", True, id="garbage"),
        pytest.param("truncated", OutcomeUnknown, "gateway.garbled", True, id="truncated"),
        pytest.param("wrong_json", OutcomeUnknown, "gateway.garbled", True, id="wrong-json"),
        pytest.param("other_claim", OutcomeUnknown, "gateway.other-claim", True, id="other-claim"),
        pytest.param("wrong_number", OutcomeUnknown, "gateway.other-claim", True, id="wrong-number"),
        pytest.param("no_receipt", OutcomeUnknown, "gateway.no-receipt", True, id="no-receipt"),
        *(
            pytest.param(f"refuse:{code}", GatewayRefused, f"gateway.{code}", False, id=f"refuse-{code}")
            for code in ("201", "202", "204", "205", "403", "10", "123", "701", "1001", "999")
        ),
        *(
            pytest.param(f"refuse:{code}", OutcomeUnknown, f"gateway.{code}", False, id=f"unclear-{code}")
            for code in ("408", "500", "124", "503")
        ),
    ],
)
def test_every_fault_becomes_the_right_error(
    shared_mock: RunningMock, fault: str, error: type[GatewayError], cause: str, *, stored: bool
) -> None:
    bundle = signed_bundle(fault)
    before = shared_mock.stats()
    shared_mock.fault(fault, count=1)

    with pytest.raises(error) as raised:
        shared_mock.client(QUICK if cause == "gateway.timeout" else PATIENT).send(HERE, bundle)

    after, kind = shared_mock.stats(), fault.partition(":")[0]
    assert type(raised.value) is error
    assert raised.value.cause == cause
    assert after["accepted"] - before["accepted"] == int(stored)
    assert after["arrivals"] - before["arrivals"] == 1
    assert after["faults"][kind] - before["faults"].get(kind, 0) == 1


def page(status: int, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Later", "Content-Length: 0"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode()


@pytest.mark.parametrize(
    ("answer", "patience"),
    [
        pytest.param(page(503, Retry_After="120"), Patience(120, is_everybodys=True), id="seconds"),
        pytest.param(page(429, Retry_After=" 7 "), Patience(7, is_everybodys=False), id="too-often"),
        pytest.param(
            # Its own clock counts, which is of another year.
            page(503, Date="Sun, 06 Nov 1994 08:49:37 GMT", Retry_After="Sun, 06 Nov 1994 08:50:37 GMT"),
            Patience(60, is_everybodys=True),
            id="a-time",
        ),
        pytest.param(
            page(503, Retry_After="Sun, 06 Nov 1994 08:50:37 GMT"), Patience(0, is_everybodys=True), id="past"
        ),
        pytest.param(page(503, Retry_After="soon"), None, id="neither"),
        pytest.param(page(503, Retry_After="-5"), None, id="less-than-nothing"),
        pytest.param(page(503, Retry_After="Sun, 06 Nov 1994 08:50:37 -0000"), None, id="no-zone"),
        pytest.param(page(503, Retry_After=""), None, id="empty"),
        pytest.param(page(503), None, id="not-said"),
        pytest.param(page(500, Retry_After="120"), None, id="with-another-status"),
    ],
)
@pytest.mark.parametrize("ask", ["send", "look"])
def test_how_long_the_gateway_asks_to_be_left_alone_is_read(
    shared_mock: RunningMock, answer: bytes, patience: Patience | None, ask: str
) -> None:
    bundle = signed_bundle("A")
    with raw_server(answer) as url:
        client = shared_mock.client(base_url=url, supports_digest_lookup=True)

        with pytest.raises(GatewayError) as raised:
            client.send(HERE, bundle) if ask == "send" else client.find_receipt(HERE, "0" * 64)

    assert raised.value.patience == patience


def test_what_was_sent_in_vain_is_in_doubt_and_what_was_too_often_is_not(mock: RunningMock) -> None:
    client = mock.client()
    client.send(HERE, signed_bundle("A"))
    mock.fault("error_503_html:20", count=1)

    with pytest.raises(OutcomeUnknown, match="http-503") as in_trouble:
        client.send(HERE, signed_bundle("B"))
    mock.call("PUT", "/mock/rate", {"per_s": 0.01})
    client.send(HERE, signed_bundle("C"))
    with pytest.raises(GatewayUnavailable, match="http-429") as too_often:
        client.send(HERE, signed_bundle("D"))

    assert in_trouble.value.patience == Patience(20, is_everybodys=True)
    assert too_often.value.patience is not None
    assert not too_often.value.patience.is_everybodys
    assert 90 < too_often.value.patience.seconds <= 100


@pytest.mark.parametrize("fault", ["number_codes", "late_error:202", "slow:0.05", "clock_skew:-86400"])
def test_odd_but_usable_answers_are_receipts(shared_mock: RunningMock, fault: str) -> None:
    shared_mock.fault(fault, count=1)

    receipt = shared_mock.client().send(HERE, signed_bundle(fault))

    assert receipt.ma_giao_dich.isdecimal()
    assert receipt.received_at is not None


@pytest.mark.parametrize("code", ["201", "202", "205", "403"])
def test_a_refusal_that_comes_with_an_http_4xx_is_the_same_refusal(tmp_path: Path, code: str) -> None:
    with running_mock(tmp_path, errors_as_http_status=True) as mock:
        mock.fault(f"refuse:{code}")

        with pytest.raises(GatewayRefused) as raised:
            mock.client().send(HERE, signed_bundle("A"))

    assert raised.value.cause == f"gateway.{code}"
    assert f'"maKetQua": "{code}"'.encode() in raised.value.answer


@pytest.mark.parametrize(
    ("bundle", "cause"),
    [
        pytest.param(lambda: make_bundle("A"), "gateway.202", id="unsigned"),
        pytest.param(
            lambda: signed_bundle("A", signed_by=ELSEWHERE), "gateway.403", id="foreign-certificate"
        ),
        pytest.param(lambda: signed_bundle("A", count="2"), "gateway.202", id="count-that-lies"),
        pytest.param(
            lambda: signed_bundle("A", facility=ELSEWHERE, signed_by=HERE), "gateway.202", id="foreign-sender"
        ),
        pytest.param(
            lambda: signed_bundle("A").replace(b"20260101", b"20260102"), "gateway.202", id="tampered"
        ),
        pytest.param(lambda: signed_bundle("A")[:-5], "gateway.201", id="cut-off"),
        pytest.param(lambda: b"", "gateway.204", id="empty"),
        pytest.param(lambda: signed_bundle(""), "gateway.202", id="no-episode-key"),
    ],
)
def test_the_stand_in_refuses_a_bad_bundle_by_itself(
    shared_mock: RunningMock, bundle: Callable[[], bytes], cause: str
) -> None:
    before = shared_mock.stats()

    with pytest.raises(GatewayRefused) as raised:
        shared_mock.client().send(HERE, bundle())

    after = shared_mock.stats()
    assert raised.value.cause == cause
    assert after["refused"] - before["refused"] == 1
    assert after["accepted"] == before["accepted"]


def test_an_episode_of_another_facility_is_refused(mock: RunningMock) -> None:
    client = mock.client()
    client.send(HERE, signed_bundle("A"))

    with pytest.raises(GatewayRefused, match=r"gateway\.403"):
        client.send(ELSEWHERE, signed_bundle("A", facility=ELSEWHERE))


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        pytest.param(b"", "gateway.login.disconnected", id="hangs-up"),
        pytest.param(b"SSH-2.0-x\r\n", "gateway.login.garbled", id="not-http"),
        pytest.param(b"HTTP/1.1 404 N\r\nContent-Length: 2\r\n\r\nno", "gateway.login.http-404", id="404"),
        pytest.param(
            b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"maKetQua":"200"}',
            "gateway.login.garbled",
            id="no-token",
        ),
        pytest.param(
            b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"maKetQua":"500"}',
            "gateway.login.500",
            id="server-error",
        ),
    ],
)
def test_a_failed_sign_in_leaves_no_doubt_about_the_bundle(
    shared_mock: RunningMock, answer: bytes, cause: str
) -> None:
    with raw_server(answer) as base_url, pytest.raises(GatewayUnavailable) as raised:
        shared_mock.client(QUICK, base_url=base_url).send(HERE, signed_bundle("A"))

    assert raised.value.cause == cause


def test_a_host_that_is_not_there_is_unavailable(shared_mock: RunningMock) -> None:
    with raw_server(b"") as base_url:
        pass

    with pytest.raises(GatewayUnavailable) as raised:
        shared_mock.client(base_url=base_url).send(HERE, signed_bundle("A"))

    assert raised.value.cause == "gateway.unreachable"


def test_a_name_that_does_not_resolve_is_unavailable(shared_mock: RunningMock) -> None:
    with pytest.raises(GatewayUnavailable, match="unreachable"):
        shared_mock.client(base_url="http://gateway.invalid.:1").send(HERE, signed_bundle("A"))


def test_a_plain_host_behind_an_https_address_is_unavailable(shared_mock: RunningMock) -> None:
    base_url = shared_mock.server.base_url.replace("http:", "https:")

    with pytest.raises(GatewayUnavailable, match="SSLError"):
        shared_mock.client(base_url=base_url).send(HERE, signed_bundle("A"))


def test_a_bundle_too_large_for_the_gateway_is_refused_by_name(tmp_path: Path) -> None:
    with running_mock(tmp_path, max_body_bytes=20_000) as mock, pytest.raises(GatewayRefused) as raised:
        mock.client().send(HERE, signed_bundle("A", note="x" * 3_000_000))

    assert raised.value.cause == "gateway.http-413"


def test_an_answer_that_is_too_long_leaves_doubt(shared_mock: RunningMock) -> None:
    client = shared_mock.client()
    client.find_receipt(HERE, "0" * 64)  # signs in, so that only the claim's answer can be too long
    client._caller._connections._limits = Limits(max_answer_bytes=60)

    with pytest.raises(OutcomeUnknown, match="too long"):
        client.send(HERE, signed_bundle("long answer"))


def test_a_facility_without_an_account_is_refused_without_asking(shared_mock: RunningMock) -> None:
    client, before = shared_mock.client(), shared_mock.stats()

    with pytest.raises(GatewayRefused) as raised:
        client.send("99999", signed_bundle("A"))

    assert raised.value.cause == "gateway.no-account"
    assert shared_mock.stats() == before


def test_a_wrong_password_is_asked_for_once_and_a_corrected_one_at_once(mock: RunningMock) -> None:
    right = mock.ledger.accounts[HERE]
    mock.ledger.accounts[HERE] = Account(right.username, hash_password("wrong"))
    client = mock.client()
    with pytest.raises(GatewayRefused, match=r"gateway\.login\.401"):
        client.send(HERE, signed_bundle("A"))
    mock.fault("error_500", endpoint="token")
    with pytest.raises(GatewayRefused, match=r"gateway\.login\.401"):
        client.send(HERE, signed_bundle("A"))  # not asked again, or it would meet the fault
    mock.call("DELETE", "/mock/faults")

    mock.ledger.accounts[HERE] = right

    assert client.send(HERE, signed_bundle("A")).ma_giao_dich


def test_lower_case_hashes_are_taken_too(mock: RunningMock) -> None:
    right = mock.ledger.accounts[HERE]
    mock.ledger.accounts[HERE] = Account(right.username, right.password_md5.lower())

    assert mock.client().send(HERE, signed_bundle("A")).ma_giao_dich


@pytest.mark.parametrize("path", ["/api/token/take", "/API/Token/Take", "/api/token/take/"])
def test_paths_are_read_in_any_case(shared_mock: RunningMock, path: str) -> None:
    account = shared_mock.ledger.accounts[HERE]

    answer = shared_mock.call("POST", path, {"username": account.username, "password": account.password_md5})

    assert answer["maKetQua"] == "200"


def test_an_unknown_fault_is_told_to_whoever_asks_for_it(shared_mock: RunningMock) -> None:
    connection = http.client.HTTPConnection(
        "127.0.0.1", shared_mock.server.servers[0].sockets[0].getsockname()[1]
    )
    connection.request("POST", "/api/token/take", headers={"X-Mock-Fault": "explode"})
    status = connection.getresponse().status
    connection.close()

    assert status == 400


def test_nothing_secret_shows_in_a_representation(shared_mock: RunningMock) -> None:
    client = shared_mock.client()
    account = shared_mock.ledger.accounts[HERE]

    token = client._caller._sessions.token(HERE, account)

    assert account.password_md5 not in repr(account)
    assert token.access_token not in repr(token)
    assert token.id_token not in repr(token)


def test_threads_come_and_go_without_leaving_connections_behind(mock: RunningMock) -> None:
    client = mock.client()
    for number in range(6):
        thread = threading.Thread(target=client.send, args=(HERE, signed_bundle(f"A{number}")))
        thread.start()
        thread.join()

    assert len(client._caller._connections._idle) == 1

"""Nothing is taken twice and nothing is lost: idempotence, reconciliation, tokens, restarts."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from claims.exchange.errors import GatewayUnavailable, OutcomeUnknown
from claims.gateway.calling import GatewaySettings
from claims.gateway.client import GatewayClient
from claims.gateway.mock.journal import JournalBusy
from claims.gateway.mock.server import make_server
from tests.contract.mock_gateway import HERE, PATIENT, QUICK, RunningMock, Wall, running_mock, signed_bundle


def digest(bundle: bytes) -> str:
    return hashlib.sha256(bundle).hexdigest()


def test_the_same_bytes_again_get_the_same_number_and_count_as_a_repeat(mock: RunningMock) -> None:
    client, bundle = mock.client(), signed_bundle("A")

    first, second = client.send(HERE, bundle), client.send(HERE, bundle)

    assert first.ma_giao_dich == second.ma_giao_dich
    stats = mock.stats()
    assert (stats["accepted"], stats["arrivals"], stats["repeats"]) == (1, 2, 1)


def test_another_version_of_a_claim_supersedes_the_earlier_one(mock: RunningMock) -> None:
    client = mock.client()
    first = client.send(HERE, signed_bundle("A", note="1"))

    second = client.send(HERE, signed_bundle("A", note="2"))

    latest = mock.received()[1]
    assert second.ma_giao_dich != first.ma_giao_dich
    assert (latest["version"], latest["supersedes"]) == (2, first.ma_giao_dich)


@pytest.mark.parametrize("fault", ["timeout_after", "reset_after", "drip", "truncated", "garbage"])
def test_a_bundle_that_was_taken_before_the_answer_got_lost_is_found_by_its_digest(
    shared_mock: RunningMock, fault: str
) -> None:
    bundle = signed_bundle(f"lost {fault}")
    shared_mock.fault(fault, count=1)
    repeats = shared_mock.stats()["repeats"]
    with pytest.raises(OutcomeUnknown):
        shared_mock.client(QUICK).send(HERE, bundle)

    receipt = shared_mock.client().find_receipt(HERE, digest(bundle))

    assert receipt is not None
    assert receipt.ma_giao_dich == shared_mock.received()[-1]["ma_giao_dich"]
    assert shared_mock.stats()["repeats"] == repeats


def test_a_bundle_that_was_not_taken_is_not_found(shared_mock: RunningMock) -> None:
    client, bundle = shared_mock.client(), signed_bundle("not taken")
    shared_mock.fault("timeout_before", count=1)
    repeats = shared_mock.stats()["repeats"]
    with pytest.raises(OutcomeUnknown):
        shared_mock.client(QUICK).send(HERE, bundle)

    assert client.find_receipt(HERE, digest(bundle)) is None
    client.send(HERE, bundle)
    assert shared_mock.stats()["repeats"] == repeats


def test_a_bundle_still_at_work_is_neither_found_nor_missing(mock: RunningMock) -> None:
    client, bundle = mock.client(), signed_bundle("A")
    assert client.find_receipt(HERE, digest(bundle)) is None  # it is signed in from here on
    mock.fault("slow:4", count=1)
    with pytest.raises(OutcomeUnknown, match="timeout"):
        mock.client(QUICK).send(HERE, bundle)

    with pytest.raises(GatewayUnavailable, match="still-processing"):
        client.find_receipt(HERE, digest(bundle))

    for _ in range(600):
        with suppress(GatewayUnavailable):
            assert client.find_receipt(HERE, digest(bundle)) is not None
            return
        time.sleep(0.1)
    pytest.fail("it is at work for ever")


def test_another_facility_does_not_find_it(shared_mock: RunningMock) -> None:
    bundle = signed_bundle("not yours")
    shared_mock.client().send(HERE, bundle)

    assert shared_mock.client().find_receipt("79002", digest(bundle)) is None


def test_a_gateway_without_look_up_says_so(tmp_path: Path) -> None:
    with running_mock(tmp_path, offers_lookup=False) as mock:
        with pytest.raises(GatewayUnavailable, match="not-offered"):
            mock.client().find_receipt(HERE, "0" * 64)

        assert mock.client(supports_digest_lookup=False).find_receipt(HERE, "0" * 64) is None


@pytest.mark.parametrize("fault", ["error_500", "garbage", "refuse:205", "timeout_before", "error_503_html"])
def test_a_look_up_that_fails_is_never_taken_for_not_found(shared_mock: RunningMock, fault: str) -> None:
    shared_mock.fault(fault, endpoint="lookup")

    with pytest.raises(GatewayUnavailable):
        shared_mock.client(QUICK).find_receipt(HERE, "0" * 64)


def test_a_refused_sign_in_during_a_look_up_says_nothing_about_the_bundle(shared_mock: RunningMock) -> None:
    shared_mock.fault("refuse:401", endpoint="token")

    with pytest.raises(GatewayUnavailable, match=r"gateway\.login\.401"):
        shared_mock.client().find_receipt(HERE, "0" * 64)


def test_an_expired_token_is_renewed_once_for_sixteen_threads(mock: RunningMock) -> None:
    client = mock.client()
    client.send(HERE, signed_bundle("first"))
    mock.call("POST", "/mock/tokens/expire")
    start = threading.Barrier(16)

    def send(number: int) -> str:
        start.wait()
        return client.send(HERE, signed_bundle(f"A{number}")).ma_giao_dich

    with ThreadPoolExecutor(16) as pool:
        numbers = set(pool.map(send, range(16)))

    assert len(numbers) == 16
    assert mock.stats()["sign_ins"] == 2
    assert mock.stats()["repeats"] == 0


def test_a_token_near_its_end_is_renewed_before_it_is_used(mock: RunningMock) -> None:
    client = mock.client()
    client.send(HERE, signed_bundle("A"))
    mock.clock.ahead = timedelta(seconds=1800 - 30)

    client.send(HERE, signed_bundle("B"))

    stats = mock.stats()
    assert (stats["sign_ins"], stats["turned_away"]) == (2, 0)


def test_two_401_in_a_row_mean_that_it_was_surely_not_taken(mock: RunningMock) -> None:
    mock.fault("expire_token")

    with pytest.raises(GatewayUnavailable, match=r"gateway\.401"):
        mock.client().send(HERE, signed_bundle("A"))

    assert mock.stats()["arrivals"] == 2


def test_threads_that_wait_for_a_dead_gateway_share_its_failure(shared_mock: RunningMock) -> None:
    shared_mock.fault("timeout_before", endpoint="token")
    client, bundle = shared_mock.client(QUICK), signed_bundle("A")

    start = threading.Barrier(16)

    def send(_: int) -> None:
        start.wait()
        with pytest.raises(GatewayUnavailable):
            client.send(HERE, bundle)

    before = shared_mock.stats()["faults"].get("timeout_before", 0)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(send, range(16)))

    # Each for itself would have waited for an answer of its own. Whoever comes late begins anew.
    assert 1 <= shared_mock.stats()["faults"]["timeout_before"] - before < 8


def test_sixty_four_threads_send_at_once_and_each_claim_arrives_once(mock: RunningMock) -> None:
    client = mock.client()
    bundles = [signed_bundle(f"A{number}", rows=20) for number in range(128)]

    with ThreadPoolExecutor(64) as pool:
        receipts = list(pool.map(lambda bundle: client.send(HERE, bundle), bundles))

    assert len({receipt.ma_giao_dich for receipt in receipts}) == 128
    stats = mock.stats()
    assert (stats["accepted"], stats["arrivals"], stats["sign_ins"]) == (128, 128, 1)
    assert {row["sha256"] for row in mock.received()} == {digest(bundle) for bundle in bundles}


def test_the_same_bytes_from_many_threads_are_taken_once(mock: RunningMock) -> None:
    client, bundle = mock.client(), signed_bundle("A")

    with ThreadPoolExecutor(16) as pool:
        numbers = {r.ma_giao_dich for r in pool.map(lambda _: client.send(HERE, bundle), range(16))}

    stats = mock.stats()
    assert len(numbers) == 1
    assert (stats["accepted"], stats["repeats"]) == (1, 15)


def test_bytes_that_come_again_are_a_repeat_even_when_a_fault_meets_them(mock: RunningMock) -> None:
    client, bundle = mock.client(), signed_bundle("A")
    client.send(HERE, bundle)
    mock.fault("error_500", count=1)

    with pytest.raises(OutcomeUnknown):
        client.send(HERE, bundle)

    assert mock.stats()["repeats"] == 1


def test_a_restart_remembers_receipts_counts_and_bytes(mock: RunningMock) -> None:
    bundle = signed_bundle("A")
    receipt = mock.client().send(HERE, bundle)
    mock.fault("refuse:202", count=1)
    before = mock.stats()

    mock.restart()

    after = mock.stats()
    again = mock.client().send(HERE, bundle)
    assert {**after, "sign_ins": 1} == before
    assert again.ma_giao_dich == receipt.ma_giao_dich
    assert mock.client().send(HERE, signed_bundle("B")).ma_giao_dich != receipt.ma_giao_dich
    assert mock.fetch("GET", f"/mock/received/{receipt.ma_giao_dich}/bundle") == bundle


def test_a_client_outlives_the_gateway_s_restart(mock: RunningMock) -> None:
    port = mock.server.servers[0].sockets[0].getsockname()[1]
    client = mock.client()
    client.send(HERE, signed_bundle("A"))
    mock.server.should_exit = True
    mock.thread.join(60)
    with pytest.raises(GatewayUnavailable, match="unreachable"):
        client.send(HERE, signed_bundle("B"))
    mock.settings = type(mock.settings)(
        mock.settings.folder, mock.settings.journal, port=port, options=mock.settings.options
    )

    mock.start()

    # Its old connections and its old token are worthless now; neither may cost a claim.
    assert client.send(HERE, signed_bundle("B")).ma_giao_dich == "1000000002"
    assert mock.stats()["repeats"] == 0


def test_two_stand_ins_never_share_a_journal(mock: RunningMock) -> None:
    with pytest.raises(JournalBusy):
        make_server(mock.settings)


def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    with running_mock(tmp_path) as mock:
        ledger = mock.ledger
    bundles = [signed_bundle(f"A{number}") for number in range(21)]
    acknowledged: dict[str, str] = {}
    with (
        process_serving(tmp_path) as (process, base_url),
        GatewayClient(GatewaySettings(base_url, limits=PATIENT), accounts=ledger, clock=Wall()) as client,
    ):
        for bundle in bundles[:20]:
            acknowledged[digest(bundle)] = client.send(HERE, bundle).ma_giao_dich
        os.kill(process.pid, signal.SIGKILL)

    with (tmp_path / "journal" / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"event":"accepted","at":"2026')  # what a crash in the middle of a write leaves

    with running_mock(tmp_path) as mock:
        assert {row["sha256"]: row["ma_giao_dich"] for row in mock.received()} == acknowledged
        assert mock.client().send(HERE, bundles[20]).ma_giao_dich not in acknowledged.values()
        mock.restart()
        assert mock.stats()["accepted"] == 21


def test_a_connection_that_the_gateway_closed_meanwhile_is_not_used_again(mock: RunningMock) -> None:
    client = mock.client()
    client.send(HERE, signed_bundle("A"))
    idle = client._caller._connections._idle[0].connection
    for connection in list(mock.server.server_state.connections):
        mock.server.servers[0].get_loop().call_soon_threadsafe(connection.transport.close)
    wait_until_readable(idle.sock)

    client.send(HERE, signed_bundle("B"))

    assert idle.sock is None


def test_a_forked_child_does_not_write_into_its_parent_s_connection(mock: RunningMock) -> None:
    client = mock.client()
    client.send(HERE, signed_bundle("A"))
    parent = client._caller._connections._idle[0].connection

    client._caller._connections._pid = -1  # what a child sees

    taken = client._caller._connections._take()
    assert taken is not parent
    taken.close()
    parent.close()


def wait_until_readable(sock: socket.socket) -> None:
    sock.settimeout(60)
    assert sock.recv(1, socket.MSG_PEEK) == b""


@contextmanager
def process_serving(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    script = (
        "import sys; from pathlib import Path; from claims.gateway.mock import MockSettings, serve;"
        "f = Path(sys.argv[1]);"
        "serve(MockSettings(f, f / 'journal', port=0), on_ready=lambda u: print(u, flush=True))"
    )
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()

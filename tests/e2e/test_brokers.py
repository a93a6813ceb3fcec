"""Any broker will do by its address alone, and a worker that stops fetching from it does not stay so."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from claims.cli.demo.cases import EXPECTED, make_cases
from claims.cli.demo.installation import IMPATIENT, Installation
from claims.client import ApiClient
from claims.listening import reserved_port
from claims.runtime.broker import make_celery
from claims.runtime.embedded import Addresses
from claims.runtime.settings import Settings
from tests.conftest import require_tool

FACILITY = {"99001": "Một"}
CLAIMS = 8
SETTLE_S = 120


@pytest.fixture
def rabbitmq_url(tmp_path: Path) -> Iterator[str]:
    # The program on the path is a script of Debian's that only serves its one system-wide node.
    require_tool("rabbitmq-server")
    with ExitStack() as stack:
        ports = {
            name: str(stack.enter_context(reserved_port()))
            for name in ("ERL_EPMD_PORT", "RABBITMQ_NODE_PORT", "RABBITMQ_DIST_PORT")
        }
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            **ports,
            "RABBITMQ_NODENAME": "tests@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(tmp_path / "rabbitmq"),
            "RABBITMQ_LOG_BASE": str(tmp_path / "rabbitmq-log"),
            "RABBITMQ_CONFIG_FILE": str(tmp_path / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(tmp_path / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        output = stack.enter_context((tmp_path / "rabbitmq.out").open("wb"))
        server = subprocess.Popen(
            ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield f"amqp://guest:guest@127.0.0.1:{ports['RABBITMQ_NODE_PORT']}//"
        finally:
            server.terminate()
            server.wait(30)
            subprocess.run(["epmd", "-kill"], env=environment, stdout=output, stderr=output, check=False)


def settled(api: ApiClient, ids: list[str]) -> list[str]:
    deadline = time.monotonic() + SETTLE_S
    return [
        str(api.submission(one, wait_s=min(30, max(0, deadline - time.monotonic())))["state"]) for one in ids
    ]


@pytest.mark.any_server
@pytest.mark.slow
def test_rabbitmq_works_by_its_address_alone(tmp_path: Path, database_url: str, rabbitmq_url: str) -> None:
    with Installation(tmp_path, FACILITY, addresses=Addresses(database_url, rabbitmq_url)) as installation:
        cases = list(make_cases(list(installation.facilities.values()), seed=1, count=CLAIMS))
        with installation.api(installation.facilities["99001"].api_key) as api:
            ids = [str(api.submit_bundle(case.body)["id"]) for case in cases if case.body[:1] == b"<"]

            assert settled(api, ids) == [EXPECTED[case.kind] for case in cases if case.body[:1] == b"<"]
            assert {api_event["kind"] for api_event in api.events(ids[0])} >= {"checked", "acknowledged"}


@pytest.mark.slow
def test_a_worker_that_stopped_fetching_is_started_again(
    tmp_path: Path, database_url: str, broker_url: str
) -> None:
    settings = {**IMPATIENT, "CLAIMS_IDLE_PATIENCE_S": "2"}
    addresses = Addresses(database_url, broker_url)
    with Installation(tmp_path, FACILITY, addresses=addresses, settings=settings) as installation:
        case = next(make_cases(list(installation.facilities.values()), seed=1, count=1))
        before = installation.pid("deliver")
        # Connected, alive, and deaf: what some versions do after their broker restarted.
        control = make_celery(Settings(), broker_url).control
        worker = [f"deliver@{socket.gethostname()}"]
        while not control.cancel_consumer("deliver", reply=True, destination=worker, timeout=1):
            pass  # not ready yet

        with installation.api(installation.facilities["99001"].api_key) as api:
            assert settled(api, [str(api.submit_bundle(case.body)["id"])]) == ["acknowledged"]
        assert installation.pid("deliver") != before

"""Hosts share a database and a broker without a leader: one that is cut off and comes back costs nothing."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import require_tool


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_host_that_is_cut_off_and_comes_back_loses_nothing_and_sends_nothing_twice() -> None:
    require_tool("ip")
    if os.geteuid() != 0:
        pytest.skip("only root lays a network of its own")

    run = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--seconds", "12", "--only", "network cut", "--json"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    said = json.loads(run.stdout.splitlines()[-1])
    assert "| network cut | " in run.stdout
    assert said["acknowledged"] > 0
    assert (said["lost"], said["doubled"], said["mismatched"]) == (0, 0, 0)

"""The README's first claim works as it is written."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claims.building.build import build_bundle
from claims.emr.encounter import read_encounter
from claims.emr.synthetic import generate_encounters
from claims.listening import reserved_port
from signing.certificates import to_pem
from signing.demo_pki import DemoPki
from signing.sign import sign_bundle
from tests.conftest import require_tool

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """What the README presupposes: a signed bundle, certificates of facility and authorities, and ./run."""
    now = datetime.now(UTC)
    pki = DemoPki.create(at=now)
    pki.write(tmp_path / "trust")
    key = pki.leaf("99001", valid_from=now - timedelta(days=1), valid_to=now + timedelta(days=1))
    (tmp_path / "facility.pem").write_bytes(to_pem(key.certificate))
    document = next(iter(generate_encounters(seed=1, count=1, facilities=["99001"], on=now.date())))
    bundle = build_bundle([read_encounter(document)], made_on=now.date()).bundle
    (tmp_path / "signed.xml").write_bytes(sign_bundle(bundle, key.signer))
    run = tmp_path / "run"
    run.write_text(f'#!/bin/sh\n[ "$1" = claims ] && shift\nexec "{sys.executable}" -m claims "$@"\n')
    run.chmod(0o755)
    return tmp_path


@pytest.fixture
def port() -> Iterator[int]:
    with reserved_port() as port:
        yield port


@pytest.mark.slow
def test_a_first_claim_with_curl(desk: Path, port: int) -> None:
    require_tool("curl")
    chapter = README.read_text("utf-8").partition("## A first claim with curl")[2].partition("\n## ")[0]
    start, submit, ask = re.findall(r"```sh\n(.*?)```", chapter, flags=re.DOTALL)
    # Only what a second run of a person's shell would differ in is filled in: the port, the new id, the wait.
    ask = ask.replace(
        "sub_01KASWY1C4R4T9QZ3R5J8M2X6B", '$(sed "s/.*\\"id\\":\\"\\([^\\"]*\\).*/\\1/" answer.json)'
    )
    script = "\n".join(
        [
            "set -eu",
            start.replace("serve &", f"serve --port {port} &"),
            submit.rstrip() + " > answer.json",
            "cat answer.json; echo",
            f"for _ in $(seq 500); do {ask.strip()} > now.json",
            "grep -q 'checked\\|rejected\\|failed' now.json && break; sleep 0.3; done",
            "cat now.json",
        ]
    ).replace("127.0.0.1:8000", f"127.0.0.1:{port}")

    shell = subprocess.Popen(
        ["sh", "-c", script],
        cwd=desk,
        env={**os.environ, "CLAIMS_DATA_DIR": str(desk / "data"), "PYTHONPATH": str(README.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        finished = shell.wait(240)
    finally:
        os.killpg(shell.pid, signal.SIGTERM)  # the service that the script left in the background
        _wait_until_gone(shell.pid)
        output, errors = shell.communicate()

    assert finished == 0, output + errors
    assert '"state":"received"' in output, errors
    # Nobody told the service of a gateway: a good claim waits, checked.
    assert '"state":"checked"' in output, output


def _wait_until_gone(group: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)

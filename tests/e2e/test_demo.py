"""The README's first command does what it says."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import httpx2
import pytest
import zxingcpp
from PIL import Image

from claims.cli.demo.installation import Installation
from claims.emr.synthetic import generate_encounters
from claims.runtime.embedded import Addresses
from tests.conftest import require_tool


@pytest.mark.any_server
@pytest.mark.slow
def test_the_code_on_a_demos_form_leads_to_where_the_claim_stands(
    tmp_path: Path, database_url: str, broker_url: str
) -> None:
    (encounter,) = generate_encounters(seed=3, count=1, facilities=["99001"], on=date(2026, 11, 20))
    addresses = Addresses(database_url, broker_url)

    with Installation(tmp_path / "site", {"99001": "Một"}, addresses=addresses) as installation:
        with installation.api(installation.facilities["99001"].api_key) as api:
            submitted = api.submit_encounter(json.dumps(encounter).encode())
            while api.submission(submitted["id"], wait_s=9)["state"] == "received":
                pass  # until it has been checked it counts as protected
            (tmp_path / "form.pdf").write_bytes(api.paper(submitted["id"]))
        command = [require_tool("pdftoppm"), "-r", "150", "-png", "-singlefile", "form.pdf", "page"]
        subprocess.run(command, check=True, cwd=tmp_path, timeout=60)
        (code,) = zxingcpp.read_barcodes(Image.open(tmp_path / "page.png"))
        page = httpx2.get(code.text, trust_env=False, timeout=30)

    assert code.text.startswith(f"{installation.api_url}/v/{submitted['id']}?d=")
    assert "data-standing=" in page.text
    assert "data-standing=unknown" not in page.text


@pytest.mark.slow
def test_the_demo_ends_with_every_outcome_as_expected(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "claims", "demo", "--encounters", "60", "--folder", str(tmp_path)]

    finished = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)

    assert finished.returncode == 0, finished.stderr
    summary = json.loads(finished.stdout.splitlines()[-1])
    assert list(summary) == [
        "submitted",
        "acknowledged",
        "rejected",
        "replayed",
        "lost",
        "duplicates_at_gateway",
        "seconds",
    ]
    assert summary["submitted"] == summary["acknowledged"] + summary["rejected"] == 60
    assert summary["rejected"] > 0
    assert summary["replayed"] > 0
    assert (summary["lost"], summary["duplicates_at_gateway"]) == (0, 0)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "keys").iterdir()} == {0}

"""What is installed can be listed, and what is let through of known vulnerabilities is dated."""

import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_bill_of_materials_names_every_pinned_package_with_its_hashes(tmp_path: Path) -> None:
    bill = tmp_path / "sbom.cdx.json"
    command = [
        "requirements",
        str(ROOT / "requirements" / "service.txt"),
        "--output-reproducible",
        "-o",
        str(bill),
    ]
    subprocess.run([sys.executable, "-m", "cyclonedx_py", *command], check=True, capture_output=True)

    components = json.loads(bill.read_text("utf-8"))["components"]

    lines = (ROOT / "requirements" / "service.txt").read_text("utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}
    assert {each["name"] for each in components} == pinned
    assert all("version" in each and each["externalReferences"] for each in components)


def test_what_is_let_through_has_a_reason_and_an_end() -> None:
    allowed = tomllib.loads((ROOT / "requirements" / "audit-allowed.toml").read_text("utf-8"))["allowed"]
    today = datetime.now(UTC).date()
    for one in allowed:
        assert one["reason"]
        assert today <= one["until"] <= today + timedelta(days=180), one["id"]


def test_every_pinned_package_has_hashes_in_every_set() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        entries = path.read_text("utf-8").replace("\\\n", " ").splitlines()
        pinned = [line for line in entries if line and not line.startswith(("#", " "))]
        assert pinned
        assert all("==" in line and "--hash=sha256:" in line for line in pinned), path.name

"""The README's first command does what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


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

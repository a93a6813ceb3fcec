"""Every command that listens says where, for people and for programs."""

from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from claims.cli.output import Exit
from signing.demo_pki import DemoPki
from tests.integration.command import claims, serving


@pytest.mark.any_server
def test_the_api_answers_where_it_says(
    tmp_path: Path, database_url: str, broker_url: str, pki: DemoPki
) -> None:
    pki.write(tmp_path / "trust")
    env = {
        "CLAIMS_DATA_DIR": str(tmp_path),
        "CLAIMS_DATABASE_URL": database_url,
        "CLAIMS_BROKER_URL": broker_url,
    }

    with serving("serve", env=env) as url:
        answer = httpx2.get(f"{url}/readyz", trust_env=False, timeout=60)
        again = claims("serve", "--port", str(urlsplit(url).port), env=env)

    assert answer.is_success
    assert again.code == Exit.CONFIGURATION
    assert again.stderr.startswith(f"error: cannot listen on port {urlsplit(url).port} of 127.0.0.1: ")
    assert again.stderr.count("\n") == 1


@pytest.mark.any_server
@pytest.mark.parametrize("setting", ["CHECK_POLICY", "RETENTION_FILE"])
def test_a_file_that_cannot_be_read_is_told_in_a_line(
    setting: str, tmp_path: Path, database_url: str, broker_url: str, pki: DemoPki
) -> None:
    pki.write(tmp_path / "trust")
    (tmp_path / "file.toml").write_text("[not = toml")
    env = {
        "CLAIMS_DATA_DIR": str(tmp_path),
        "CLAIMS_DATABASE_URL": database_url,
        "CLAIMS_BROKER_URL": broker_url,
        f"CLAIMS_{setting}": str(tmp_path / "file.toml"),
    }

    result = claims("serve", "--port", "0", env=env)

    assert result.code != Exit.INTERNAL
    assert [line for line in result.stderr.splitlines() if "file.toml" in line] == [result.stderr.strip()]

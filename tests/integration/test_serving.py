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

"""Every command that listens says where, for people and for programs."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from claims.cli.output import Exit
from claims.exchange.submission import FacilityCode
from claims.runtime.clock import SystemClock
from claims.runtime.service_keys import FolderOfServiceKeys, UnusableServiceKeys
from claims.runtime.settings import InvalidSettings, Settings, load_settings
from claims.runtime.wiring import Service
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
@pytest.mark.parametrize("setting", ["CHECK_POLICY", "RETENTION_FILE", "REVIEW_POLICY", "OIDC_ROLES"])
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
    if setting == "OIDC_ROLES":
        env |= {
            "CLAIMS_OIDC_ISSUER": "https://id.example.vn",
            "CLAIMS_OIDC_CLIENT_ID": "ehoso",
            "CLAIMS_PUBLIC_URL": "https://claims.example.vn",
        }

    result = claims("serve", "--port", "0", env=env)

    assert result.code == Exit.CONFIGURATION
    assert [line for line in result.stderr.splitlines() if "file.toml" in line] == [result.stderr.strip()]


@pytest.mark.parametrize(
    "setting",
    [
        "CATALOGUE_FOLDER",
        "RULES_FOLDER",
        "SIGNING_KEYS_DIR",
        "TRUST_DIR",
        "RETENTION_FILE",
        "BATCH_DIR",
        "CONTENT_STORE",
        "ARCHIVE_STORE",
    ],
)
def test_what_a_setting_names_in_vain_stops_the_start(setting: str, tmp_path: Path, pki: DemoPki) -> None:
    pki.write(tmp_path / "trust")
    (tmp_path / "file").touch()
    env = {
        "CLAIMS_DATA_DIR": str(tmp_path),
        "CLAIMS_TIMESTAMP_URLS": "http://127.0.0.1:9/",
        f"CLAIMS_{setting}": str(tmp_path / "file" / "gone"),
    }

    results = [claims("serve", "--port", "0", env=env)]
    if setting not in {"SIGNING_KEYS_DIR", "BATCH_DIR"}:
        results.append(claims("worker", "--role", "check", env=env))
    if setting in {"RETENTION_FILE", "CONTENT_STORE", "ARCHIVE_STORE"}:
        results.append(claims("worker", "--role", "deliver", env=env))

    named = f"CLAIMS_{setting}={tmp_path / 'file' / 'gone'}"
    assert [one.code for one in results] == [Exit.CONFIGURATION] * len(results)
    assert all(line.count(named) == 1 for one in results for line in one.stderr.splitlines())


@pytest.mark.parametrize("role", ["deliver", "tell"])
def test_workers_that_only_send_and_tell_need_nothing_of_what_bundles_are_checked_by(
    role: str, tmp_path: Path
) -> None:
    settings = ("CATALOGUE_FOLDER", "CHECK_POLICY", "REVIEW_POLICY", "RULES_FOLDER", "TRUST_DIR")
    env = {
        "CLAIMS_DATA_DIR": str(tmp_path),
        **{f"CLAIMS_{setting}": str(tmp_path / "gone") for setting in settings},
    }

    result = claims("worker", "--role", role, env=env)

    # It got as far as where the servers are asked for.
    assert "gone" not in result.stderr
    assert f"nothing runs in {tmp_path}" in result.stderr
    assert not (tmp_path / "postgresql").exists()  # nothing has been started


@pytest.mark.any_server
def test_an_api_by_itself_need_not_write_where_only_workers_do(
    tmp_path: Path, database_url: str, broker_url: str, pki: DemoPki
) -> None:
    pki.write(tmp_path / "trust")
    (tmp_path / "file").touch()
    env = {
        "CLAIMS_DATA_DIR": str(tmp_path),
        "CLAIMS_DATABASE_URL": database_url,
        "CLAIMS_BROKER_URL": broker_url,
        "CLAIMS_TIMESTAMP_URLS": "http://127.0.0.1:9/",
        "CLAIMS_ARCHIVE_STORE": str(tmp_path / "file" / "archives"),
    }

    with serving("serve", env=env) as url:
        assert httpx2.get(f"{url}/readyz", trust_env=False, timeout=60).is_success


@pytest.mark.any_server
def test_a_port_for_metrics_that_is_taken_is_told_in_a_line(
    tmp_path: Path, database_url: str, broker_url: str, pki: DemoPki
) -> None:
    pki.write(tmp_path / "trust")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        env = {
            "CLAIMS_DATA_DIR": str(tmp_path),
            "CLAIMS_DATABASE_URL": database_url,
            "CLAIMS_BROKER_URL": broker_url,
            "CLAIMS_METRICS_PORT": str(port),
        }

        result = claims("serve", "--port", "0", env=env)

    assert result.code == Exit.CONFIGURATION
    assert result.stderr.startswith(f"error: cannot listen on port {port} of 127.0.0.1 for metrics: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "setting",
    [
        "GATEWAY_URL",
        "STAND_IN_URL",
        "PUBLIC_URL",
        "API_URL",
        "OTLP_URL",
        "CONTENT_KEYS_URL",
        "TIMESTAMP_URLS",
    ],
)
@pytest.mark.parametrize(
    "value", ["egw.example.vn", "egw.example.vn:8443/x", "ftp://h", "https://h:abc", "https://["]
)
def test_an_address_that_is_none_stops_the_start(setting: str, value: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings({f"CLAIMS_{setting}": value})

    assert refused.value.problems == (f"CLAIMS_{setting}: no address such as https://example.vn",)


@pytest.mark.any_server
def test_where_the_keys_are_another_installations_nothing_starts(
    tmp_path: Path, database_url: str, broker_url: str, pki: DemoPki
) -> None:
    pki.write(tmp_path / "trust")
    service = Service(Settings(data_dir=tmp_path), database_url, broker_url)
    service.facilities.add(FacilityCode("99001"), name="x", at=service.clock.now())
    service.receive(b"<x/>", facility=FacilityCode("99001"), actor="test")
    service.keep_log()
    service.close()
    folder = tmp_path / "evidence-keys"
    folder.rename(tmp_path / "own")
    FolderOfServiceKeys(folder, SystemClock()).ensure()
    env = {
        "CLAIMS_DATA_DIR": str(tmp_path),
        "CLAIMS_DATABASE_URL": database_url,
        "CLAIMS_BROKER_URL": broker_url,
    }

    others = claims("serve", "--port", "0", env=env)
    worker = Service(Settings(data_dir=tmp_path), database_url, broker_url)
    with pytest.raises(UnusableServiceKeys, match="holds other keys"):
        worker.keep_log()
    worker.close()

    assert others.code == Exit.CONFIGURATION
    assert others.stderr.startswith(f"error: {folder} holds other keys than those that signed")
    assert others.stderr.count("\n") == 1
    for one in (tmp_path / "own").iterdir():
        one.replace(folder / one.name)
    with serving("serve", env=env) as url:
        assert httpx2.get(f"{url}/livez", trust_env=False, timeout=60).is_success

"""An installation with real claims does not start while something about it is too weak for them."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claims.runtime.production import NotForProduction, refuse_weak, weaknesses
from claims.runtime.settings import Settings
from signing.demo_pki import DemoPki

NOW = datetime.now(UTC)
STRONG = {
    "production": True,
    "database_url": "postgresql://claims@db.example/claims",
    "database_roles": True,
    "broker_url": "redis://:a-long-secret@broker.example:6379/0",
    "gateway_url": "https://gateway.example",
    "public_url": "https://ehoso.example",
    "trusted_proxies": "127.0.0.1/32",
    "signing_keys_passphrase": "correct horse battery",
}


@pytest.fixture
def not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 10001)


def settings(folder: Path, **others: object) -> Settings:
    folder.chmod(0o700)
    return Settings.model_validate(STRONG | {"data_dir": folder} | others)


def found(settings: Settings) -> list[str]:
    assert all(one.remedy for one in weaknesses(settings))
    return [one.what for one in weaknesses(settings)]


@pytest.mark.usefixtures("not_root")
def test_a_strong_installation_starts(tmp_path: Path) -> None:
    strong = settings(tmp_path)

    assert found(strong) == []
    refuse_weak(strong)


@pytest.mark.usefixtures("not_root")
@pytest.mark.parametrize(
    ("weak", "named"),
    [
        pytest.param({"database_url": None}, "CLAIMS_DATABASE_URL", id="embedded-servers"),
        pytest.param({"database_roles": False}, "CLAIMS_DATABASE_ROLES", id="one-database-role"),
        pytest.param({"broker_url": "redis://broker.example:6379/0"}, "CLAIMS_BROKER_URL", id="open-broker"),
        pytest.param({"gateway_url": "http://gateway.example"}, "CLAIMS_GATEWAY_URL", id="http-gateway"),
        pytest.param({"clock_skew_s": 3}, "CLAIMS_CLOCK_SKEW_S", id="wrong-clock"),
        pytest.param({"log_level": "DEBUG"}, "CLAIMS_LOG_LEVEL", id="debug-logs"),
        pytest.param({"public_url": "http://ehoso.example"}, "CLAIMS_PUBLIC_URL", id="no-tls"),
        pytest.param({"trusted_proxies": ""}, "CLAIMS_TRUSTED_PROXIES", id="no-proxies-named"),
        pytest.param({"trusted_proxies": "0.0.0.0/0"}, "CLAIMS_TRUSTED_PROXIES", id="everybody-a-proxy"),
        pytest.param(
            {"dropin": True, "dropin_certificate_header": "X-Verified"},
            "CLAIMS_DROPIN_NETWORKS",
            id="dropin-without-list",
        ),
        pytest.param(
            {"dropin": True, "dropin_networks": "0.0.0.0/1"}, "CLAIMS_DROPIN_NETWORKS", id="dropin-for-half"
        ),
        pytest.param({"webhook_networks": "::/0"}, "CLAIMS_WEBHOOK_NETWORKS", id="webhooks-anywhere"),
        pytest.param({"metrics_key": "short"}, "CLAIMS_METRICS_KEY", id="short-metrics-key"),
        pytest.param(
            {"metrics_port": 9100, "metrics_host": "0.0.0.0"},  # noqa: S104 - refused, not listened at
            "CLAIMS_METRICS_HOST",
            id="metrics-without-key",
        ),
    ],
)
def test_a_weak_setting_is_named(tmp_path: Path, weak: Mapping[str, object], named: str) -> None:
    weakened = settings(tmp_path, **weak)

    (what,) = found(weakened)

    assert named in what
    with pytest.raises(NotForProduction, match=named):
        refuse_weak(weakened)


@pytest.mark.usefixtures("not_root")
@pytest.mark.parametrize("file", ["seal.key", "evidence-keys/authority.pem", "keys/99001.toml"])
def test_a_key_file_that_others_may_read_is_named(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(bytes(32))
    path.chmod(0o640)

    assert found(settings(tmp_path)) == [f"others may read {path}"]


@pytest.mark.usefixtures("not_root")
def test_a_key_file_in_a_folder_that_others_may_write_to_is_named(tmp_path: Path) -> None:
    key = tmp_path / "secrets" / "seal.key"
    key.parent.mkdir()
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    key.parent.chmod(0o777)

    assert found(settings(tmp_path, sealing_key_file=key)) == [f"others may replace {key}"]


@pytest.mark.usefixtures("not_root")
def test_a_sealing_key_of_another_length_is_named(tmp_path: Path) -> None:
    (tmp_path / "seal.key").write_bytes(b"secret\n")
    (tmp_path / "seal.key").chmod(0o600)

    assert found(settings(tmp_path)) == [f"{tmp_path / 'seal.key'} is no key of 32 bytes"]


@pytest.mark.usefixtures("not_root")
def test_demo_keys_and_a_demo_authority_are_named(tmp_path: Path) -> None:
    pki = DemoPki.create(at=NOW)
    pki.write(tmp_path / "trust")
    (tmp_path / "keys").mkdir(mode=0o700)
    usual = tmp_path / "keys" / "99001.p12"
    other = tmp_path / "keys" / "99002.p12"
    begin, end = NOW - timedelta(days=1), NOW + timedelta(days=1)
    usual.write_bytes(pki.leaf("99001", valid_from=begin, valid_to=end).pkcs12)
    passphrase = str(STRONG["signing_keys_passphrase"])
    other.write_bytes(pki.leaf("99002", valid_from=begin, valid_to=end, passphrase=passphrase).pkcs12)
    for path in (usual, other):
        path.chmod(0o600)

    assert found(settings(tmp_path)) == [
        f"{usual} opens with no passphrase or a usual one",
        f"{other} is a demo key",
        f"{tmp_path / 'trust'} trusts a demo authority, whose key anybody has",
    ]


def test_the_superuser_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert found(settings(tmp_path)) == ["it runs as root"]


def test_what_does_not_say_that_it_holds_real_claims_starts_as_it_is(tmp_path: Path) -> None:
    refuse_weak(Settings(data_dir=tmp_path))

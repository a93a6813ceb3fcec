"""The doctor finds what is wrong and says what to do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from claims.exchange.registrations import Note, RegistrationChange, RegistrationEvent
from claims.exchange.submission import FacilityCode
from claims.runtime.doctor import Examined, examine
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.unit.authorities.web import Web, serving

NOW = datetime.now(UTC)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


@pytest.fixture
def environment(database_url: str, broker_url: str, tmp_path: Path, web: Web) -> dict[str, str]:
    """A healthy installation."""
    pki = DemoPki.create(at=NOW)
    pki.write(tmp_path / "trust")
    service = Service(Settings(data_dir=tmp_path), database_url, broker_url)
    service.facilities.add(FacilityCode("99001"), name="Thử", at=NOW)
    register(service, pki, timedelta(days=200))
    _ = service.gateway_accounts  # makes the sealing key
    service.close()
    return {
        "CLAIMS_DATA_DIR": str(tmp_path),
        "CLAIMS_DATABASE_URL": database_url,
        "CLAIMS_BROKER_URL": broker_url,
        "CLAIMS_GATEWAY_URL": web.url(""),
    }


def register(service: Service, pki: DemoPki, lasts: timedelta) -> None:
    key = pki.leaf("99001", valid_from=NOW - timedelta(days=1), valid_to=NOW + lasts)
    event = RegistrationEvent(
        RegistrationChange.REGISTERED, NOW - timedelta(hours=1), NOW, Note("test", "test")
    )
    service.registrations.add(FacilityCode("99001"), key.certificate.public_bytes(Encoding.DER), event)


def look(environment: dict[str, str], **others: str) -> list[Examined]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environment | others).items():
            patch.setenv(name, value)
        return list(examine())


def faults(examined: list[Examined]) -> dict[str, str]:
    assert all(one.remedy for one in examined if not one.is_fine)
    return {one.name: one.detail for one in examined if not one.is_fine}


def test_a_healthy_installation_has_no_fault(environment: dict[str, str]) -> None:
    examined = look(environment)

    assert faults(examined) == {}
    assert [one.name for one in examined] == [
        "settings",
        "database",
        "months",
        "clock",
        "broker",
        "work",
        "certificates",
        "gateway",
        "gateway's clock",
        "trust",
        "keys",
        "production",
        "disk",
    ]


def test_a_stopped_broker_a_missing_migration_and_a_silent_gateway_are_found(
    environment: dict[str, str], database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")

    examined = look(
        environment, CLAIMS_BROKER_URL="redis://127.0.0.1:9/0", CLAIMS_GATEWAY_URL="http://127.0.0.1:9"
    )

    assert faults(examined).keys() == {"database", "broker", "gateway", "gateway's clock"}
    assert "run `claims migrate`" in {one.remedy for one in examined}


@pytest.mark.parametrize(("state", "role"), [("received", "check"), ("checked", "deliver")])
def test_work_that_nobody_takes_is_found(
    environment: dict[str, str], database_url: str, state: str, role: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO submission "
            "(id, facility, sha256, size, received_at, updated_at, next_attempt_at, state) "
            "SELECT 'sub_1', '99001', '', 0, at, at, at, %s FROM (SELECT now() - interval '6 min') AS t (at)",
            [state],
        )

    examined = look(environment)

    assert faults(examined) == {"work": f"1 submission(s) wait for the step {role}, the first for 6 minutes"}
    (remedy,) = (one.remedy for one in examined if not one.is_fine)
    assert f"`claims worker --role {role}`" in remedy


def test_a_certificate_that_ends_soon_is_found(
    environment: dict[str, str], database_url: str, broker_url: str, tmp_path: Path
) -> None:
    service = Service(Settings(data_dir=tmp_path), database_url, broker_url)
    register(service, DemoPki.create(at=NOW), timedelta(days=10))
    service.close()

    found = faults(look(environment))

    assert found.keys() == {"certificates"}
    assert "1 of 2" in found["certificates"]


def test_a_gateway_whose_clock_is_an_hour_ahead_is_found(environment: dict[str, str], web: Web) -> None:
    ahead = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    web.date = ahead

    found = faults(look(environment))

    assert found.keys() == {"gateway's clock"}
    assert "+36" in found["gateway's clock"] or "+35" in found["gateway's clock"]


@pytest.mark.parametrize(
    "url", ["https://h:abc", "https://h:99999", f"https://{'h' * 70}.example", "https://["]
)
def test_an_address_of_the_gateway_that_is_none_is_found(environment: dict[str, str], url: str) -> None:
    found = faults(look(environment, CLAIMS_GATEWAY_URL=url))

    assert found.keys() == {"gateway", "gateway's clock"}
    assert "no address" in found["gateway"]


def test_key_files_that_others_may_read_are_found(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "seal.key").chmod(0o644)

    examined = look(environment)

    assert faults(examined).keys() == {"keys"}
    assert f"chmod 600 {tmp_path / 'seal.key'}" in {one.remedy for one in examined}


def test_a_setting_that_makes_no_sense_is_found_first(environment: dict[str, str]) -> None:
    examined = look(environment, CLAIMS_GATEWAY_TIMEOUT="1")

    assert faults(examined) == {"settings": "CLAIMS_GATEWAY_TIMEOUT is not a setting"}

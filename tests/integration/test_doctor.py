"""The doctor finds what is wrong and says what to do."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.parse import urlsplit

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from claims.exchange.ports import Account
from claims.exchange.registrations import Note, RegistrationChange, RegistrationEvent
from claims.exchange.submission import FacilityCode
from claims.runtime.clock import SystemClock
from claims.runtime.doctor import Examined, examine
from claims.runtime.service_keys import FolderOfServiceKeys
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from claims.storage.migrations import NewerDatabase, upgrade
from signing.demo_pki import DemoPki
from tests.unit.authorities.web import Web, serving

# What they ask a database is asked by others too, but where it says otherwise.
pytestmark = pytest.mark.any_server

NOW = datetime.now(UTC)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        web.offer("/api/token/take", b'{"maKetQua": "401"}', "application/json")
        yield web


@pytest.fixture
def environment(database_url: str, broker_url: str, tmp_path: Path, web: Web, pki: DemoPki) -> dict[str, str]:
    """A healthy installation."""
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


@pytest.fixture
def service(
    environment: dict[str, str], database_url: str, broker_url: str, tmp_path: Path
) -> Iterator[Service]:
    """The installation's own doing, for whoever changes something about it."""
    del environment  # made first
    service = Service(Settings(data_dir=tmp_path), database_url, broker_url)
    yield service
    service.close()


def register(
    service: Service,
    pki: DemoPki,
    lasts: timedelta,
    *,
    facility: str = "99001",
    begins: timedelta = timedelta(days=-1),
) -> None:
    key = pki.leaf(
        facility,
        valid_from=NOW + begins,
        valid_to=NOW + lasts,
        key=ec.generate_private_key(ec.SECP256R1()),
    )
    event = RegistrationEvent(
        RegistrationChange.REGISTERED, NOW - timedelta(hours=1), NOW, Note("test", "test")
    )
    service.registrations.add(FacilityCode(facility), key.certificate.public_bytes(Encoding.DER), event)


def look(environment: dict[str, str], **others: str) -> list[Examined]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (environment | others).items():
            patch.setenv(name, value)
        return list(examine())


def wrong(examined: list[Examined]) -> list[Examined]:
    # What is known of the days off ends some day; a test of its own looks at that.
    return [one for one in examined if not one.is_fine and one.name != "calendar"]


def faults(examined: list[Examined]) -> dict[str, str]:
    assert all(one.remedy for one in examined if not one.is_fine)
    return {one.name: one.detail for one in wrong(examined)}


def test_a_healthy_installation_has_no_fault(environment: dict[str, str]) -> None:
    examined = look(environment)

    assert faults(examined) == {}
    assert [one.name for one in examined] == [
        "settings",
        "files",
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
        "stored",
        "production",
        "disk",
        "calendar",
    ]


@pytest.mark.this_server
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


@pytest.mark.this_server
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
    (remedy,) = (one.remedy for one in wrong(examined))
    assert f"`claims worker --role {role}`" in remedy


@pytest.mark.this_server
def test_a_log_that_nobody_keeps_is_found(environment: dict[str, str], database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO submission (id, facility, sha256, size, received_at, updated_at, state) "
            "VALUES ('sub_1', '99001', '', 0, now(), now(), 'acknowledged')"
        )
        connection.execute(
            "INSERT INTO event (submission_id, facility, at, kind, state, actor) "
            "SELECT 'sub_1', '99001', now() - interval '7 min', 'received', 'received', 'x'"
        )

    examined = look(environment)

    assert faults(examined) == {"work": "since 7 minutes no evidence is made of what happens"}


def test_a_facility_whose_last_certificate_ends_soon_is_found(
    environment: dict[str, str], service: Service
) -> None:
    service.facilities.add(FacilityCode("99002"), name="Thử", at=NOW)
    register(service, DemoPki.create(at=NOW), timedelta(days=10), facility="99002")

    found = faults(look(environment))

    assert found.keys() == {"certificates"}
    assert found["certificates"].startswith("1 of 2 facilities")


def test_a_facility_whose_only_certificate_is_not_valid_yet_is_found(
    environment: dict[str, str], service: Service
) -> None:
    service.facilities.add(FacilityCode("99002"), name="Thử", at=NOW)
    pki = DemoPki.create(at=NOW)
    register(service, pki, timedelta(days=400), facility="99002", begins=timedelta(days=2))

    found = faults(look(environment))

    assert found.keys() == {"certificates"}
    assert found["certificates"].startswith("1 of 2 facilities have none that is valid yet, the first from ")
    register(service, pki, timedelta(days=60), facility="99002")
    assert faults(look(environment)) == {}


def test_an_anchor_that_is_not_valid_yet_is_found(environment: dict[str, str], tmp_path: Path) -> None:
    DemoPki.create(at=NOW + timedelta(days=40)).write(tmp_path / "trust")

    found = faults(look(environment))

    assert found.keys() == {"trust"}
    assert found["trust"].startswith("an anchor is not valid before ")


@pytest.mark.parametrize("page", [b"<html>maintenance</html>", b"[]", b'{"status": "up"}', b""])
def test_a_gateway_that_answers_something_else_is_none(
    environment: dict[str, str], web: Web, page: bytes
) -> None:
    web.offer("/api/token/take", page, "text/html" if page.startswith(b"<") else "application/json")

    found = faults(look(environment))

    assert found.keys() == {"gateway"}
    assert "answers a sign-in with status 200" in found["gateway"]
    assert ("a web page" in found["gateway"]) == page.startswith(b"<")


def test_a_gateway_whose_answer_never_ends_is_none(environment: dict[str, str]) -> None:
    class Endless(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"HTTP/1.0 200 OK\r\nDate: Mon, 30 Nov 2026 08:00:00 GMT\r\n\r\n")
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b'{"maKetQua": "401"}' * 1_000)

    with ThreadingTCPServer(("127.0.0.1", 0), Endless) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"

        found = faults(look(environment, CLAIMS_GATEWAY_URL=url))
        server.shutdown()

    assert "answers a sign-in with status 200 and something else" in found["gateway"]


def test_a_certificate_that_has_its_successor_may_end(environment: dict[str, str], service: Service) -> None:
    register(service, DemoPki.create(at=NOW), timedelta(hours=-1))

    assert faults(look(environment)) == {}


def test_a_password_that_the_database_does_not_take_is_told_once_and_is_not_repeated(
    environment: dict[str, str], database_url: str
) -> None:
    address = urlsplit(database_url)
    nobody = address._replace(netloc=f"nobody:s3cret@{address.netloc.rpartition('@')[2]}")

    found = faults(look(environment, CLAIMS_DATABASE_URL=nobody.geturl()))

    assert found.keys() == {"database"}
    assert 'role "nobody" does not exist' in found["database"]
    assert "s3cret" not in str(found)


def test_a_password_that_the_broker_does_not_take_is_told_and_is_not_repeated(
    environment: dict[str, str],
) -> None:
    class Refusing(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline():
                self.wfile.write(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        address = f"redis://:secret@127.0.0.1:{server.server_address[1]}/0"

        examined = look(environment, CLAIMS_BROKER_URL=address)
        server.shutdown()

    assert "invalid username-password pair" in faults(examined)["broker"]
    assert "secret" not in str(examined)


@pytest.mark.this_server
def test_a_database_of_a_newer_version_is_not_to_be_migrated(
    environment: dict[str, str], database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    examined = look(environment)

    assert faults(examined).keys() == {"database"}
    (remedy,) = (one.remedy for one in wrong(examined))
    assert "migrate" not in remedy
    with pytest.raises(NewerDatabase):
        upgrade(database_url)


def test_addresses_of_servers_that_are_none_are_found_and_not_repeated(environment: dict[str, str]) -> None:
    examined = look(
        environment, CLAIMS_DATABASE_URL="mysql://x:s3cret@h/d", CLAIMS_BROKER_URL="kafka://:s3cret@h"
    )

    found = faults(examined)
    assert found.keys() == {"settings"}
    assert found["settings"].count("no address such as") == 2
    assert "s3cret" not in found["settings"]


def test_a_data_folder_that_cannot_be_written_is_found(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    found = faults(look(environment, CLAIMS_DATA_DIR=str(tmp_path / "file")))

    assert "cannot be written" in found["disk"]


def test_a_sealing_key_of_another_installation_is_found(
    environment: dict[str, str], service: Service, tmp_path: Path
) -> None:
    service.gateway_accounts.put(FacilityCode("99001"), Account("99001_BV", "0" * 32))
    (tmp_path / "seal.key").write_bytes(bytes(32))

    found = faults(look(environment))

    assert found == {
        "stored": f"{tmp_path / 'seal.key'} is another key than the one that sealed what is stored"
    }


@pytest.mark.this_server
def test_a_master_key_that_is_not_here_is_found(
    environment: dict[str, str], service: Service, database_url: str
) -> None:
    service.receive(b"<x/>", facility=FacilityCode("99001"), actor="test")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE data_key SET master = '20260101T000000Z'")

    found = faults(look(environment))

    assert found.keys() == {"stored"}
    assert "no master key 20260101T000000Z" in found["stored"]


def test_service_keys_that_are_lost_or_others_are_found_and_none_are_made(
    environment: dict[str, str], service: Service, tmp_path: Path
) -> None:
    service.receive(b"<x/>", facility=FacilityCode("99001"), actor="test")
    service.keep_log()
    folder = tmp_path / "evidence-keys"
    folder.rename(tmp_path / "away")

    lost = faults(look(environment))
    assert lost.keys() == {"stored"}
    assert "holds no key" in lost["stored"]
    assert not folder.exists()

    FolderOfServiceKeys(folder, SystemClock()).ensure()
    others = faults(look(environment))
    assert others.keys() == {"stored"}
    assert service.service_keys.current().key_id in others["stored"]


def test_a_gateway_whose_clock_is_an_hour_ahead_is_found(environment: dict[str, str], web: Web) -> None:
    ahead = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    web.date = ahead

    found = faults(look(environment))

    assert found.keys() == {"gateway's clock"}
    assert "+36" in found["gateway's clock"] or "+35" in found["gateway's clock"]


def test_an_address_of_the_gateway_that_no_server_has_is_found(environment: dict[str, str]) -> None:
    found = faults(look(environment, CLAIMS_GATEWAY_URL=f"https://{'h' * 70}.example"))

    assert found == {"settings": "CLAIMS_GATEWAY_URL: no address such as https://example.vn"}


def test_files_and_folders_that_settings_name_and_that_are_not_there_are_found(
    environment: dict[str, str], tmp_path: Path
) -> None:
    found = faults(
        look(
            environment,
            CLAIMS_CATALOGUE_FOLDER=str(tmp_path / "lists"),
            CLAIMS_REVIEW_POLICY=str(tmp_path / "seal.key"),
            CLAIMS_BATCH_DIR="/proc/batches",
        )
    )

    assert found == {
        "files": f"not there, or not to be used: CLAIMS_CATALOGUE_FOLDER={tmp_path / 'lists'}",
        "disk": "/proc/batches cannot be written: No such file or directory",
    }


def test_master_keys_that_wrap_nothing_now_are_found(environment: dict[str, str]) -> None:
    found = faults(
        look(
            environment,
            CLAIMS_CONTENT_KEYS_IN="service",
            CLAIMS_CONTENT_KEYS_URL="http://127.0.0.1:9/v1/transit",
            CLAIMS_CONTENT_KEYS_SECRET="x",
        )
    )

    assert found == {"stored": "the master keys cannot be used now (the key service cannot be reached)"}


def test_a_store_of_archives_that_cannot_be_read_is_found(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "out").touch()
    given = {"CLAIMS_TIMESTAMP_URLS": "http://tsa.example.vn"}

    fine = faults(look(environment | given, CLAIMS_ARCHIVE_STORE=str(tmp_path / "archives")))
    found = faults(look(environment | given, CLAIMS_ARCHIVE_STORE=str(tmp_path / "out")))

    assert fine == {}
    assert found.keys() == {"archives"}


def test_key_files_that_others_may_read_are_found(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "seal.key").chmod(0o644)

    examined = look(environment)

    assert faults(examined).keys() == {"keys"}
    assert f"chmod 600 {tmp_path / 'seal.key'}" in {one.remedy for one in examined}


def test_a_signing_key_that_does_not_open_is_found(environment: dict[str, str], tmp_path: Path) -> None:
    key = DemoPki.create(at=NOW).leaf("99001", valid_from=NOW, valid_to=NOW + timedelta(days=9))
    path = tmp_path / "keys" / "99001.p12"
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_bytes(key.pkcs12)

    right = look(environment, CLAIMS_SIGNING_KEYS_PASSPHRASE="demo")
    wrong = look(environment, CLAIMS_SIGNING_KEYS_PASSPHRASE="s3cret")

    assert faults(right) == {}
    assert faults(wrong).keys() == {"keys"}
    assert faults(wrong)["keys"].startswith(f"{path} cannot be used: ")
    assert "s3cret" not in str(wrong)


def test_a_setting_that_makes_no_sense_is_found_first(environment: dict[str, str]) -> None:
    examined = look(environment, CLAIMS_GATEWAY_TIMEOUT="1")

    assert faults(examined) == {"settings": "CLAIMS_GATEWAY_TIMEOUT is not a setting"}


@pytest.mark.parametrize(("day", "is_fine"), [(date(2027, 11, 30), True), (date(2027, 12, 1), False)])
def test_that_no_days_off_are_known_is_said_a_month_before(
    environment: dict[str, str], day: date, is_fine: bool
) -> None:
    noon = datetime.combine(day, time(12), UTC)
    skew_s = (noon - datetime.now(UTC)).total_seconds()

    (calendar,) = (
        one for one in look(environment, CLAIMS_CLOCK_SKEW_S=str(skew_s)) if one.name == "calendar"
    )

    assert (calendar.is_fine, "2028" in calendar.detail) == (is_fine, not is_fine)

"""Archives are handed over to an S3-compatible store in a process of its own, and to a folder alike."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from claims.cli.output import Exit
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.proof.verification import verify_archive
from claims.runtime.archive_store import ArchiveStore, ArchiveStoreFailed, open_archives
from claims.runtime.renewing import CURSOR
from claims.runtime.wiring import Service
from claims.storage.store_address import UnusableStoreAddress
from signing.trust import TrustStore
from tests.integration.command import claims
from tests.integration.conftest import archived

pytestmark = pytest.mark.any_server

BUCKET = "claims"
ADDRESS = f"s3://{BUCKET}/handed/over"
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"
KEY_ID = "AKIAWORDSFORATEST"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3-compatible server in a process of its own, with one bucket."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    log = tmp_path_factory.mktemp("s3") / "log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _make_bucket(f"{url}/{BUCKET}")
            yield url
        finally:
            process.terminate()


def _make_bucket(address: str) -> None:
    for _ in range(1200):
        try:
            urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(address)


@pytest.fixture
def environment(endpoint: str) -> Mapping[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }


@pytest.fixture(params=["folder", "s3"])
def store(
    request: pytest.FixtureRequest,
    environment: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ArchiveStore:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return open_archives(str(tmp_path / "out") if request.param == "folder" else f"{ADDRESS}/{tmp_path.name}")


def test_what_is_written_is_read_again_and_named(store: ArchiveStore) -> None:
    store.write("2026/11/29/a.asice", b"one")
    store.write("2026/11/29/b.asice", b"x" * 12_000_000)
    store.write("2026/11/30/c.asice", b"three")
    store.write("2026/11/29/a.asice", b"another")

    assert store.read("2026/11/29/a.asice") == b"another"
    assert store.read("2026/11/29/b.asice") == b"x" * 12_000_000
    assert store.read("2026/11/29/none.asice") is None
    assert set(store.names(under="2026/11/29")) == {"2026/11/29/a.asice", "2026/11/29/b.asice"}
    assert set(store.names(after="2026/11/29/a.asice")) == {"2026/11/29/b.asice", "2026/11/30/c.asice"}
    assert set(store.names(under="2026/12/01")) == set()


def _submissions(service: Service, count: int) -> list[SubmissionId]:
    """Return submissions that were rejected, with their evidence in the log."""
    ids = [
        service.receive(
            f"no xml {number}".encode(), facility=FacilityCode("99001"), actor="test"
        ).submission.id
        for number in range(count)
    ]
    service.check(ids)
    assert all(archived(service, one) for one in ids)
    return ids


def _of(service: Service) -> dict[str, str]:
    return {
        "CLAIMS_DATA_DIR": str(service.settings.data_dir),
        "CLAIMS_DATABASE_URL": service.database_url,
        "CLAIMS_BROKER_URL": service.broker_url,
    }


@pytest.mark.slow
def test_an_export_to_s3_that_was_killed_goes_on(
    service: Service, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ids = _submissions(service, 12)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    trust = TrustStore(anchors=[], service_anchors=[service.service_keys.chain()[-1]])
    for attempt in range(9):  # it may be done before this process sees how far it is
        to = f"{ADDRESS}/{tmp_path.name}-{attempt}"
        store = open_archives(to)
        command = [sys.executable, "-m", "claims", "export", "--since", "2020-01-01", "--to", to]
        with subprocess.Popen(command, env=os.environ | _of(service), stderr=subprocess.DEVNULL) as process:
            while len(list(store.names())) < 2 and process.poll() is None:
                time.sleep(0.01)
            process.kill()
        before = {name: store.read(name) or b"" for name in store.names()}
        if len(before) < 12:
            break
    again = claims("export", "--since", "2020-01-01", "--to", to, "--json", env=_of(service))

    assert 2 <= len(before) < 12
    assert again.code == Exit.FINE, again.stderr
    written = {line["file"] for line in again.lines}
    # What was there is left alone, but for what was written and not noted yet when it was killed.
    assert len(written & before.keys()) <= 1
    assert {name.rpartition("/")[2] for name in store.names()} == {f"{one}.asice" for one in ids}
    for name in store.names():
        data = store.read(name) or b""
        assert verify_archive(data, trust=trust, at=service.clock.now()).holds
        assert before.get(name, data) == data


def test_stored_archives_on_s3_are_gone_through_by_the_renewal(
    service: Service, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    to = f"{ADDRESS}/{tmp_path.name}"
    (one,) = _submissions(service, 1)
    open_archives(to).write(f"2026/{one}.asice", service.archive(one, within=EVERYWHERE))
    service.settings = service.settings.model_copy(
        update={"archive_store": to, "timestamp_urls": "https://tsa.example.vn"}
    )
    service.__dict__.pop("timestamp_authority", None)
    assert service.renew_stored is not None

    assert service.renew_stored() == 0
    assert open_archives(to).read(CURSOR) == b""


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        pytest.param({}, "s3://no-such-bucket/x", "the store answers NoSuchBucket", id="no-bucket"),
        pytest.param({"AWS_ALLOW_HTTP": "false"}, ADDRESS, "does not answer", id="http-is-not-allowed"),
    ],
)
def test_a_store_that_fails_is_named_and_no_secret_is(
    service: Service, environment: Mapping[str, str], changed: Mapping[str, str], to: str, said: str
) -> None:
    _submissions(service, 1)

    done = claims(
        "export", "--since", "2020-01-01", "--to", to, env=_of(service) | dict(environment) | dict(changed)
    )

    assert done.code == Exit.UNREACHABLE, done.stderr
    assert f"lỗi: {to}: " in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
    assert KEY_ID not in done.stderr


@pytest.mark.parametrize(
    "address",
    [
        f"s3://{KEY_ID}:{SECRET}@{BUCKET}/x",
        f"s3://{BUCKET}/x?secret={SECRET}",
        f"https://{BUCKET}.example/{SECRET}",
        "gs://bucket/x",
        "file:///etc",
        "s3://",
        "",
        " ",
    ],
)
def test_an_address_that_is_none_or_holds_credentials_is_refused(address: str) -> None:
    with pytest.raises(UnusableStoreAddress) as caught:
        open_archives(address)

    assert SECRET not in str(caught.value)
    assert "AWS_" in str(caught.value)


def test_a_store_is_known_again_however_it_is_spelled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = {open_archives(each).fingerprint for each in ("out", "./out/", str(tmp_path / "out"))}
    buckets = {open_archives(each).fingerprint for each in (ADDRESS, f"{ADDRESS}/")}

    assert (len(folders), len(buckets)) == (1, 1)


def test_a_facility_that_nobody_registered_hands_nothing_over(service: Service, tmp_path: Path) -> None:
    done = claims(
        "export", "--since", "2020-01-01", "--to", tmp_path / "out", "--facility", "9901", env=_of(service)
    )

    assert (done.code, "cơ sở 9901 chưa được đăng ký" in done.stderr) == (Exit.BLOCKED, True), done.stderr


def test_a_folder_that_takes_no_file_says_which_and_why(tmp_path: Path) -> None:
    store = open_archives(str(tmp_path))
    (tmp_path / "2026").mkdir()
    (tmp_path / "2026" / "a.asice").mkdir()
    (tmp_path / "2027").write_bytes(b"a file")

    with pytest.raises(ArchiveStoreFailed, match=r"/2026/a\.asice: Is a directory"):
        store.write("2026/a.asice", b"x")
    with pytest.raises(ArchiveStoreFailed, match=r"/2027/a\.asice: Not a directory"):
        store.write("2027/a.asice", b"x")

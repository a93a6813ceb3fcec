"""The commands of proof as a person runs them: receipts, audits, archives; and renewal by schedule."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest

from claims.api.app import create_app
from claims.cli.output import Exit
from claims.exchange.access.access_log import AccessKind
from claims.exchange.submission import FacilityCode
from claims.proof.keys import Authority, by_key_id, key_set
from claims.proof.records import AcceptanceReceipt, TreeHead
from claims.proof.renewal import ends_at
from claims.proof.tokens import ServiceKey
from claims.runtime.archive_store import open_archives
from claims.runtime.clock import SystemClock
from claims.runtime.renewing import CURSOR, RenewStored, rotate_in_time
from claims.runtime.service_keys import FolderOfServiceKeys
from claims.runtime.wiring import Service
from signing.certificates import to_pem
from tests.archives import an_archive
from tests.fakes import NOON, SetClock
from tests.in_process import TestClient
from tests.integration.command import claims, serving
from tests.integration.conftest import archived, keep
from tests.integration.test_api import ALL_SCOPES, XML, key
from tests.served import on_loopback
from tests.unit.authorities.web import serving as serve_web

pytestmark = pytest.mark.any_server


@pytest.fixture
def environment(service: Service) -> Mapping[str, str]:
    return {
        "CLAIMS_DATA_DIR": str(service.settings.data_dir),
        "CLAIMS_DATABASE_URL": service.database_url,
        "CLAIMS_BROKER_URL": service.broker_url,
    }


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A time-stamping authority over HTTP, and the folder of trust that knows it."""
    folder = tmp_path_factory.mktemp("tsa") / "pki"
    made = claims("keys", "new-demo-pki", folder, "--facility", "99001")
    assert made.code == Exit.FINE, made.stderr
    with serving("mock-tsa", "--folder", folder) as url:
        yield folder / "trust", url


def archive_of(service: Service, folder: Path) -> Path:
    """Write the archive of a submission that was rejected."""
    submission = service.receive(b"<bundle/>", facility=FacilityCode("99001"), actor="test").submission.id
    service.check([submission])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{submission}.asice"
    path.write_bytes(archived(service, submission))
    return path


def trust_both(service: Service, tsa_trust: Path) -> None:
    """Trust the service's own certificate and the time-stamping authority of the test."""
    own = service.settings.trust_folder
    (own / "service").mkdir(exist_ok=True)
    (own / "service" / "service.pem").write_bytes(to_pem(service.service_keys.chain()[-1]))
    for folder in ("tsa", "intermediates", "crls"):
        (own / folder).mkdir(exist_ok=True)
        for file in (tsa_trust / folder).glob("*"):
            (own / folder / f"demo-{file.name}").write_bytes(file.read_bytes())
    for file in (tsa_trust / "anchors").glob("*"):
        (own / "tsa" / f"anchor-{file.name}").write_bytes(file.read_bytes())


def test_a_receipt_is_verified_offline(client: TestClient, service: Service, tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    answer.write_bytes(
        client.post("/v1/submissions", content=b"<bundle/>", headers=key(service) | XML).content
    )
    keys, bundle, other = tmp_path / "keys.json", tmp_path / "b.xml", tmp_path / "o.xml"
    keys.write_bytes(client.get("/v1/evidence/keys").content)
    bundle.write_bytes(b"<bundle/>")
    other.write_bytes(b"<other/>")

    good = claims("receipt", "verify", answer, "--key", keys, "--bundle", bundle, "--json")
    wrong = claims("receipt", "verify", answer, "--key", keys, "--bundle", other, "--language", "en")
    in_vietnamese = claims("receipt", "verify", answer, "--key", keys, "--bundle", other)

    assert (good.code, good.lines[0]["facility"]) == (Exit.FINE, "99001"), good.stderr
    assert (wrong.code, "for another bundle" in wrong.stderr) == (Exit.BLOCKED, True)
    assert (in_vietnamese.code, "cho tệp khác" in in_vietnamese.stderr) == (Exit.BLOCKED, True)


def test_of_a_receipt_that_does_not_hold_is_told_why(tmp_path: Path) -> None:
    authority = Authority.create(at=NOON)
    own, other = authority.issue(at=NOON), authority.issue(at=NOON)
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(key_set(by_key_id([own.certificate]), own.chain)))
    receipt = AcceptanceReceipt("sub_1", "99001", "ab" * 32, 7, NOON)
    posing = ServiceKey(own.certificate, other.private_key)

    def told(given: bytes) -> tuple[int, object]:
        verified = claims("receipt", "verify", "-", "--key", keys, "--json", stdin=given)
        return verified.code, verified.lines[0].get("code")

    for written in (
        receipt.sign(own),
        f'"{receipt.sign(own)}"\n',
        f'{{"signed_receipt":"{receipt.sign(own)}"}}',
    ):
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            assert told(written.encode(encoding)) == (Exit.FINE, None)
    assert told(receipt.sign(posing).encode()) == (Exit.BLOCKED, "receipt.changed")
    assert told(receipt.sign(other).encode()) == (Exit.BLOCKED, "receipt.unknown_key")
    head = TreeHead(1, bytes(32), NOON, None).sign(own)
    for none in (b"", b"\xff", b"{}", b'{"signed_receipt":NaN}', b'{"a":' + b"[" * 100_000, head.encode()):
        assert told(none) == (Exit.BLOCKED, "receipt.none")


@pytest.mark.slow
def test_the_log_is_audited_by_a_command(
    client: TestClient, service: Service, environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "head").write_bytes(b"\xff\xfe no head")
    client.post("/v1/submissions", content=b"<bundle/>", headers=key(service) | XML)
    keep(service.keep_log, 1)

    good = claims("log", "audit", env=environment)
    mistaken = claims("log", "audit", "--head", tmp_path / "head", env=environment)
    client.post("/v1/submissions", content=b"<another/>", headers=key(service) | XML)
    early = claims("log", "audit", "--language", "en", env=environment)
    with service.pool.connection() as connection:
        connection.execute("UPDATE submission SET size = size + 1")
    bad = claims("log", "audit", "--language", "en", "--json", env=environment)

    assert (good.code, "Không có gì bị sửa" in good.stderr) == (Exit.FINE, True), good.stderr
    assert "chưa được đối chiếu" not in good.stderr
    assert (early.code, "were not compared: 1;" in early.stderr) == (Exit.FINE, True), early.stderr
    assert (mistaken.code, f"{tmp_path / 'head'} is no head" in mistaken.stderr) == (Exit.USAGE, True)
    assert bad.code == Exit.BLOCKED
    assert {line["code"] for line in bad.lines} == {"submission.changed", "submission_body.changed"}
    assert "the submission was changed" in bad.stderr


def test_an_archive_that_is_not_there_keeps_none_of_the_others_back(service: Service, tmp_path: Path) -> None:
    there = archive_of(service, tmp_path / "expected")
    secret = service.issue_key(facility=FacilityCode("99001"), scopes=ALL_SCOPES, label="test")
    (tmp_path / "key").write_text(secret)
    nowhere = "sub_01KASWY1C4R4T9QZ3R5J8M2X6B"

    with on_loopback(create_app(service), ws="none", lifespan="on") as url:
        done = claims(
            "archive",
            "export",
            nowhere,
            there.stem,
            "--output",
            tmp_path / "out",
            "--url",
            url,
            "--key-file",
            tmp_path / "key",
            "--json",
        )

    fetched = tmp_path / "out" / there.name
    assert (done.code, f"{nowhere}: " in done.stderr) == (Exit.BLOCKED, True), done.stderr
    assert done.lines == [{"id": nowhere, "file": None}, {"id": there.stem, "file": str(fetched)}]
    assert fetched.read_bytes() == there.read_bytes()


def _always(answer: tuple[int, dict[str, str], bytes], _body: bytes) -> tuple[int, dict[str, str], bytes]:
    return answer


def test_no_refusal_of_one_archive_keeps_the_others_back(tmp_path: Path) -> None:
    refusals = {
        f"sub_{status}": (status, {"Content-Type": "application/problem+json"}, said)
        for status, said in (
            (403, b'{"code": "x", "title": "Not yours", "retryable": false}'),
            (409, b'{"code": "x", "title": "Not as things stand", "retryable": false}'),
            (410, b"<html>gone</html>"),
            (500, b'{"code": "x", "title": "Failed", "retryable": false}'),
            (503, b'{"code": "x", "title": "Not in the log yet", "retryable": true}'),
        )
    }
    (tmp_path / "key").write_text("ehs_x_y")

    with serve_web() as web:
        for name, answer in refusals.items():
            web.answers[f"/v1/submissions/{name}/archive"] = partial(_always, answer)
        web.offer("/v1/submissions/sub_last/archive", b"whole", "application/vnd.etsi.asic-e+zip")
        options = ("--output", tmp_path / "out", "--url", web.url(""), "--key-file", tmp_path / "key")
        done = claims("archive", "export", *refusals, "sub_last", *options, "--json")

    assert done.code == Exit.BLOCKED, done.stderr
    assert [line["file"] is None for line in done.lines] == [True] * 5 + [False]
    for said in (
        "sub_403: Not yours",
        "sub_409: Not as things stand",
        "sub_410: http",
        "sub_500: Failed",
    ):
        assert said in done.stderr
    assert "Not in the log yet" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sub_last.asice"]


def test_an_archive_is_verified_and_renewed_by_commands(
    service: Service,
    authority: tuple[Path, str],
    tmp_path: Path,
    environment: Mapping[str, str],
) -> None:
    path = archive_of(service, tmp_path / "out")
    tsa_trust, url = authority
    trust_both(service, tsa_trust)
    trust = service.settings.trust_folder
    page = tmp_path / "page.html"

    before = ends_at(path.read_bytes())
    early = claims(
        "archive",
        "renew",
        path,
        "--tsa",
        url,
        "--trust",
        trust,
        "--ending-within-days",
        "30",
        env=environment,
    )
    kept = path.read_bytes()
    renewed = claims("archive", "renew", path, "--tsa", url, "--trust", trust, env=environment)
    verified = claims(
        "archive", "verify", path, "--trust", trust, "--report", "html", "--output", page, "--json"
    )
    path.write_bytes(path.read_bytes().replace(b"<bundle/>", b"<Bundle/>"))
    broken = claims("archive", "verify", path, "--trust", trust, "--language", "en")

    assert (early.code, ends_at(kept)) == (Exit.FINE, before)
    assert renewed.code == Exit.FINE, renewed.stderr
    assert (verified.code, verified.lines[0]["holds"]) == (Exit.FINE, True), verified.stderr
    assert verified.lines[0]["facts"]["signature_level"] == "B-LTA"
    assert "<html" in page.read_text("utf-8")
    assert broken.code == Exit.BLOCKED
    assert "CANNOT be relied on" in broken.stderr
    assert "bundle.xml: what this file contains was changed or damaged (container.checksum)" in broken.stderr
    assert "9 further questions cannot be asked" in broken.stderr


@pytest.mark.parametrize(
    ("content", "vi", "en"),
    [
        pytest.param(b"", "đây không phải hồ sơ lưu trữ", "no archive", id="empty"),
        pytest.param(b"<bundle/>", "đây không phải hồ sơ lưu trữ", "no archive", id="a-bundle"),
        pytest.param(an_archive().data[:9_000], "tệp bị cắt cụt", "the end is cut off", id="cut-off"),
        pytest.param(
            an_archive().data[:-300], "tệp bị cắt cụt", "the end is cut off", id="its-directory-cut-off"
        ),
        pytest.param(an_archive().data, "service/", "put the service's into service/", id="others-trusted"),
    ],
)
def test_what_is_no_archive_or_nobodys_is_said_in_words(
    service: Service, content: bytes, vi: str, en: str
) -> None:
    trust = service.settings.trust_folder

    said = [
        claims("archive", "verify", "-", "--trust", trust, "--language", language, stdin=content)
        for language in ("vi", "en")
    ]

    assert [each.code for each in said] == [Exit.BLOCKED, Exit.BLOCKED]
    assert vi in said[0].stderr, said[0].stderr
    assert en in said[1].stderr, said[1].stderr


def test_nothing_to_verify_is_not_taken_for_all_is_well(service: Service, tmp_path: Path) -> None:
    trust, empty, huge = service.settings.trust_folder, tmp_path / "empty", tmp_path / "huge.asice"
    empty.mkdir()
    with huge.open("wb") as file:
        file.truncate(3 << 30)

    none = claims("archive", "verify", empty, "--trust", trust, "--language", "en")
    both = claims(
        "archive", "verify", tmp_path / "gone", huge, "--trust", trust, "--language", "en", "--json"
    )

    assert (none.code, "there is no archive there" in none.stderr) == (Exit.BLOCKED, True), none.stderr
    assert both.code == Exit.BLOCKED
    codes = [line["statements"][0]["code"] for line in both.lines]
    assert codes == ["container.unreadable", "container.too_large"]


def test_stored_archives_are_renewed_before_they_end_and_a_pass_goes_on(
    service: Service,
    authority: tuple[Path, str],
    tmp_path: Path,
) -> None:
    folder = tmp_path / "store"
    path = archive_of(service, folder / "2026")
    (folder / "2026" / "a.asice").write_bytes(b"no archive")
    tsa_trust, url = authority
    trust_both(service, tsa_trust)
    service.settings = service.settings.model_copy(
        update={"archive_store": str(folder), "timestamp_urls": url, "renew_within_days": 30}
    )
    service.__dict__.pop("timestamp_authority", None)  # it was asked for before, when there was none
    made = path.read_bytes()
    assert service.renew_stored is not None

    early = service.renew_stored()
    due = RenewStored(
        open_archives(str(folder)),
        service.renew_stored.turn,
        service.renew_stored.renewing,
        service.clock,
        timedelta(days=4 * 365),
        pass_s=0,
    )
    counts = [due() for _ in range(2)]

    assert early == 0
    assert made != path.read_bytes()
    # With no time at all a call looks at one file: first at what is no archive, then at ours.
    assert counts == [0, 1]
    assert (folder / CURSOR).read_text() == f"2026/{path.name}"
    done = claims("archive", "verify", path, "--trust", service.settings.trust_folder, "--json")
    assert (done.code, done.lines[0]["holds"]) == (Exit.FINE, True), done.stderr


def test_whoever_wants_an_archive_waits_for_no_timestamp(service: Service, tmp_path: Path) -> None:
    service.settings = service.settings.model_copy(update={"timestamp_urls": "http://127.0.0.1:1/"})
    for name in ("timestamp_authority", "keep_log", "archive"):
        service.__dict__.pop(name, None)

    assert archive_of(service, tmp_path).stat().st_size > 0


def test_the_services_key_changes_in_time(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    keys, clock = FolderOfServiceKeys(tmp_path / "keys", SystemClock()), SetClock(now)
    first = keys.current().key_id

    assert not rotate_in_time(keys, clock, within=timedelta(days=180))
    clock.advance(timedelta(days=3 * 365 - 100).total_seconds())
    assert rotate_in_time(keys, clock, within=timedelta(days=180))
    assert len(keys.certificates()) == 2
    assert first in keys.certificates()
    (tmp_path / "keys" / "authority.pem").unlink()
    assert not rotate_in_time(keys, clock, within=timedelta(days=9 * 365))


@pytest.mark.parametrize(
    ("command", "language", "said"),
    [
        (("readings",), "vi", "0 lượt xem, 0 điểm sai"),
        (("readings",), "en", "0 readings, 0 faults"),
        (("access-log",), "vi", "sự kiện, 1 điểm sai"),
        (("access-log",), "en", "✗ access_event 1: what stands at this place of the chain was changed"),
    ],
)
def test_chains_are_verified_in_both_languages(
    service: Service, environment: Mapping[str, str], command: tuple[str, ...], language: str, said: str
) -> None:
    service.access_log.note(AccessKind.LOCKED_OUT, about="", detail={})
    with psycopg.connect(service.database_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE access_event SET kind = 'signed_in' WHERE position = 1")

    outcome = claims(*command, "verify", "--language", language, "--json", env=environment)

    assert said in outcome.stderr
    faults = [(each["code"], each["table"], each["key"]) for each in outcome.lines[0]["faults"]]
    assert faults == ([] if command == ("readings",) else [("chain.changed", "access_event", "1")])
    assert outcome.code == (Exit.BLOCKED if faults else Exit.FINE)

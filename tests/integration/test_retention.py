"""Content is erased when its time is over and nobody holds it; what proves that it existed stays."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from claims.cli.output import Exit
from claims.errors import ClaimsError
from claims.exchange.access.keys import Scope
from claims.exchange.access.places import EVERYWHERE, Place, Reach
from claims.exchange.access.principal import Grant
from claims.exchange.access.session import Stage
from claims.exchange.errors import CannotErase, ContentsUnavailable
from claims.exchange.proofs import Kept
from claims.exchange.registrations import Note
from claims.exchange.results import Assessment, ReceptionError, Standing
from claims.exchange.retention import RecordClass, Retain, UnreadableRetention, load_retention
from claims.exchange.submission import EventKind, FacilityCode, Submission, SubmissionId
from claims.localtime import local_date
from claims.proof import words
from claims.proof.archive import HISTORY
from claims.proof.container import read_container
from claims.proof.verification import verify_archive
from claims.runtime.archive_store import ArchiveNotTaken, ArchiveStore, ArchiveStoreFailed, open_archives
from claims.runtime.handover import hand_over
from claims.runtime.wiring import Service
from claims.storage.archives import PostgresArchives
from claims.storage.audit import Audit
from claims.storage.retention import PostgresRetained
from signing.demo_pki import FacilityKey
from signing.trust import TrustStore
from tests.fakes import NOON, ScriptedGateway, SetClock
from tests.in_process import TestClient
from tests.integration.command import claims
from tests.integration.conftest import Exchange, archived
from tests.integration.test_api import encounter, is_problem, key

WHY: dict[str, Any] = {"within": EVERYWHERE, "actor": "officer", "reason": "time is over"}


def retain(service: Service, *, after_years: int) -> Retain:
    clock = SetClock(service.clock.now() + timedelta(days=366 * after_years))
    return Retain(service.submissions, PostgresRetained(service.pool), load_retention(None), clock)


def officer_of(service: Service) -> dict[str, str]:
    """Return the headers of somebody who keeps the records of the whole nation."""
    grant = Grant("administrator", Place(""))
    person, _ = service.manage_people.add("officer", name="Officer", grants=[grant], by="test")
    return {"Authorization": f"Bearer {service.sessions.open(person, stage=Stage.FULL, method='password')}"}


def of(service: Service) -> dict[str, str]:
    """Return the environment of a command that works for a service."""
    return {
        "CLAIMS_DATA_DIR": str(service.settings.data_dir),
        "CLAIMS_DATABASE_URL": service.database_url,
        "CLAIMS_BROKER_URL": service.broker_url,
    }


def rejected(service: Service, body: bytes = b"no xml") -> Submission:
    """Return a submission that the check rejects: nothing is known of its claims."""
    submission = service.receive(body, facility=FacilityCode("99001"), actor="test").submission
    service.check([submission.id])
    return submission


def test_erased_content_is_gone_and_its_proof_is_not(
    service: Service, client: TestClient, facility_key: FacilityKey
) -> None:
    service.__dict__["gateway"] = ScriptedGateway()
    der = facility_key.certificate.public_bytes(serialization.Encoding.DER)
    service.register_certificate(FacilityCode("99001"), der, Note("test", "test"))
    answer = client.post("/v1/encounters", json=encounter(), headers=key(service)).json()
    submission = service.submissions.get(SubmissionId(answer["id"]), within=EVERYWHERE)
    service.check([submission.id])
    service.deliver([submission.id])
    (ma_lk,) = service.submissions.get(submission.id, within=EVERYWHERE).ma_lk
    now = service.clock.now()
    service.results.note_errors(FacilityCode("99001"), [("GD1", [ReceptionError("801", "x")])], now=now)
    service.results.note_assessments(
        FacilityCode("99001"), [Assessment(ma_lk, Standing.CUT, Decimal(80))], now=now
    )
    service.keep_log()

    retain(service, after_years=21).erase(submission.id, **WHY)
    retain(service, after_years=21).erase(submission.id, **WHY)
    archive = archived(service, submission.id)

    trust = TrustStore.load(service.settings.trust_folder)
    trust = TrustStore(anchors=trust.anchors, service_anchors=[service.service_keys.chain()[-1]])
    verdict = verify_archive(archive, trust=trust, at=service.clock.now())
    assert verdict.holds, verdict
    entries = read_container(archive)
    assert (
        not {"bundle.xml", "claim.pdf", "encounter.json", "trace.json", "reports/check.json"} & entries.keys()
    )
    # Whom was trusted says nothing of a patient.
    assert {name for name in entries if name.startswith("documents/")} == {"documents/trust.json"}
    assert ma_lk.encode() not in b"".join(entries.values())
    assert "ERASED" in entries["README.txt"].decode()
    assert verdict.facts["receipt_sha256"] == submission.sha256
    (erasure,) = [one for one in service.submissions.events(submission.id) if one.kind is EventKind.ERASED]
    assert datetime.fromisoformat(verdict.facts["erased_at"]) == erasure.at
    assert "Content lawfully erased, proof alone is left" in dict(words.facts(verdict.facts, "en"))
    assert list(Audit(service.pool, service.service_keys.certificates)()) == []


def test_the_proof_of_what_was_erased_is_there_for_its_facility(service: Service, client: TestClient) -> None:
    submission = rejected(service)
    retain(service, after_years=21).erase(submission.id, **WHY)
    service.keep_log()

    reader = key(service, scopes=frozenset({Scope.READ}))
    archive = client.get(f"/v1/submissions/{submission.id}/archive", headers=reader)
    paper = client.get(f"/v1/submissions/{submission.id}/paper", headers=reader)

    assert archive.status_code == 200
    assert "ERASED" in read_container(archive.content)["README.txt"].decode()
    assert is_problem(paper, 422, "nothing-to-show")


def test_whoever_holds_the_paper_of_what_was_erased_is_told_so(service: Service, client: TestClient) -> None:
    submission = rejected(service)
    code = (f"/v/{submission.id}", {"d": submission.sha256[:16]})

    before = client.get(code[0], params=code[1])
    retain(service, after_years=21).erase(submission.id, **WHY)
    after = client.get(code[0], params=code[1])
    guess = client.get(code[0], params={"d": "0" * 16})

    day = f"{local_date(service.submissions.events(submission.id)[-1].at):%d/%m/%Y}"
    for page in (before, after):
        assert "data-standing=not-accepted" in page.text
    assert f"Nội dung điện tử đã được xóa ngày {day}" in after.text
    assert f"Its electronic content was erased on {day}" in after.text
    assert "erased" not in before.text + guess.text


@pytest.mark.parametrize(
    ("facts", "years"),
    [
        pytest.param({}, 10, id="treatment"),
        pytest.param({"ma_tai_nan": "0"}, 10, id="no-accident"),
        pytest.param({"ma_tai_nan": "2"}, 15, id="accident"),
        pytest.param({"ket_qua_dtri": "5", "ma_tai_nan": "1"}, 20, id="died"),
        pytest.param({"ket_qua_dtri": "8"}, 20, id="died-outside"),
        pytest.param({"diagnoses": frozenset({"J00", "F200"})}, 20, id="mental"),
    ],
)
def test_a_claim_is_kept_by_its_class_and_not_erased_too_early(
    exchange: Exchange, facts: dict[str, Any], years: int
) -> None:
    body = b"<bundle/>"
    exchange.checker.claims[body] = ("LK1",)
    exchange.checker.facts = facts
    submission = exchange.checked(body)
    exchange.deliver([submission.id])
    rules, store = load_retention(None), PostgresRetained(exchange.pool)
    due = SetClock(NOON.replace(year=NOON.year + years) + timedelta(days=1))

    early = Retain(exchange.submissions, store, rules, SetClock(due.now() - timedelta(days=3)))
    with pytest.raises(CannotErase, match="must be kept until"):
        early.erase(submission.id, **WHY)
    Retain(exchange.submissions, store, rules, due).erase(submission.id, **WHY)

    assert store.look(submission.id).is_erased


def test_of_several_claims_the_longest_counts_and_what_is_not_known_counts_most(service: Service) -> None:
    rules, day = load_retention(None), NOON.date()
    accident, treatment = RecordClass.ACCIDENT, RecordClass.TREATMENT

    assert rules.longest(frozenset({treatment, accident}), since=day) is accident
    assert rules.longest(frozenset({treatment, None}), since=day) is RecordClass.DEATH_OR_MENTAL
    found = service.retain.look(rejected(service).id, within=EVERYWHERE)
    assert found.record_class is RecordClass.DEATH_OR_MENTAL


def test_what_is_held_or_under_way_is_not_erased(service: Service) -> None:
    submission = service.receive(b"no xml", facility=FacilityCode("99001"), actor="test").submission
    keep = retain(service, after_years=30)
    with pytest.raises(CannotErase, match="under way"):
        keep.erase(submission.id, **WHY)
    service.check([submission.id])

    keep.hold(submission.id, **WHY)
    with pytest.raises(CannotErase, match="held"):
        keep.erase(submission.id, **WHY)
    keep.release(submission.id, **WHY)
    keep.erase(submission.id, **WHY)

    kinds = [event.kind for event in service.submissions.events(submission.id)]
    assert kinds[-3:] == ["held", "released", "erased"]


def test_it_is_held_and_released_over_http(service: Service, client: TestClient) -> None:
    submission = rejected(service)
    officer = officer_of(service)
    path = f"/v1/submissions/{submission.id}"

    held = client.post(f"{path}/hold", json={"reason": "a court asks"}, headers=officer)
    early = client.post(f"{path}/erasure", json={"reason": "time is over"}, headers=officer)
    released = client.post(f"{path}/release", json={"reason": "it is over"}, headers=officer)
    seen = client.get(f"{path}/retention", headers=key(service))
    other = client.get(f"{path}/retention", headers=key(service, "99002"))

    assert held.json()["is_held"]
    assert is_problem(early, 409, "cannot-erase")
    assert not released.json()["is_held"]
    assert seen.json()["record_class"] == "death-or-mental"
    assert is_problem(other, 404, "not-found")
    assert is_problem(
        client.post(f"{path}/hold", json={"reason": "x"}, headers=key(service)), 403, "forbidden"
    )


@pytest.mark.parametrize(
    ("language", "held", "too_early", "erased"),
    [
        pytest.param("vi", "đang được giữ lại", "phải lưu đến", "đã bị xóa: không còn gì để giữ", id="vi"),
        pytest.param("en", "is held", "must be kept until", "was erased: there is nothing to hold", id="en"),
    ],
)
def test_a_command_says_why_nothing_is_erased_or_held(
    service: Service, language: str, held: str, too_early: str, erased: str
) -> None:
    early, late, gone = (rejected(service, f"no xml {number}".encode()) for number in range(3))
    with service.pool.connection() as connection:
        connection.execute(
            "UPDATE submission SET received_at = '2001-01-01' WHERE id = %s OR id = %s", [late.id, gone.id]
        )
    service.retain.hold(late.id, **WHY)
    service.retain.erase(gone.id, **WHY)

    def say(step: str, submission_id: str) -> str:
        done = claims(
            "retention", step, submission_id, "--reason", "x", "--language", language, env=of(service)
        )
        assert done.code == Exit.BLOCKED, done.stderr
        return done.stderr

    assert too_early in say("erase", early.id)
    assert held in say("erase", late.id)
    assert erased in say("hold", gone.id)
    unknown = say("release", "sub_01KASWY1C4R4T9QZ3R5J8M2X6B")
    assert ("không có lần gửi" in unknown) == (language == "vi")


@pytest.mark.parametrize("step", ["hold", "release", "erasure"])
@pytest.mark.parametrize("reason", ["", " ", "\n\t", "x" * 501], ids=["nothing", "blank", "lines", "long"])
def test_a_reason_says_something(service: Service, client: TestClient, step: str, reason: str) -> None:
    submission = rejected(service)

    answer = client.post(
        f"/v1/submissions/{submission.id}/{step}", json={"reason": reason}, headers=officer_of(service)
    )

    assert is_problem(answer, 422, "invalid-request")
    kinds = [event.kind for event in service.submissions.events(submission.id)]
    assert kinds == ["received", "rejected"]


@pytest.mark.parametrize(
    "reason", ["", "  ", "x" * 501, os.fsdecode(b"a\xff")], ids=["nothing", "blank", "long", "no-text"]
)
def test_so_does_that_of_a_command(reason: str, tmp_path: Path) -> None:
    done = claims("retention", "hold", "sub_x", "--reason", reason, env={"CLAIMS_DATA_DIR": str(tmp_path)})

    assert (done.code, "say why in 1 to 500 characters" in done.stderr) == (Exit.USAGE, True), done.stderr


def test_years_are_dated_data(tmp_path: Path) -> None:
    file = tmp_path / "retention.toml"
    file.write_text(
        "treatment = [{ from = 2009-01-01, years = 10 }, { from = 2030-01-01, years = 12 }]\n"
        "accident = [{ from = 2009-01-01, years = 15 }]\n"
        "death-or-mental = [{ from = 2009-01-01, years = 20 }]\n"
    )
    rules = load_retention(file)

    assert rules.kept_until(RecordClass.TREATMENT, since=date(2029, 12, 31)) == date(2039, 12, 31)
    assert rules.kept_until(RecordClass.TREATMENT, since=date(2030, 1, 1)) == date(2042, 1, 1)
    assert rules.kept_until(RecordClass.ACCIDENT, since=date(2028, 2, 29)) == date(2043, 3, 1)


@pytest.mark.parametrize(
    ("treatment", "said"),
    [
        pytest.param("[]", "treatment needs years from a day on", id="none"),
        pytest.param("10", "treatment needs years from a day on", id="a-number"),
        pytest.param("[{ from = 2009-01-01, years = 0 }]", "treatment, row 1: years must be", id="no-time"),
        pytest.param("[{ from = 2009-01-01, years = -1 }]", "treatment, row 1: years must be", id="negative"),
        pytest.param("[{ from = 2009-01-01, years = 9.9 }]", "treatment, row 1: years must be", id="a-part"),
        pytest.param("[{ from = 2009-01-01, years = true }]", "treatment, row 1: years must be", id="yes"),
        pytest.param("[{ from = 2009-01-01, years = '10' }]", "treatment, row 1: years must be", id="a-text"),
        pytest.param("[{ from = 2009-01-01, years = 8000 }]", "row 1: years must be", id="no-date-so-late"),
        pytest.param(
            "[{ from = '2009-01-01', years = 10 }]", "row 1: from must be a day", id="day-in-quotes"
        ),
        pytest.param("[{ from = 2009-01-01T00:00:00, years = 10 }]", "from must be a day", id="a-moment"),
        pytest.param("[{ since = 2009-01-01, years = 10 }]", "row 1 says something else", id="misspelled"),
        pytest.param(
            "[{ from = 2009-01-01, years = 10 }, { from = 2009-01-01, years = 5 }]",
            "treatment, row 2: 2009-01-01 is the day of an earlier row",
            id="one-day-twice",
        ),
        pytest.param(
            "[{ from = 2009-01-01, years = 10 }]\ntreatmnet = []", "no class 'treatmnet'", id="typo"
        ),
    ],
)
def test_a_period_that_makes_no_sense_is_named(treatment: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "retention.toml"
    rest = "".join(
        f"{name} = [{{ from = 2009-01-01, years = 10 }}]\n" for name in ("accident", "death-or-mental")
    )
    file.write_text(f"treatment = {treatment}\n{rest}")

    with pytest.raises(UnreadableRetention) as refused:
        load_retention(file)

    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{file}: ")


def test_a_hand_over_goes_on_where_it_was_broken_off(service: Service, tmp_path: Path) -> None:
    ids = [rejected(service, f"no xml {number}".encode()).id for number in range(5)]
    assert all(archived(service, one) for one in ids)
    folder = tmp_path / "out"

    broken_off = hand_over(service, open_archives(str(folder)), since=NOON.replace(year=2020))
    first = [next(broken_off), next(broken_off)]
    del broken_off
    rest = exported(service, folder)

    names = set(open_archives(str(folder)).names())
    done = [one.file for one in first] + rest[2:]
    assert rest[:2] == [None, None]
    assert set(done) == names
    assert [Path(name or "").stem for name in done] == ids  # the oldest first
    trust = TrustStore(anchors=[], service_anchors=[service.service_keys.chain()[-1]])
    for name in names:
        assert verify_archive((folder / name).read_bytes(), trust=trust, at=service.clock.now()).holds
    assert exported(service, folder) == [None] * 5


def test_of_two_exports_to_one_place_the_second_says_so_and_ends(service: Service, tmp_path: Path) -> None:
    ids = [rejected(service, f"no xml {number}".encode()).id for number in range(3)]
    assert all(archived(service, one) for one in ids)
    folder, since = str(tmp_path / "out"), NOON.replace(year=2020)

    first = hand_over(service, open_archives(folder), since=since)
    begun = [next(first)]
    second = claims("export", "--since", "2020-01-01", "--to", folder, env=of(service))
    elsewhere = hand_over(service, open_archives(str(tmp_path / "elsewhere")), since=since)
    rest = [*first]

    assert (second.code, "một lần xuất khác đang ghi vào đó" in second.stderr) == (Exit.UNREACHABLE, True)
    assert [one.submission for one in (*begun, *rest)] == ids
    assert all(one.file for one in elsewhere)
    assert exported(service, Path(folder)) == [None] * 3


def test_an_archive_is_written_anew_when_something_has_happened_since(
    service: Service, tmp_path: Path
) -> None:
    submission, other = rejected(service), rejected(service, b"another")
    assert archived(service, submission.id)
    assert archived(service, other.id)
    names = exported(service, tmp_path / "out")

    service.retain.hold(submission.id, **WHY)
    assert archived(service, submission.id)
    elsewhere = exported(service, tmp_path / "elsewhere")
    again, at_last = exported(service, tmp_path / "out"), exported(service, tmp_path / "out")

    assert elsewhere == names  # what another store was given does not count
    assert (again, at_last) == ([names[0], None], [None, None])
    trust = TrustStore(anchors=[], service_anchors=[service.service_keys.chain()[-1]])
    data = (tmp_path / "out" / str(names[0])).read_bytes()
    assert verify_archive(data, trust=trust, at=service.clock.now()).holds
    history = json.loads(read_container(data)[HISTORY])
    assert {"reason": WHY["reason"]} in history


def test_what_was_erased_is_erased_where_it_was_exported_to(service: Service, tmp_path: Path) -> None:
    submission = rejected(service, b"says who was ill")
    assert archived(service, submission.id)
    (name,) = exported(service, tmp_path / "out")
    retain(service, after_years=21).erase(submission.id, **WHY)
    assert archived(service, submission.id)

    before = (tmp_path / "out" / str(name)).read_bytes()
    exported(service, tmp_path / "out")
    after = (tmp_path / "out" / str(name)).read_bytes()

    assert (b"says who was ill" in before, b"says who was ill" in after) == (True, False)


@pytest.mark.parametrize("is_gone", [False, True], ids=["exported-anew", "gone-from-the-store"])
def test_what_is_erased_while_it_is_exported_is_gone_with_the_next_export(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_gone: bool
) -> None:
    submission = rejected(service, b"says who was ill")
    assert archived(service, submission.id)
    (name,) = exported(service, tmp_path / "out")
    if is_gone:
        (tmp_path / "out" / str(name)).unlink()
    else:
        service.retain.hold(submission.id, **WHY)
        service.retain.release(submission.id, **WHY)
        assert archived(service, submission.id)
    make = service.archive

    def make_and_erase(submission_id: SubmissionId, *, within: Reach) -> bytes:
        data = make(submission_id, within=within)
        retain(service, after_years=21).erase(submission_id, **WHY)
        return data

    monkeypatch.setattr(service, "archive", make_and_erase)
    assert exported(service, tmp_path / "out") == [name]
    monkeypatch.undo()
    assert archived(service, submission.id)
    exported(service, tmp_path / "out")

    assert b"says who was ill" not in (tmp_path / "out" / str(name)).read_bytes()


def test_what_is_logged_while_an_archive_is_made_is_for_the_next_one(service: Service) -> None:
    submission = rejected(service)
    before = archived(service, submission.id)
    kept = service.archives.load(submission.id, within=EVERYWHERE)
    service.retain.hold(submission.id, **WHY)
    after = archived(service, submission.id)

    class AsBefore(PostgresArchives):
        def load(self, submission_id: SubmissionId, *, within: Reach) -> Kept:
            return kept

    archive = replace(service.archive, archives=AsBefore(service.pool))

    assert len(read_container(after)["evidence/records.jws"]) > len(
        read_container(before)["evidence/records.jws"]
    )
    assert archive(submission.id, within=EVERYWHERE) == before


def test_an_archive_that_cannot_be_made_keeps_none_of_the_others_back(
    service: Service, tmp_path: Path
) -> None:
    damaged, whole = rejected(service), rejected(service, b"another")
    assert archived(service, damaged.id)
    assert archived(service, whole.id)
    with service.pool.connection() as connection:
        connection.execute(
            "UPDATE submission_body SET body = set_byte(body, 0, get_byte(body, 0) # 1) "
            "WHERE submission_id = %s",
            [damaged.id],
        )

    store = open_archives(str(tmp_path / "out"))
    first, second = hand_over(service, store, since=NOON.replace(year=2020))

    assert (first.submission, first.file, bool(first.error)) == (damaged.id, None, True)
    assert (second.submission, second.error) == (whole.id, None)
    assert list(store.names()) == [second.file]


def test_what_a_store_never_takes_keeps_none_of_the_others_back(service: Service, tmp_path: Path) -> None:
    ids = [rejected(service, f"no xml {number}".encode()).id for number in range(3)]
    assert all(archived(service, one) for one in ids)
    folder = tmp_path / "out"
    day = folder / f"{service.clock.now():%Y/%m/%d}"
    (day / f"{ids[1]}.asice").mkdir(parents=True)
    command = ("export", "--since", "2020-01-01", "--to", folder, "--json", "--language")

    first = claims(*command, "en", env=of(service))
    (day / f"{ids[1]}.asice").rmdir()
    second = claims(*command, "vi", env=of(service))

    assert first.code == Exit.BLOCKED, first.stderr
    assert [line.get("id") or Path(line["file"]).stem for line in first.lines] == ids
    assert f"{ids[1]}: {day / ids[1]}.asice: Is a directory" in first.stderr
    assert "1 archives are left that could not be written" in first.stderr
    assert second.code == Exit.FINE, second.stderr
    assert [Path(line["file"]).stem for line in second.lines] == [ids[1]]


@pytest.mark.parametrize(
    ("failure", "asked"),
    [
        pytest.param(ArchiveStoreFailed("out", "No space left on device"), 1, id="no-room"),
        pytest.param(ArchiveNotTaken("out", "the store answers AccessDenied"), 20, id="none-of-many"),
        pytest.param(ContentsUnavailable("gone"), 20, id="no-content-of-many"),
    ],
)
def test_a_store_that_takes_nothing_ends_an_export(
    service: Service, tmp_path: Path, failure: ClaimsError, asked: int
) -> None:
    ids = [rejected(service, f"no xml {number}".encode()).id for number in range(22)]
    assert all(archived(service, one) for one in ids)
    asked_for: list[str] = []

    class TakesNothing(ArchiveStore):
        def write(self, name: str, data: bytes) -> None:
            asked_for.append(Path(name).stem)
            raise failure

    folder = open_archives(str(tmp_path))
    export = hand_over(service, TakesNothing(folder.address, folder._store), since=NOON.replace(year=2020))
    left = [next(export).error for _ in range(asked - 1)]
    with pytest.raises(type(failure)):
        next(export)

    assert left == [failure] * (asked - 1)
    assert asked_for == ids[:asked]


def exported(service: Service, folder: Path) -> list[str | None]:
    """Hand over to a folder; return what was written of each submission."""
    done = list(hand_over(service, open_archives(str(folder)), since=NOON.replace(year=2020)))
    assert not any(one.error for one in done)
    return [one.file for one in done]


@pytest.mark.slow
def test_a_killed_export_leaves_whole_archives_and_is_resumed(service: Service, tmp_path: Path) -> None:
    ids = [rejected(service, f"no xml {number}".encode()).id for number in range(30)]
    assert all(archived(service, one) for one in ids)
    environment = os.environ | of(service)
    for attempt in range(9):  # it may be done before this process sees how far it is
        folder = tmp_path / f"out-{attempt}"
        command = [sys.executable, "-m", "claims", "export", "--since", "2020-01-01", "--to", str(folder)]
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            while len(list(folder.rglob("*.asice"))) < 2 and process.poll() is None:
                time.sleep(0.001)
            process.kill()
        written = sorted(folder.rglob("*.asice"))
        if len(written) < 30:
            break
    trust = TrustStore(anchors=[], service_anchors=[service.service_keys.chain()[-1]])
    verdicts = [verify_archive(path.read_bytes(), trust=trust, at=service.clock.now()) for path in written]
    before = {path: path.read_bytes() for path in written}
    again = subprocess.run(command, env=environment, check=False, capture_output=True, timeout=60)

    assert 2 <= len(written) < 30
    assert all(verdict.holds for verdict in verdicts)
    assert again.returncode == 0, again.stderr
    assert len(list(folder.rglob("*.asice"))) == 30
    assert before == {path: path.read_bytes() for path in written}


def test_a_day_to_export_from_begins_in_vietnam(service: Service, tmp_path: Path) -> None:
    early, late = rejected(service), rejected(service, b"late")
    assert archived(service, early.id)
    assert archived(service, late.id)
    with service.pool.connection() as connection:
        for submission, received in ((early, "2026-10-31T16:59:59Z"), (late, "2026-10-31T17:00:00Z")):
            connection.execute(
                "UPDATE submission SET received_at = %s WHERE id = %s", [received, submission.id]
            )

    done = claims("export", "--since", "2026-11-01", "--to", tmp_path / "out", "--json", env=of(service))

    assert done.code == Exit.FINE, done.stderr
    assert [line["file"] for line in done.lines] == [f"2026/10/31/{late.id}.asice"]


def test_what_is_not_logged_yet_does_not_stop_an_export(service: Service, tmp_path: Path) -> None:
    logged = rejected(service)
    assert archived(service, logged.id)
    late = rejected(service, b"late")

    class Asleep:
        def __call__(self) -> int:
            return 0

    service.__dict__["archive"] = replace(service.archive, keep_log=Asleep())
    names = exported(service, tmp_path / "out")
    del service.__dict__["archive"]
    assert archived(service, late.id)
    rest = exported(service, tmp_path / "out")

    assert [name is None for name in names] == [False, True]
    assert logged.id in str(names[0])
    assert late.id in str(rest[1])

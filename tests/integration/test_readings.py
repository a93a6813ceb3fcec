"""Who sees what of which patients is in one log, which shows it when somebody tampers with it."""

import os
import subprocess
import sys

import psycopg
import pytest

from claims.api.app import create_app
from claims.checking.samples import load_sample
from claims.exchange.access.keys import Scope
from claims.exchange.access.places import Place
from claims.exchange.access.principal import Grant
from claims.exchange.access.readings import Reading, Seen
from claims.exchange.access.session import Stage
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.runtime.guarding import routes_of
from claims.runtime.wiring import Service
from claims.storage.chains import ChainHead
from claims.storage.faults import Fault
from tests.in_process import TestClient
from tests.integration.conftest import archived

FACILITY = FacilityCode("99001")
CITIZEN = "001099000017"
#: Routes of one submission that say nothing of a patient: states, times, digests, numbers of the gateway.
SAY_NOTHING = {"", "options", "events", "receipt", "signed-receipt", "evidence"}


@pytest.fixture
def submission(service: Service) -> SubmissionId:
    data = load_sample("outpatient", [f"XML1.SO_CCCD = {CITIZEN}"]).write()
    received = service.receive(data, facility=FACILITY, actor="test").submission
    service.check([received.id])
    archived(service, received.id)  # so that nobody has to ask for it twice, and is noted twice
    return received.id


def as_key(service: Service) -> dict[str, str]:
    scopes = frozenset({Scope.READ, Scope.PROTECTED})
    return {"Authorization": f"Bearer {service.issue_key(facility=FACILITY, scopes=scopes, label='x')}"}


def as_auditor(service: Service, place: str) -> dict[str, str]:
    person, _ = service.manage_people.add(
        f"auditor.{place}", name="Một người", grants=[Grant("auditor", Place(place))], by="test"
    )
    return {"Authorization": f"Bearer {service.sessions.open(person, stage=Stage.FULL, method='password')}"}


def search(client: TestClient, who: dict[str, str], **wanted: str) -> list[dict[str, object]]:
    answer = client.post("/v1/readings/search", json=wanted, headers=who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["data"]
    return found


def test_every_route_that_says_something_of_a_patient_notes_its_reading(
    service: Service, client: TestClient, submission: SubmissionId
) -> None:
    who = as_key(service)
    prefix = "/v1/submissions/{submission_id}"
    paths = {one.path for one in routes_of(create_app(service)) if one.method == "GET"}
    asked = sorted(
        path.removeprefix(prefix).strip("/")
        for path in paths
        if path.startswith(prefix) and "{" not in path[30:]
    )

    for what in asked:
        assert client.get(f"/v1/submissions/{submission}/{what}".rstrip("/"), headers=who).status_code == 200

    noted = search(client, as_auditor(service, "99001"), submission_id=submission)
    assert len(noted) == len(set(asked) - SAY_NOTHING)
    assert set(asked) > SAY_NOTHING
    assert {one["page"] for one in noted} >= {"findings", "paper", "archive", "assessment"}


def test_readings_of_a_person_are_found_by_number_without_the_number_being_kept(
    service: Service, client: TestClient, submission: SubmissionId, database_url: str
) -> None:
    client.get(f"/v1/submissions/{submission}/findings", headers=as_key(service))
    auditor = as_auditor(service, "99")

    (found,) = search(client, auditor, person=CITIZEN)

    assert found["seen"] == [{"submission_id": submission, "claim": 1, "facility": "99001"}]
    assert search(client, auditor, person="001099000018") == []
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT reading::text FROM reading UNION ALL SELECT claim_person::text FROM claim_person"
        ).fetchall()
    assert CITIZEN not in str(rows)
    assert CITIZEN.encode().hex() not in str(rows)


def test_a_facility_sees_who_read_its_own_records_and_no_others(
    service: Service, client: TestClient, submission: SubmissionId
) -> None:
    client.get(f"/v1/submissions/{submission}/findings", headers=as_key(service))

    assert len(search(client, as_auditor(service, "99001"))) == 1
    assert search(client, as_auditor(service, "99002")) == []


def test_of_a_page_of_several_only_the_claims_asked_for_are_told(
    service: Service, client: TestClient, submission: SubmissionId
) -> None:
    other = load_sample("outpatient", ["XML1.SO_CCCD = 001099000099"]).write()
    beside = service.receive(other, facility=FacilityCode("99002"), actor="test").submission.id
    seen = (Seen(submission, 1, FACILITY, None), Seen(beside, 1, "99002", None))
    service.readings.note(Reading(service.clock.now(), "usr_x", "inbox", seen))
    auditor = as_auditor(service, "99")
    expected = [{"submission_id": submission, "claim": 1, "facility": "99001"}]

    assert [one["seen"] for one in search(client, auditor, submission_id=submission)] == [expected]
    assert [one["seen"] for one in search(client, auditor, person=CITIZEN)] == [expected]


def test_a_facility_does_not_learn_of_others_patients_from_a_page_that_showed_its_own_too(
    service: Service, client: TestClient, submission: SubmissionId
) -> None:
    own = service.receive(b"<x/>", facility=FacilityCode("99002"), actor="test").submission.id
    seen = (Seen(submission, 1, FACILITY, None), Seen(own, 1, "99002", None))
    service.readings.note(Reading(service.clock.now(), "usr_x", "inbox", seen))

    assert search(client, as_auditor(service, "99002"), person=CITIZEN) == []


def test_looking_for_a_person_in_the_log_is_a_reading_and_looking_around_is_none(
    service: Service, client: TestClient, submission: SubmissionId
) -> None:
    client.get(f"/v1/submissions/{submission}/findings", headers=as_key(service))
    auditor = as_auditor(service, "99")

    assert len(search(client, auditor)) == 1
    search(client, auditor, person=CITIZEN)

    noted, _ = search(client, auditor)
    assert noted["page"] == "log"
    assert noted["seen"] == [{"submission_id": submission, "claim": 1, "facility": "99001"}]


def test_a_refusal_is_no_reading(service: Service, client: TestClient, submission: SubmissionId) -> None:
    other = service.issue_key(facility=FacilityCode("99002"), scopes=frozenset({Scope.READ}), label="x")

    answer = client.get(
        f"/v1/submissions/{submission}/findings", headers={"Authorization": f"Bearer {other}"}
    )

    assert answer.status_code == 404
    assert search(client, as_auditor(service, "99")) == []


@pytest.fixture
def read_thrice(service: Service, client: TestClient, submission: SubmissionId) -> Service:
    who = as_key(service)
    for what in ("findings", "paper", "archive"):
        assert client.get(f"/v1/submissions/{submission}/{what}", headers=who).status_code == 200
    assert service.reading_chain.extend() == 3  # as workers do every few seconds
    return service


def test_readings_get_their_places_though_nobody_gives_timestamps(
    service: Service, client: TestClient, submission: SubmissionId
) -> None:
    client.get(f"/v1/submissions/{submission}/findings", headers=as_key(service))
    environment = os.environ | {
        "CLAIMS_DATA_DIR": str(service.settings.data_dir),
        "CLAIMS_DATABASE_URL": service.database_url,
        "CLAIMS_BROKER_URL": service.broker_url,
        "CLAIMS_TIMESTAMP_URLS": "http://127.0.0.1:1/",
    }

    task = subprocess.run(
        [sys.executable, "-c", "from workers import tasks; tasks.keep_log()"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert "AuthorityUnreachable" in task.stderr
    with service.pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM reading_chain").fetchall() == [(1,)]


def test_a_log_that_nobody_touched_is_whole(read_thrice: Service) -> None:
    head = read_thrice.reading_chain.head()

    assert head is not None
    assert head.position == 3
    assert list(read_thrice.reading_chain.faults(head)) == []


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("UPDATE reading SET reader = 'nobody' WHERE page = 'paper'", "chain.changed"),
        ("UPDATE reading SET at = at - interval '1 day' WHERE page = 'paper'", "chain.changed"),
        ("UPDATE reading SET persons = ARRAY[NULL::bytea] WHERE page = 'paper'", "chain.changed"),
        ("DELETE FROM reading WHERE page = 'paper'", "chain.row_missing"),
        ("DELETE FROM reading_chain WHERE position = 2", "chain.place_missing"),
        ("UPDATE reading_chain SET digest = sha256('x') WHERE position = 2", "chain.changed"),
    ],
)
def test_tampering_is_found(read_thrice: Service, database_url: str, tampering: str, fault: str) -> None:
    as_owner(database_url, tampering)

    assert Fault(fault, "reading_chain", "2") in list(read_thrice.reading_chain.faults())


def test_a_reading_removed_before_it_had_its_place_is_found(
    service: Service, client: TestClient, submission: SubmissionId, database_url: str
) -> None:
    client.get(f"/v1/submissions/{submission}/findings", headers=as_key(service))
    as_owner(database_url, "DELETE FROM reading")

    (fault,) = service.reading_chain.faults()

    assert (fault.code, fault.table) == ("row.missing", "reading")


def test_an_end_cut_off_is_found_by_who_kept_the_head(read_thrice: Service, database_url: str) -> None:
    head = read_thrice.reading_chain.head()
    assert head is not None
    as_owner(database_url, "DELETE FROM reading_chain WHERE position = 3")
    as_owner(database_url, "DELETE FROM reading WHERE page = 'archive'")

    assert list(read_thrice.reading_chain.faults()) == []
    assert list(read_thrice.reading_chain.faults(head)) == [Fault("chain.other_head", "reading_chain", "3")]
    assert list(read_thrice.reading_chain.faults(ChainHead(2, "00"))) != []


def test_who_is_not_the_tables_owner_cannot_change_it_at_all(read_thrice: Service, database_url: str) -> None:
    assert read_thrice.reading_chain.head() is not None
    for statement in ("UPDATE reading SET reader = ''", "DELETE FROM reading_chain"):
        with (
            psycopg.connect(database_url) as connection,
            pytest.raises(psycopg.errors.RaiseException, match="only added to"),
        ):
            connection.execute(statement.encode())


def as_owner(database_url: str, statement: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET session_replication_role = replica")  # triggers rest
        connection.execute(statement.encode())

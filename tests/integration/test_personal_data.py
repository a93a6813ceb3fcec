"""A person gets everything held about him and nothing of others; a correction is a new submission."""

import io
import json
import zipfile
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from claims.checking.samples import load_sample
from claims.exchange.access.access_log import AccessFilter, AccessKind
from claims.exchange.access.places import EVERYWHERE, Place
from claims.exchange.access.principal import Grant
from claims.exchange.access.session import Stage
from claims.exchange.data_requests import RequestKind
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.localtime import local_date
from claims.runtime.wiring import Service
from tests.in_process import TestClient

FACILITY, OTHER = FacilityCode("99001"), FacilityCode("99002")
ME, SOMEBODY = "001099000017", "001099000018"
WRONG = "The date of birth is wrong"


def hand_in(service: Service, person: str, *changes: str, facility: FacilityCode = FACILITY) -> SubmissionId:
    data = load_sample("outpatient", [f"XML1.SO_CCCD = {person}", *changes]).write()
    submission = service.receive(data, facility=facility, actor="test").submission
    service.check([submission.id])
    return submission.id


def as_role(service: Service, role: str, place: str) -> dict[str, str]:
    person, _ = service.manage_people.add(
        f"{role}.{place}", name="Một người", grants=[Grant(role, Place(place))], by="test"
    )
    return {"Authorization": f"Bearer {service.sessions.open(person, stage=Stage.FULL, method='password')}"}


def export(client: TestClient, who: dict[str, str], *numbers: str) -> dict[str, Any]:
    answer = client.post("/v1/person-exports", json={"numbers": numbers}, headers=who)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {
            name: json.loads(archive.read(name)) if name.endswith(".json") else archive.read(name).decode()
            for name in archive.namelist()
        }


def record(client: TestClient, who: dict[str, str]) -> dict[str, Any]:
    wanted = {"kind": "correction", "numbers": [ME], "text": WRONG}
    answer = client.post("/v1/data-requests", json=wanted, headers=who)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_person_gets_every_field_of_his_claims_and_who_saw_them(
    service: Service, client: TestClient
) -> None:
    mine, _ = hand_in(service, ME), hand_in(service, SOMEBODY, "XML1.MA_LK = KHAC")
    client.get(f"/v1/submissions/{mine}/findings", headers=as_role(service, "hospital", FACILITY))

    files = export(client, as_role(service, "data-officer", FACILITY), ME)

    claim = files.pop(f"claims/{mine}-1.json")
    assert set(files) == {"README.vi.txt", "README.en.txt", "readings.json", "requests.json"}
    assert claim["tables"]["XML1"][0]["SO_CCCD"] == ME
    assert [one["what"] for one in claim["history"]][:2] == ["received", "rejected"]
    assert [one["what"] for one in files["readings.json"]] == ["findings"]
    assert "Claims in this file: 1." in files["README.en.txt"]
    assert SOMEBODY not in json.dumps([claim, files])


def test_of_a_bundle_with_several_patients_only_ones_own_claim_is_given(
    service: Service, client: TestClient
) -> None:
    first = load_sample("outpatient", [f"XML1.SO_CCCD = {ME}"]).write()
    second = load_sample("outpatient", [f"XML1.SO_CCCD = {SOMEBODY}", "XML1.MA_LK = KHAC"]).write()
    inner = second.partition(b"<DANHSACHHOSO>")[2].partition(b"</DANHSACHHOSO>")[0]
    both = first.replace(b"</DANHSACHHOSO>", inner + b"</DANHSACHHOSO>")
    submission = service.receive(both, facility=FACILITY, actor="test").submission
    service.check([submission.id])

    files = export(client, as_role(service, "data-officer", FACILITY), SOMEBODY)

    assert [name for name in files if name.startswith("claims/")] == [f"claims/{submission.id}-2.json"]
    assert ME not in json.dumps(files)


def test_each_place_gives_what_it_holds(service: Service, client: TestClient) -> None:
    own = hand_in(service, ME)
    elsewhere = hand_in(service, ME, "XML1.MA_LK = KHAC", facility=OTHER)

    facility = export(client, as_role(service, "data-officer", FACILITY), ME)
    province = export(client, as_role(service, "data-officer", "99"), ME)

    assert f"claims/{elsewhere}-1.json" not in facility
    assert {f"claims/{own}-1.json", f"claims/{elsewhere}-1.json"} <= set(province)


def test_an_export_is_noted_as_a_reading_of_each_claim(service: Service, client: TestClient) -> None:
    mine, officer = hand_in(service, ME), as_role(service, "data-officer", FACILITY)
    export(client, officer, ME)

    noted = client.post("/v1/readings/search", json={"submission_id": mine}, headers=officer).json()["data"]

    assert [one["page"] for one in noted] == ["personal_data"]


@pytest.mark.parametrize("role", ["hospital", "hospital-admin", "auditor"])
def test_nobody_else_gets_it(service: Service, client: TestClient, role: str) -> None:
    hand_in(service, ME)

    answer = client.post(
        "/v1/person-exports", json={"numbers": [ME]}, headers=as_role(service, role, FACILITY)
    )

    assert answer.status_code == 403


def test_a_correction_is_answered_by_a_later_submission_of_the_episode(
    service: Service, client: TestClient
) -> None:
    mine, officer = hand_in(service, ME), as_role(service, "data-officer", FACILITY)
    before = service.submissions.body(mine)
    path = f"/v1/data-requests/{record(client, officer)['id']}/answer"
    stranger = hand_in(service, SOMEBODY, "XML1.MA_LK = KHAC")

    def answer(corrected_by: str) -> int:
        wanted = {"outcome": "corrected", "text": "Handed in again", "corrected_by": corrected_by}
        return client.post(path, json=wanted, headers=officer).status_code

    assert [answer(wrong) for wrong in (mine, stranger, "sub_x")] == [422, 422, 422]
    later = hand_in(service, ME, "XML1.NGAY_SINH = 198003020000")

    assert answer(later) == 200
    assert answer(later) == 409
    assert service.submissions.body(mine) == before
    (told,) = export(client, officer, ME)["requests.json"]
    assert (told["text"], told["outcome"], told["corrected_by"]) == (WRONG, "corrected", later)


def test_a_request_goes_its_way_and_every_step_is_noted(service: Service, client: TestClient) -> None:
    hand_in(service, ME)
    officer = as_role(service, "data-officer", FACILITY)
    path = f"/v1/data-requests/{record(client, officer)['id']}"

    first = client.post(f"{path}/acknowledgement", headers=officer).json()
    longer = client.post(f"{path}/extension", json={"reason": "Old paper"}, headers=officer).json()
    twice = client.post(f"{path}/extension", json={"reason": "Again"}, headers=officer)
    client.post(f"{path}/answer", json={"outcome": "not_wrong", "text": "As registered"}, headers=officer)

    added = date.fromisoformat(longer["answer_by"]) - date.fromisoformat(first["answer_by"])
    assert added == timedelta(days=10)
    assert twice.status_code == 409
    which = AccessFilter(EVERYWHERE, (AccessKind.DATA_REQUEST,))
    steps = [one.detail["what"] for one in service.access_log.list_page(which, limit=10, before=None)]
    assert steps == ["answered", "extended", "acknowledged", "recorded"]


def test_what_is_asked_is_sealed(service: Service, client: TestClient, database_url: str) -> None:
    hand_in(service, ME)
    record(client, as_role(service, "data-officer", FACILITY))

    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT q::text FROM data_request q UNION ALL SELECT e::text FROM access_event e"
        ).fetchall()

    assert not [each for each in (WRONG, WRONG.encode().hex(), ME, ME.encode().hex()) if each in str(rows)]


def test_a_request_of_another_facility_is_not_there(service: Service, client: TestClient) -> None:
    hand_in(service, ME)
    request = record(client, as_role(service, "data-officer", FACILITY))
    other = as_role(service, "data-officer", OTHER)
    wanted = {"kind": "access", "numbers": [ME], "text": "All of it"}

    assert client.get(f"/v1/data-requests/{request['id']}", headers=other).status_code == 404
    assert client.get("/v1/data-requests", headers=other).json()["data"] == []
    assert client.post("/v1/data-requests", json=wanted, headers=other).status_code == 422


def test_its_times_are_the_decrees(service: Service) -> None:
    hand_in(service, ME)
    officer = Grant("data-officer", Place(FACILITY))
    person, _ = service.manage_people.add("officer", name="X", grants=[officer], by="test")
    requests, caller = service.data_requests, person.principal.allowed("person.request")

    made = requests.record(caller, RequestKind.ACCESS, service.blind_persons(ME), facility=FACILITY, text="x")

    assert made.answer_by - local_date(made.recorded_at) == timedelta(days=10)
    assert made.acknowledge_by < made.answer_by
    assert not made.is_late(made.acknowledge_by)
    assert made.is_late(made.acknowledge_by + timedelta(days=1))
    acknowledged = requests.acknowledge(made.id, within=caller.within)
    assert not acknowledged.is_late(made.answer_by)
    assert acknowledged.is_late(made.answer_by + timedelta(days=1))

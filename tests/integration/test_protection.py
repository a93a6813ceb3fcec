"""What is specially protected shows to whoever has its right, or broke the glass, and to nobody else."""

import re
from collections.abc import Iterator

import pytest
from httpx2 import Response

from claims.checking.samples import load_sample
from claims.console.app import create_console
from claims.console.viewer import form_token
from claims.exchange.access.keys import Scope
from claims.exchange.access.places import EVERYWHERE, Place
from claims.exchange.access.principal import Grant
from claims.exchange.access.readings import ReadingFilter
from claims.exchange.access.session import Stage
from claims.exchange.submission import EventKind, FacilityCode, Submission, SubmissionId
from claims.runtime.wiring import Service
from tests.in_process import TestClient
from tests.integration.conftest import settle

FACILITY = FacilityCode("99001")
REASON = {"reason": "The ward waits for the earlier treatment", "minutes": 30}
#: What puts a claim into each class: a table, its main diagnosis, one of many, one of a row in another table.
PROTECTED = {
    "hiv-table": ("hiv", ["XML1.MA_BENH_CHINH = J18.9"]),
    "hiv-diagnosis": ("outpatient", ["XML1.MA_BENH_CHINH = B20"]),
    "psychiatric": ("outpatient", ["XML1.MA_BENH_CHINH = f20.0"]),
    "sexual-second": ("outpatient", ["XML1.MA_BENH_KT = I10;A54.0"]),
    "psychiatric-in-a-row": ("outpatient", ["XML3[1].MA_BENH = J18.9;F32"]),
}
CONTENT = ("paper", "archive", "assessment")


def checked(service: Service, sample: str, changes: list[str]) -> Submission:
    data = load_sample(sample, changes).write()
    submission = service.receive(data, facility=FACILITY, actor="test").submission
    service.check([submission.id])
    return submission


def of_person(service: Service, role: str, place: str = "99") -> dict[str, str]:
    person, _ = service.manage_people.add(
        f"{role}.{place}", name="Một người", grants=[Grant(role, Place(place))], by="test"
    )
    return {"Authorization": f"Bearer {service.sessions.open(person, stage=Stage.FULL, method='password')}"}


def of_key(service: Service, *scopes: Scope) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {service.issue_key(facility=FACILITY, scopes=frozenset(scopes), label='x')}"
    }


def ask(client: TestClient, who: dict[str, str], submission: Submission, what: str) -> Response:
    return client.get(f"/v1/submissions/{submission.id}/{what}", headers=who)


def is_refused(response: Response) -> bool:
    return response.status_code == 403 and response.json()["code"] == "protected-record"


@pytest.mark.parametrize(("sample", "changes"), PROTECTED.values(), ids=PROTECTED)
def test_a_protected_claim_shows_only_with_its_right(
    service: Service, client: TestClient, sample: str, changes: list[str]
) -> None:
    submission = checked(service, sample, changes)
    plain, trusted = of_key(service, Scope.READ), of_key(service, Scope.READ, Scope.PROTECTED)

    for what in CONTENT:
        assert is_refused(ask(client, plain, submission, what)), what
        assert ask(client, trusted, submission, what).status_code == 200, what
    (hidden,) = ask(client, plain, submission, "findings").json()["claims"]
    (shown,) = ask(client, trusted, submission, "findings").json()["claims"]
    assert (hidden["is_withheld"], hidden["tables"], hidden["t_bhtt"]) == (True, {}, None)
    assert not shown["is_withheld"]
    assert "XML1" in shown["tables"]


def test_a_refusal_does_not_tell_the_class(service: Service, client: TestClient) -> None:
    submission = checked(service, *PROTECTED["hiv-table"])
    answers = [ask(client, of_key(service, Scope.READ), submission, what) for what in (*CONTENT, "findings")]

    assert not any(re.search(r"\b(hiv|xml6|b20)\b", answer.text.lower()) for answer in answers)


def test_a_claim_of_no_class_is_open(service: Service, client: TestClient) -> None:
    submission = checked(service, "outpatient", ["XML1.MA_BENH_CHINH = J18.9"])
    plain = of_key(service, Scope.READ)

    assert [ask(client, plain, submission, what).status_code for what in CONTENT] == [200, 200, 200]
    assert not ask(client, plain, submission, "findings").json()["claims"][0]["is_withheld"]


def test_what_was_not_checked_yet_counts_as_protected(service: Service, client: TestClient) -> None:
    data = load_sample("outpatient").write()
    submission = service.receive(data, facility=FACILITY, actor="test").submission

    assert is_refused(ask(client, of_key(service, Scope.READ), submission, "paper"))


def test_claims_of_before_classes_were_kept_count_as_protected(service: Service, client: TestClient) -> None:
    submission = checked(service, "outpatient", [])
    with service.pool.connection() as connection:
        connection.execute("UPDATE claim SET classes = NULL")

    plain = of_key(service, Scope.READ)
    assert is_refused(ask(client, plain, submission, "paper"))
    assert ask(client, plain, submission, "findings").json()["claims"][0]["is_withheld"]


@pytest.fixture
def hidden(service: Service) -> Submission:
    return checked(service, *PROTECTED["hiv-table"])


def test_broken_glass_opens_one_submission_for_one_person_and_tells_the_facility(
    service: Service, client: TestClient, hidden: Submission
) -> None:
    reviewer, another = of_person(service, "reviewer"), of_person(service, "reviewer", "")
    other = checked(service, *PROTECTED["psychiatric"])
    assert is_refused(ask(client, reviewer, hidden, "paper"))

    opened = client.post(f"/v1/submissions/{hidden.id}/openings", json=REASON, headers=reviewer)

    assert opened.status_code == 201
    assert ask(client, reviewer, hidden, "paper").status_code == 200
    assert "XML6" in ask(client, reviewer, hidden, "findings").json()["claims"][0]["tables"]
    assert is_refused(ask(client, another, hidden, "paper"))
    assert is_refused(ask(client, reviewer, other, "paper"))
    admin = of_person(service, "hospital-admin", FACILITY)
    (told,) = client.get("/v1/openings", headers=admin).json()["data"]
    assert (told["submission_id"], told["reason"], told["by"]) == (
        hidden.id,
        REASON["reason"],
        opened.json()["by"],
    )
    event = service.submissions.events(SubmissionId(hidden.id))[-1]
    assert (event.kind, event.actor) == (EventKind.GLASS_BROKEN, told["by"])
    settle(service.pool)
    feed = client.get("/v1/events", headers=of_person(service, "hospital", FACILITY)).json()["data"]
    assert feed[-1]["kind"] == "glass_broken"


def test_the_glass_is_whole_again_when_the_time_is_over(
    service: Service, client: TestClient, hidden: Submission
) -> None:
    reviewer = of_person(service, "reviewer")
    client.post(f"/v1/submissions/{hidden.id}/openings", json=REASON, headers=reviewer)

    with service.pool.connection() as connection:
        connection.execute("UPDATE opening SET until = now() - interval '1 second'")

    assert is_refused(ask(client, reviewer, hidden, "paper"))


def test_who_lost_his_role_sees_nothing_through_the_glass_he_broke(
    service: Service, client: TestClient, hidden: Submission
) -> None:
    who = of_person(service, "reviewer")
    client.post(f"/v1/submissions/{hidden.id}/openings", json=REASON, headers=who)
    person = service.people.find_by_login("reviewer.99")
    assert person is not None
    service.people.revoke(person.id, Grant("reviewer", Place("99")))

    assert ask(client, who, hidden, "paper").status_code == 403


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"reason": "x"}, id="no-reason"),
        pytest.param({"reason": "          .          "}, id="a-reason-of-spaces"),
        pytest.param({**REASON, "minutes": 241}, id="too-long"),
        pytest.param({**REASON, "minutes": 0}, id="no-time"),
        pytest.param({**REASON, "by": "usr_else"}, id="in-anothers-name"),
    ],
)
def test_the_glass_is_not_broken_without_reason_and_limit(
    service: Service, client: TestClient, hidden: Submission, wanted: dict[str, object]
) -> None:
    reviewer = of_person(service, "reviewer")

    answer = client.post(f"/v1/submissions/{hidden.id}/openings", json=wanted, headers=reviewer)

    assert answer.status_code == 422
    assert is_refused(ask(client, reviewer, hidden, "paper"))


def test_a_key_and_a_reviewer_of_elsewhere_break_no_glass(
    service: Service, client: TestClient, hidden: Submission
) -> None:
    path = f"/v1/submissions/{hidden.id}/openings"

    assert client.post(path, json=REASON, headers=of_key(service, *Scope)).status_code == 403
    assert client.post(path, json=REASON, headers=of_person(service, "reviewer", "01")).status_code == 404


@pytest.fixture
def console(service: Service) -> Iterator[TestClient]:
    with TestClient(create_console(service), base_url="http://127.0.0.1", follow_redirects=False) as client:
        yield client


def words_of(page: Response) -> set[str]:
    """Return what is read on a page; ids and tokens, which hold any three letters in time, are none."""
    return {*re.findall(r"\w+", re.sub(r"<[^>]*>", " ", page.text))}


def test_the_console_asks_for_a_reason_and_then_shows_the_claim(
    service: Service, console: TestClient, hidden: Submission
) -> None:
    with service.pool.connection() as connection:
        connection.execute("INSERT INTO review_due VALUES (%s)", [hidden.id])
    service.open_reviews()
    token = of_person(service, "reviewer")["Authorization"].split()[1]
    console.cookies.set("ehoso", token)
    claim, form = f"/claims/{hidden.id}/1", {"token": form_token(token), "minutes": "15"}

    led = console.get(claim)
    asked = console.get(f"{claim}/glass")
    refused = console.post(f"{claim}/glass", data=form | {"reason": "x"})
    opened = console.post(f"{claim}/glass", data=form | {"reason": REASON["reason"]})
    shown = console.get(claim)

    assert (led.status_code, asked.status_code, refused.status_code) == (303, 200, 422)
    assert not {"B20", "XML6"} & words_of(asked)
    assert led.headers["Location"].endswith(f"{claim}/glass")
    assert opened.status_code == 303
    assert (shown.status_code, {"B20", "XML6"} & words_of(shown)) == (200, {"XML6"})
    (reading,) = service.readings.list_page(
        ReadingFilter(EVERYWHERE, submission_id=hidden.id), limit=10, before=None
    ).items
    assert reading.seen[0].submission_id == hidden.id


@pytest.mark.parametrize(("sample", "changes"), PROTECTED.values(), ids=PROTECTED)
def test_claims_from_before_classes_get_those_that_their_check_would_find(
    service: Service, sample: str, changes: list[str]
) -> None:
    submission, plain = checked(service, sample, changes), checked(service, "outpatient", [])
    expected = {one.id: service.submissions.classes(one.id) for one in (submission, plain)}
    forget_classes(service)
    assert service.classifying.count() == 2

    done = service.classifying()

    assert (done.found, done.unreadable) == (2, 0)
    assert {one.id: service.submissions.classes(one.id) for one in (submission, plain)} == expected
    assert service.classifying() == type(done)()


def test_a_claim_whose_content_is_gone_stays_of_every_class(service: Service, client: TestClient) -> None:
    submission = checked(service, "outpatient", [])
    forget_classes(service)
    with service.pool.connection() as connection:
        connection.execute("DELETE FROM data_key")

    done = service.classifying()

    assert (done.found, done.unreadable) == (0, 1)
    (hidden,) = ask(client, of_key(service, Scope.READ), submission, "findings").json()["claims"]
    assert hidden["is_withheld"]


def forget_classes(service: Service) -> None:
    with service.pool.connection() as connection:
        connection.execute("UPDATE claim SET classes = NULL")

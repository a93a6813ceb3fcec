"""Whatever stands in an address or a form of the console is answered with a page; nothing is half done."""

from collections.abc import Iterator

import lxml.html
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from claims.console.app import create_console
from claims.console.viewer import form_token
from claims.exchange.access.people import grant_of
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.access.session import Stage
from claims.exchange.submission import FacilityCode, SubmissionFilter
from claims.runtime.wiring import Service
from claims.web import create_app
from tests.in_process import TestClient

pytestmark = pytest.mark.any_server

#: Addresses of lists, by who reads them, with every parameter that they take.
ADDRESSES = {
    "senior-reviewer": {
        "/claims": "q lane order least most facility code state cursor sample seed",
        "/same": "code facility cursor",
        "/confirmations": "cursor",
    },
    "operator": {
        "/overview": "x",
        "/failures": "facility",
        "/submissions": "state cause facility ma_lk from until id cursor",
        "/submissions.csv": "state cause facility from until",
        "/submissions-of": "q",
        "/replays": "cursor",
        "/holdings": "facility",
    },
    "auditor": {
        "/readings": "reader submission from until before number",
        "/readings/access": "kind reader from until before",
        "/readings/access.csv": "kind reader from until before",
    },
    "administrator": {"/people": "q after", "/clients": "facility"},
}
SENSELESS = (
    "\0",
    "-1",
    "0",
    "9" * 30,
    "1e9",
    "x" * 3_000,
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "0001-01-01",
    "9999-12-31",
    "2026-02-30",
    "../../etc/passwd",
    "🦠",
)


@pytest.fixture
def console(service: Service) -> Iterator[TestClient]:
    app = Starlette(routes=[Mount("/console", create_console(service))])
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def signed_in(service: Service, role: str) -> str:
    login = f"somebody.{role}"
    found = service.people.find_by_login(login)
    if found is None:
        found, _ = service.manage_people.add(login, name="Ai Đó", grants=[grant_of(role, "")], by="test")
    return service.sessions.open(found, stage=Stage.FULL, method="password")


@pytest.mark.parametrize("role", sorted(ADDRESSES))
def test_no_address_makes_a_page_fail(service: Service, console: TestClient, role: str) -> None:
    cookie = {"Cookie": f"ehoso={signed_in(service, role)}"}
    faults = []
    for path, names in ADDRESSES[role].items():
        for name in names.split():
            for value in SENSELESS:
                answer = console.get(f"/console{path}", params={name: value}, headers=cookie)
                if answer.status_code >= 500 or "<script>alert(1)" in answer.text:
                    faults.append(f"{path}?{name}={value[:20]!r}: {answer.status_code}")

    assert faults == []


def test_what_waits_for_a_second_look_has_pages(service: Service, console: TestClient) -> None:
    service.receive(b"<x/>", facility=FacilityCode("99001"), actor="test")
    with service.pool.connection() as connection:
        connection.execute(
            "INSERT INTO review (submission_id, ordinal, facility, received_at, ma_lk, patient, words, "
            "diagnosis, claimed, classes, lane, lane_reasons, codes, dice, state, verdict, approved, "
            "decided_by, decided_at) SELECT id, n, facility, received_at, 'LK' || n, 'x', '', 'J00', 100, "
            "'{}', 'clean', '{}', '{}', 1, 'proposed', 'accepted', 100, 'somebody', received_at "
            "FROM submission, generate_series(1, 70) n"
        )
    cookie = {"Cookie": f"ehoso={signed_in(service, 'senior-reviewer')}"}
    seen, address = [], "/console/confirmations"
    while address:
        page = lxml.html.fromstring(console.get(address, headers=cookie).text)
        seen += page.xpath("//tbody//th//text()")
        address = "".join(page.xpath("//nav[@class='paging']//a[@rel='next']/@href"))

    assert seen == [f"LK{number}" for number in range(1, 71)]


@pytest.mark.parametrize(
    ("state", "path"),
    [
        pytest.param("open", "/claims", id="inbox"),
        pytest.param("proposed", "/confirmations", id="confirmations"),
    ],
)
def test_a_name_that_cannot_be_read_is_said_where_it_would_stand(
    service: Service, console: TestClient, state: str, path: str
) -> None:
    service.receive(b"<x/>", facility=FacilityCode("99001"), actor="test")
    with service.pool.connection() as connection:
        connection.execute(
            "INSERT INTO review (submission_id, ordinal, facility, received_at, ma_lk, patient, "
            "patient_sealed, words, diagnosis, claimed, classes, lane, lane_reasons, codes, dice, state, "
            "verdict, approved, decided_by, decided_at) SELECT id, 1, facility, received_at, 'LK1', '', "
            "'damaged', '', 'J00', 100, '{}', 'clean', '{}', '{}', 1, %s, 'accepted', 100, 'somebody', "
            "received_at FROM submission",
            [state],
        )
    cookie = {"Cookie": f"ehoso={signed_in(service, 'senior-reviewer')}"}

    answer = console.get(f"/console{path}", headers=cookie)

    assert (answer.status_code, "LK1" in answer.text) == (200, True)
    assert "(không đọc được họ tên)" in answer.text


@pytest.mark.parametrize("content", [b"", b" \r\n"], ids=["empty", "blank"])
def test_an_empty_file_is_told_of_and_nothing_is_sent(
    service: Service, console: TestClient, content: bytes
) -> None:
    person, _ = service.manage_people.add(
        "somebody.sends", name="Ai Đó", grants=[grant_of("hospital", "99001")], by="test"
    )
    session = service.sessions.open(person, stage=Stage.FULL, method="password")

    answer = console.post(
        "/console/send",
        data={"token": form_token(session)},
        files={"file": ("a.xml", content)},
        headers={"Cookie": f"ehoso={session}", "Accept-Language": "en"},
    )

    assert (answer.status_code, "The file is empty" in answer.text) == (422, True)
    which = SubmissionFilter(within=EVERYWHERE)
    assert service.submissions.list_page(which, limit=1, cursor=None).items == ()


@pytest.mark.parametrize(
    ("role", "path", "field"),
    [
        pytest.param("operator", "/queues/pause", "reason", id="pause"),
        pytest.param("operator", "/replays/plans", "cause", id="plan"),
        pytest.param("auditor", "/readings", "number", id="number"),
        pytest.param("auditor", "/readings", "reader", id="reader"),
        pytest.param("administrator", "/people", "name", id="person"),
        pytest.param("administrator", "/holdings/keys", "facility", id="key"),
        pytest.param("administrator", "/clients", "public_key", id="client"),
    ],
)
def test_a_form_with_a_character_that_no_text_has_is_refused(
    service: Service, console: TestClient, role: str, path: str, field: str
) -> None:
    session = signed_in(service, role)

    answer = console.post(
        f"/console{path}",
        data={"token": form_token(session), field: "a\0b"},
        headers={"Cookie": f"ehoso={session}"},
    )

    assert answer.status_code == 400
    assert service.sending_switch.in_force() is None


@pytest.mark.parametrize("path", ["/signin", "/preferences"])
def test_so_is_one_of_somebody_who_is_not_signed_in(console: TestClient, path: str) -> None:
    answer = console.post(f"/console{path}", data={"name": "a\0b", "password": "x"})

    assert answer.status_code == 400


@pytest.mark.parametrize("declared", [pytest.param(True, id="declared"), pytest.param(False, id="streamed")])
@pytest.mark.parametrize(
    ("language", "said"),
    [
        pytest.param("vi", "Nội dung gửi lên quá lớn", id="vi"),
        pytest.param("en", "What was sent is too large", id="en"),
    ],
)
def test_what_is_too_long_is_answered_with_a_page(
    service: Service, language: str, said: str, declared: bool
) -> None:
    session = signed_in(service, "operator")
    body = b"token=" + form_token(session).encode() + b"&reason=" + b"x" * service.settings.max_body_bytes
    headers = {
        "Cookie": f"ehoso={session}",
        "Accept-Language": language,
        "Content-Type": "application/x-www-form-urlencoded",
    }

    content = body if declared else iter([body[:50_000], body[50_000:]])
    client = TestClient(create_app(service), follow_redirects=False)

    answer = client.post("/console/queues/pause", content=content, headers=headers)
    stranger = client.post("/console/queues/pause", content=body)

    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert f"<h1>{said}</h1>" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert service.sending_switch.in_force() is None
    assert (stranger.status_code, stranger.headers["Location"][:15]) == (303, "/console/signin")

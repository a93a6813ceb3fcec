"""OAuth clients in the console: registered by a public key, given the next one, ended; by whoever may."""

import re
from collections.abc import Callable

import pytest
from httpx2 import Response
from joserfc.jwk import ECKey

from claims.console.viewer import form_token
from claims.exchange.access.access_log import AccessFilter, AccessKind
from claims.exchange.access.clients import Client
from claims.exchange.access.keys import Scope
from claims.exchange.access.people import grant_of
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.access.session import Stage
from claims.exchange.submission import FacilityCode
from claims.runtime.wiring import Service
from claims.web import create_app
from tests.in_process import TestClient
from tests.integration.test_machine_access import FACILITY, OTHER, PUBLIC, ask_token, statement

pytestmark = pytest.mark.any_server

PRIVATE = ECKey.generate_key("P-256").as_pem(private=True).decode()
OTHER_CURVE = ECKey.generate_key("P-521").as_pem(private=False).decode()

Form = dict[str, str | list[str]]
Ask = Callable[..., Response]


@pytest.fixture
def web(service: Service) -> TestClient:
    service.facilities.add(OTHER, name="Khác", at=service.clock.now())
    return TestClient(create_app(service), raise_server_exceptions=False, follow_redirects=False)


def somebody(service: Service, web: TestClient, role: str, place: str = "") -> Ask:
    """Return how somebody of a role opens pages, and sends forms where there is something to send."""
    person, _ = service.manage_people.add(
        f"{role}.{place}x", name="Một", grants=[grant_of(role, place)], by="test"
    )
    session = service.sessions.open(person, stage=Stage.FULL, method="password")

    def ask(path: str, form: Form | None = None) -> Response:
        return web.request(
            "GET" if form is None else "POST",
            f"/console{path}",
            data=None if form is None else {"token": form_token(session), **form},
            headers={"Cookie": f"ehoso={session}", "Accept-Language": "en"},
        )

    return ask


def wanted(**changes: str | list[str]) -> Form:
    form: Form = {"facility": FACILITY, "label": "HIS", "scope": ["submit", "read"], "public_key": PUBLIC}
    return form | changes


def only_client(service: Service, facility: FacilityCode | None = FACILITY) -> Client:
    (client,) = service.clients.of_facility(facility)
    return client


def a_client(service: Service, facility: FacilityCode | None = FACILITY) -> Client:
    return service.manage_clients.register(
        PUBLIC, facility=facility, scopes=frozenset({Scope.READ}), label="HIS"
    )


def test_the_bar_says_where_one_is(service: Service, web: TestClient) -> None:
    administrator = somebody(service, web, "administrator")

    shown = administrator("/clients").text

    assert re.search(r'<a href="/console/holdings" aria-current="page">', shown)


@pytest.mark.parametrize(
    ("role", "place", "facility"),
    [
        pytest.param("administrator", "", FACILITY, id="the-nations-for-a-facility"),
        pytest.param("administrator", "", None, id="the-nations-for-the-service"),
        pytest.param("hospital-admin", FACILITY, FACILITY, id="a-facilitys-for-itself"),
    ],
)
def test_a_client_that_was_registered_gets_tokens_until_it_is_ended(
    service: Service, web: TestClient, role: str, place: str, facility: FacilityCode | None
) -> None:
    ask = somebody(service, web, role, place)

    made = ask("/clients", wanted(facility=facility or ""))
    client = only_client(service, facility)
    granted = ask_token(web, statement(client.id))
    page = ask(f"/clients/{client.id}")
    suspended = ask(f"/clients/{client.id}/suspend", {})
    waiting, its_page = ask_token(web, statement(client.id)), ask(f"/clients/{client.id}").text
    resumed = ask(f"/clients/{client.id}/resume", {})
    back = ask_token(web, statement(client.id))
    ended = ask(f"/clients/{client.id}/end", {})
    refused = ask_token(web, statement(client.id))

    assert (made.status_code, made.headers["Location"]) == (303, f"/console/clients/{client.id}")
    assert (client.label, client.scopes, client.is_bound) == ("HIS", {Scope.SUBMIT, Scope.READ}, False)
    assert (granted.status_code, ended.status_code, refused.status_code) == (200, 303, 401)
    assert (suspended.status_code, waiting.status_code) == (303, 401)
    assert "Suspended since" in its_page
    assert (resumed.status_code, back.status_code) == (303, 200)
    assert "not used yet" not in page.text
    assert "http://127.0.0.1:8000/oauth/token" in page.text
    told = service.access_log.list_page(AccessFilter(within=EVERYWHERE), limit=20, before=None)
    kinds = [event.kind for event in told]
    assert kinds[:4] == [
        AccessKind.CLIENT_ENDED,
        AccessKind.CLIENT_RESUMED,
        AccessKind.CLIENT_SUSPENDED,
        AccessKind.CLIENT_ADDED,
    ]


def test_keys_are_changed_without_a_break_two_at_most(service: Service, web: TestClient) -> None:
    ask, client = somebody(service, web, "administrator"), a_client(service)
    at = f"/clients/{client.id}"
    nexts = [ECKey.generate_key("P-256").as_pem(private=False).decode() for _ in range(2)]

    added = ask(f"{at}/keys", {"public_key": nexts[0]})
    third = ask(f"{at}/keys", {"public_key": nexts[1]})
    ended = ask(f"{at}/keys/{client.keys[0].id}/end", {})
    again = ask(f"{at}/keys", {"public_key": nexts[1]})

    assert [one.status_code for one in (added, third, ended, again)] == [303, 422, 303, 303]
    assert "Two keys are live" in third.text
    found = only_client(service)
    assert len(found.keys) == 3
    assert client.keys[0].id not in {one.id for one in found.live_keys(service.clock.now())}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"label": " "}, "Give the client a label", id="no-label"),
        pytest.param({"scope": []}, "Choose at least one", id="no-scope"),
        pytest.param({"scope": ["everything"]}, "Choose at least one", id="unknown-scope"),
        pytest.param({"public_key": ""}, "cannot be read", id="no-key"),
        pytest.param({"public_key": "-----BEGIN x"}, "cannot be read", id="no-pem"),
        pytest.param({"public_key": '{"kty": "oct", "k": "AA"}'}, "cannot be read", id="shared-secret"),
        pytest.param({"public_key": OTHER_CURVE}, "do not count", id="other-curve"),
        pytest.param({"public_key": PRIVATE}, "This is a private key", id="private-key"),
    ],
)
def test_what_cannot_be_registered_is_said(
    service: Service, web: TestClient, changes: Form, said: str
) -> None:
    answer = somebody(service, web, "administrator")("/clients", wanted(**changes))

    assert answer.status_code == 422
    assert said in answer.text
    assert service.clients.of_facility(FACILITY) == []
    assert "PRIVATE KEY" not in answer.text


def test_an_ended_client_takes_no_key(service: Service, web: TestClient) -> None:
    ask, client = somebody(service, web, "administrator"), a_client(service)
    service.manage_clients.revoke(client.id)

    answer = ask(f"/clients/{client.id}/keys", {"public_key": PUBLIC})

    assert (answer.status_code, "has ended" in answer.text) == (422, True)
    assert "<form" not in answer.text.partition("<main")[2].partition("</main")[0]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"facility": OTHER}, 403, id="for-another"),
        pytest.param({"facility": "x"}, 403, id="for-none"),
        pytest.param({"scope": ["review"]}, 403, id="to-decide-on-its-own-claims"),
        pytest.param({"token": "0" * 32}, 403, id="from-another-session"),
    ],
)
def test_a_facilitys_administrator_gives_no_more_than_he_may(
    service: Service, web: TestClient, changes: Form, status: int
) -> None:
    ask = somebody(service, web, "hospital-admin", FACILITY)

    answer = ask("/clients", wanted(**changes))

    assert answer.status_code == status
    assert [*service.clients.of_facility(FACILITY), *service.clients.of_facility(OTHER)] == []


@pytest.mark.parametrize(
    "facility", [pytest.param(OTHER, id="another's"), pytest.param(None, id="service's")]
)
def test_clients_elsewhere_are_not_there(
    service: Service, web: TestClient, facility: FacilityCode | None
) -> None:
    ask, client = somebody(service, web, "hospital-admin", FACILITY), a_client(service, facility)
    at = f"/clients/{client.id}"

    answers = [
        ask(at),
        ask(f"{at}/keys", {"public_key": PUBLIC}),
        ask(f"{at}/keys/{client.keys[0].id}/end", {}),
        ask(f"{at}/end", {}),
    ]
    listed = ask(f"/clients?facility={facility or ''}")

    assert [one.status_code for one in answers] == [404] * 4
    assert client.id not in listed.text
    assert only_client(service, facility) == client


@pytest.mark.parametrize(
    ("role", "place", "seen"),
    [
        pytest.param("operator", "", True, id="operator"),
        pytest.param("operator", "99", True, id="of-a-province"),
        pytest.param("auditor", FACILITY, True, id="auditor"),
        pytest.param("reviewer", "", False, id="reviewer"),
        pytest.param("hospital", FACILITY, False, id="billing-staff"),
    ],
)
def test_who_only_looks_changes_nothing(
    service: Service, web: TestClient, role: str, place: str, seen: bool
) -> None:
    ask, client = somebody(service, web, role, place), a_client(service)

    page, listed = ask(f"/clients/{client.id}"), ask(f"/clients?facility={FACILITY}")
    refused = [
        ask("/clients", wanted()),
        ask(f"/clients/{client.id}/keys", {"public_key": PUBLIC}),
        ask(f"/clients/{client.id}/keys/{client.keys[0].id}/end", {}),
        ask(f"/clients/{client.id}/end", {}),
    ]

    assert (page.status_code, listed.status_code) == ((200, 200) if seen else (403, 403))
    assert (client.id in listed.text) == seen
    assert [one.status_code for one in refused] == [403] * 4
    assert only_client(service) == client


def test_a_province_does_not_see_the_services_own(service: Service, web: TestClient) -> None:
    client = a_client(service, None)

    listed = somebody(service, web, "operator", "99")("/clients")

    assert (listed.status_code, client.id in listed.text) == (200, False)
    assert "Give a facility&#39;s code" in listed.text

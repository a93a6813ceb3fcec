"""Every route x everybody: what the table of rights says is what happens, and nobody else's records show.

The routes come from the application, the callers from the table: one for each role or scope in each kind of
place it may be given for, and those whose proof is missing, false, expired or revoked. Each of them asks each
route for records of three facilities: the caller's own, one of its province, one of another province.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
import pytest
from httpx2 import Response
from joserfc.jwk import ECKey
from psycopg import sql
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount
from ulid import ULID

from claims.api.app import create_app
from claims.console.app import create_console
from claims.console.viewer import form_token
from claims.exchange.access.keys import ApiKey, Scope
from claims.exchange.access.places import EVERYWHERE, Place, PlaceKind, Reach
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Grant, Principal, PrincipalKind
from claims.exchange.access.protection import Opening
from claims.exchange.access.session import Stage
from claims.exchange.access.sessions import digest
from claims.exchange.batches import Batch, new_batch_id
from claims.exchange.data_requests import DataRequest, LinkedClaim, RequestKind
from claims.exchange.replay import NewReplay
from claims.exchange.review.review import Lane, NewReview, Subject
from claims.exchange.submission import Event, EventKind, FacilityCode, Submission, SubmissionFilter
from claims.exchange.webhooks import Webhook
from claims.runtime.embedded import Addresses
from claims.runtime.guarding import GuardedRoute, routes_of
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.in_process import TestClient

pytestmark = pytest.mark.any_server

POLICY = load_policy()
OWN, NEAR, FAR = FacilityCode("79001"), FacilityCode("79002"), FacilityCode("01001")
PLACES: Final = {PlaceKind.FACILITY: "79001", PlaceKind.PROVINCE: "79", PlaceKind.NATION: ""}
#: At least one round, so that new routes cannot shrink it unseen.
FEWEST_CASES: Final = 2000
NOW = datetime.now(UTC)

PUBLIC_KEY: Final = ECKey.generate_key("P-256", private=False).as_pem(private=False).decode()
#: What a request needs to be about something; a route that is not named here gets an empty document.
BODIES: Mapping[str, object] = {
    "/v1/submissions/{submission_id}/withdrawal": {"reason": "test"},
    "/v1/submissions/{submission_id}/hold": {"reason": "test"},
    "/v1/submissions/{submission_id}/release": {"reason": "test"},
    "/v1/submissions/{submission_id}/erasure": {"reason": "test"},
    "/v1/submissions/{submission_id}/openings": {"reason": "a test of every route"},
    "/v1/clients/{client_id}/keys": {"public_key": PUBLIC_KEY},
    "/v1/submissions/{submission_id}/reviews/{claim}/adjustments": {"prepared_by": "test", "head": "test"},
    "/v1/data-requests/{request_id}/extension": {"reason": "test"},
    "/v1/data-requests/{request_id}/answer": {"outcome": "refused", "text": "test"},
    "/v1/replays": {"where": {"state": ["rejected"]}, "dry_run": True},
    "/v1/webhooks/{webhook_id}": {"description": "test"},
    "/v1/submissions/{submission_id}/reviews/{claim}/answers": {"text": "test"},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token; without a principal the token opens nothing."""

    name: str
    token: str | None
    principal: Principal | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


@dataclass
class World:
    """A service with three facilities' records and everybody who may call."""

    service: Service
    client: TestClient
    callers: list[Caller] = field(default_factory=list)
    ids: dict[FacilityCode, dict[str, str]] = field(default_factory=dict)

    def secret_of(self, facility: FacilityCode) -> tuple[str, ...]:
        """Return what only those may see who may see a facility's records."""
        return (f"only-{facility}", self.ids[facility]["sha256"])

    def settle(self, facility: FacilityCode) -> None:
        ids: dict[str, str] = {}
        self.service.facilities.add(facility, name=f"only-{facility}", at=NOW)
        body = f"<only-{facility}/>".encode()
        submission = self.service.receive(body, facility=facility, actor=f"only-{facility}").submission
        ids["submission_id"], ids["sha256"] = submission.id, submission.sha256
        # Content of what was not checked is nobody's but who may see every class.
        self.service.check([submission.id])
        self.service.openings.add(*an_opening(submission, reason=f"only-{facility}"))
        place = Place(facility)
        which = SubmissionFilter(within=Reach.of(place), sha256=submission.sha256)
        new = NewReplay(which, actor=facility, reason=f"only-{facility}", place=place)
        ids["replay_id"] = self.service.replays.create(new, now=NOW).id
        batch = Batch(new_batch_id(NOW), facility, facility.ljust(64, "0"), 1, f"only-{facility}", NOW, 0)
        ids["batch_id"] = self.service.batches.add(batch)[0].id
        subject = Subject(f"LK-{facility}", f"only-{facility}", (), None, "", None, Decimal(1))
        review = NewReview(submission.id, 1, facility, NOW, subject, Lane.CLEAN, (), ())
        self.service.reviews.begin(submission.id, [review], now=NOW)
        ids["claim"] = "1"
        request = DataRequest(
            id=f"dreq_{ULID()}",
            kind=RequestKind.ACCESS,
            facility=facility,
            text=f"only-{facility}",
            claims=(LinkedClaim(submission.id, 1),),
            recorded_by="usr_x",
            recorded_at=NOW,
            acknowledge_by=NOW.date(),
            answer_by=NOW.date(),
        )
        self.service.data_requests.requests.add(request, [b"p" * 16])
        ids["request_id"] = request.id
        person, _ = self.service.manage_people.add(
            f"only-{facility}", name=f"only-{facility}", grants=[Grant("hospital", place)], by="test"
        )
        ids["person_id"] = person.id
        self.ids[facility] = ids
        self.renew(facility)

    def renew(self, facility: FacilityCode) -> None:
        """Make what may have been deleted: a webhook with something sent to it, a key, a client."""
        key = self.service.issue_key(
            facility=facility, scopes=frozenset({Scope.READ}), label=f"only-{facility}"
        )
        self.ids[facility]["key_id"] = key.split("_")[1]
        client = self.service.manage_clients.register(
            PUBLIC_KEY, facility=facility, scopes=frozenset({Scope.READ}), label=f"only-{facility}"
        )
        self.ids[facility]["client_id"], self.ids[facility]["thumbprint"] = client.id, client.keys[0].id
        webhook_id = f"whk_{uuid.uuid4().hex[:24]}"
        webhook = Webhook(
            id=webhook_id,
            facility=facility,
            url=f"https://only-{facility}.example/",
            types=("submission.acknowledged",),
            description="",
            created_at=NOW,
        )
        self.service.webhooks.add(webhook, b"k" * 32, most=10_000)
        self.ids[facility]["webhook_id"] = webhook_id
        self.ids[facility]["delivery_id"] = self.service.webhooks.ping(webhook_id, at=NOW).id


def an_opening(submission: Submission, *, reason: str) -> tuple[Opening, Event]:
    key = f"gls_{ULID()}"
    opening = Opening(key, submission.id, submission.facility, "usr_x", reason, NOW, NOW + timedelta(hours=1))
    return opening, Event(NOW, EventKind.GLASS_BROKEN, submission.state, "usr_x")


def people(service: Service) -> Iterator[Caller]:
    for role in POLICY.roles.values():
        for kind in role.places:
            grant = Grant(role.name, Place(PLACES[kind]))
            if role.is_machine:
                yield of_key(service, f"{role.name}@{kind}", {Scope(role.name)}, PLACES[kind])
            else:
                yield of_person(service, f"{role.name}@{kind}", grant)
    yield of_person(service, "nobody-in-particular")
    yield of_key(service, "no-scope", set(), OWN)
    yield Caller("none", None, None)
    yield Caller("nonsense", "ehs_000000000000_" + "0" * 48, None)
    yield Caller("no-session", "ses_" + "A" * 43, None)
    expired = of_key(service, "expired-key", set(Scope), OWN, expires_at=NOW - timedelta(seconds=1))
    yield replace(expired, principal=None)
    revoked = of_key(service, "revoked-key", set(Scope), OWN)
    assert revoked.token is not None
    service.api_keys.revoke(revoked.token.split("_")[1], at=NOW)
    yield replace(revoked, principal=None)
    for name in ("ended", "disabled", "unfinished", "rested"):
        yield of_person(service, f"{name}-session", Grant("senior-reviewer", Place("")), spoil=name)


def of_key(
    service: Service, name: str, scopes: set[Scope], place: str, expires_at: datetime | None = None
) -> Caller:
    facility = FacilityCode(place) if place else None
    token = service.issue_key(facility=facility, scopes=frozenset(scopes), label=name, expires_at=expires_at)
    key: ApiKey | None = service.api_keys.find(token.split("_")[1])
    assert key is not None
    return Caller(name, token, key.principal)


def of_person(service: Service, name: str, *grants: Grant, spoil: str = "") -> Caller:
    login = name.replace("@", ".")
    person, _ = service.manage_people.add(login, name=f"only-{name}", grants=grants, by="test")
    stage = Stage.ENROLL if spoil == "unfinished" else Stage.FULL
    token = service.sessions.open(person, stage=stage, method="password")
    if spoil == "ended":
        service.sessions.end(token)
    if spoil == "disabled":
        service.people.set_disabled(person.id, NOW)
    if spoil == "rested":
        with service.pool.connection() as connection:
            connection.execute(
                "UPDATE session SET seen_at = %s WHERE digest = %s",
                [NOW - timedelta(hours=1), digest(token)],
            )
    return Caller(name, token, None if spoil else person.principal)


@pytest.fixture(scope="module")
def world(
    services: Addresses, migrated_database: str, pki: DemoPki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    name = f"claims_test_{uuid.uuid4().hex}"
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(migrated_database)
            )
        )
    url = urlsplit(services.database_url)._replace(path=f"/{name}").geturl()
    folder: Path = tmp_path_factory.mktemp("matrix")
    pki.write(folder / "trust")
    settings = Settings(data_dir=folder, signing_keys_passphrase=SecretStr("x"))
    service = Service(settings, url, services.broker_url)
    with TestClient(create_app(service), raise_server_exceptions=False) as client:
        world = World(service, client)
        for facility in (OWN, NEAR, FAR):
            world.settle(facility)
        world.callers = list(people(service))
        yield world
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def guarded(world: World) -> list[GuardedRoute]:
    routes = routes_of(world.client.app)  # type: ignore[arg-type] # FastAPI
    return [route for route in routes if route.actions and route.path.startswith("/v1/")]


def targets(route: GuardedRoute, caller: Caller) -> tuple[FacilityCode, ...]:
    """Return for whose records to ask: for all three, where the answers could differ."""
    if caller.principal is None:
        return (OWN,)
    return (OWN, FAR) if caller.principal.reach(*route.actions).is_nowhere else (OWN, NEAR, FAR)


def takes_facility(world: World, route: GuardedRoute) -> bool:
    operation = world.client.app.openapi()["paths"][route.path][route.method.lower()]  # type: ignore[attr-defined]
    return any(one["name"] == "facility" for one in operation.get("parameters", ()))


def ask(world: World, route: GuardedRoute, caller: Caller, facility: FacilityCode) -> Response:
    path = route.path
    for name, value in world.ids[facility].items():
        path = path.replace(f"{{{name}}}", value)
    has_body = route.method in {"POST", "PUT", "PATCH"}
    return world.client.request(
        route.method,
        path,
        params={"facility": facility} if takes_facility(world, route) else {},
        json=BODIES.get(route.path, {}) if has_body else None,
        headers=caller.headers,
    )


def fault_of(world: World, route: GuardedRoute, caller: Caller, facility: FacilityCode) -> str | None:
    """Return what is wrong with what happens, if anything."""
    response = ask(world, route, caller, facility)
    status = response.status_code
    (action,) = route.actions
    reach = None if caller.principal is None else caller.principal.reach(action)
    if status >= 500:
        return "server error"
    if reach is None or reach.is_nowhere:
        expected = 401 if reach is None else 403
        return None if status == expected else f"{status} instead of {expected}"
    for other in (OWN, NEAR, FAR):
        if not reach.covers(other) and is_shown(world, response, other):
            return f"shows {other}"
    return fault_of_allowed(route, status, is_within=reach.covers(facility))


def fault_of_allowed(route: GuardedRoute, status: int, *, is_within: bool) -> str | None:
    is_one = "{" in route.path
    if is_one and not is_within:
        return None if status == 404 else f"{status} instead of 404"
    refusals = {401, 403} if is_within else {401}
    if is_one and route.method != "DELETE":
        refusals.add(404)
    return f"{status} in spite of the right" if status in refusals else None


def is_shown(world: World, response: Response, facility: FacilityCode) -> bool:
    return any(secret in response.text for secret in world.secret_of(facility))


@pytest.mark.slow
def test_everybody_gets_on_every_route_what_the_table_says(world: World) -> None:
    faults, cases = [], 0
    for route in sorted(guarded(world), key=lambda one: (one.method == "DELETE", one.path)):
        for caller in world.callers:
            for facility in targets(route, caller):
                cases += 1
                fault = fault_of(world, route, caller, facility)
                if fault is not None:
                    faults.append(f"{route.method} {route.path} by {caller.name} for {facility}: {fault}")
                if route.method == "DELETE":
                    world.renew(facility)

    assert not faults, "\n".join(faults)
    assert cases >= FEWEST_CASES, cases


def console_of(world: World) -> TestClient:
    app = Starlette(routes=[Mount("/console", create_console(world.service))])
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


def pages(world: World) -> list[GuardedRoute]:
    return [route for route in routes_of(create_console(world.service)) if route.actions]


def look(
    world: World, console: TestClient, route: GuardedRoute, caller: Caller, facility: FacilityCode
) -> Response:
    """Open a page, or send its form: what is asked of a page is in its address."""
    path = route.path.replace("{ordinal}", "1").replace("{ending}", "csv").replace("{step}", "pause")
    path = path.replace("{code}", facility)
    for name, value in world.ids[facility].items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, path
    token = caller.token or ""
    return console.request(
        route.method,
        f"/console{path}",
        params={} if "{" in route.path else {"facility": facility},
        data={"token": form_token(token), "facility": facility} if route.method == "POST" else None,
        headers={"Cookie": f"ehoso={token}"},
    )


def targets_of_page(route: GuardedRoute, caller: Caller) -> tuple[FacilityCode, ...]:
    """Return whose records to ask for: machines have no session here, a list shows what one may see."""
    is_machine = caller.principal is not None and caller.principal.kind is not PrincipalKind.PERSON
    found = (OWN,) if is_machine or "{" not in route.path else targets(route, caller)
    if is_machine or caller.principal is None or not route.path.endswith(("/live", "/progress")):
        return found
    # A stream that may be seen has no end; that it shows what its page shows is for tests/browser.
    reach = caller.principal.reach(*route.actions)
    return tuple(one for one in found if reach.is_nowhere or ("{" in route.path and not reach.covers(one)))


def fault_of_page(
    world: World, route: GuardedRoute, caller: Caller, facility: FacilityCode, response: Response
) -> str | None:
    """Return what is wrong with a page, if anything."""
    status = response.status_code
    is_person = caller.principal is not None and caller.principal.kind is PrincipalKind.PERSON
    if status >= 500:
        return f"server error {status}"
    if caller.principal is None or not is_person:
        # Keys and clients are no way into the console.
        is_led = status == 303 and response.headers["location"].startswith("/console/signin")
        return None if is_led else f"{status} without a session"
    reach = caller.principal.reach(*route.actions)
    if reach.is_nowhere:
        return None if status == 403 else f"{status} instead of 403"
    for other in (OWN, NEAR, FAR):
        if not reach.covers(other) and is_shown(world, response, other):
            return f"shows {other}"
    is_one = any(name in route.path for name in ("{submission_id}", "{replay_id}", "{client_id}", "{key_id}"))
    if is_one and not reach.covers(facility):
        return None if status in NOT_THERE else f"{status} instead of 404"
    is_sent_away = is_to_sign_in(response) and route.path != "/signout"
    return f"{status} in spite of the right" if is_sent_away else None


#: Another's record is not there; a form that makes no sense, or a protected record, says as little.
NOT_THERE: Final = frozenset({403, 404, 422})


def is_to_sign_in(response: Response) -> bool:
    return response.headers.get("location", "").startswith("/console/signin")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_everybody_gets_on_every_page_what_the_table_says(world: World) -> None:
    faults, cases = [], 0
    with console_of(world) as console:
        # What signs out comes last.
        for route in sorted(pages(world), key=lambda one: (one.path == "/signout", one.path)):
            for caller in world.callers:
                for facility in targets_of_page(route, caller):
                    cases += 1
                    response = look(world, console, route, caller, facility)
                    fault = fault_of_page(world, route, caller, facility, response)
                    if fault is not None:
                        faults.append(f"{route.method} {route.path} by {caller.name} for {facility}: {fault}")
                    if route.path == "/signout":
                        break  # he has no session any more
    world.callers = list(people_again(world))
    for facility in (OWN, NEAR, FAR):
        world.renew(facility)  # some page has ended its key

    assert not faults, "\n".join(faults)
    assert cases >= FEWEST_CASES, cases


def people_again(world: World) -> Iterator[Caller]:
    """Give everybody who has signed out a session again."""
    for caller in world.callers:
        if caller.principal is None or caller.principal.kind is not PrincipalKind.PERSON:
            yield caller
            continue
        person = world.service.people.find(caller.principal.id)
        assert person is not None
        token = world.service.sessions.open(person, stage=Stage.FULL, method="password")
        yield replace(caller, token=token)


def test_a_parameter_that_no_route_has_is_refused_by_each_and_documented(world: World) -> None:
    documented = world.client.get("/openapi.json").json()["paths"]
    keys = [one for one in world.callers if one.principal is not None]

    for route in guarded(world):
        path = route.path.replace("{", "").replace("}", "")
        (action,) = route.actions
        caller = next(one for one in keys if one.principal and not one.principal.reach(action).is_nowhere)
        answer = world.client.request(route.method, f"{path}?no_such_thing=1", headers=caller.headers)
        assert answer.status_code == 422, (route, answer.text)
        assert answer.json()["errors"][0]["code"] == "unknown_parameter"
        responses = documented[route.path][route.method.lower()]["responses"]
        assert "`invalid-request`" in responses["422"]["description"]


def test_no_route_is_two_actions(world: World) -> None:
    assert all(len(route.actions) == 1 for route in guarded(world))


@pytest.mark.parametrize("facility", [NEAR, FAR])
def test_ids_of_others_in_a_replay_select_nothing(world: World, facility: FacilityCode) -> None:
    caller = next(one for one in world.callers if one.name == "hospital-admin@facility")
    ids = world.ids[facility]

    for where in (
        {"ids": [ids["submission_id"]]},
        {"sha256": ids["sha256"]},
        {"ids": [ids["submission_id"]], "facility": OWN},
    ):
        plan = world.client.post(
            "/v1/replays", json={"where": where, "dry_run": True}, headers=caller.headers
        ).json()
        assert sum(plan["counts"].values()) == 0
        assert plan["sample"] == []
    named = {"where": {"ids": [ids["submission_id"]], "facility": facility}, "dry_run": True}
    assert world.client.post("/v1/replays", json=named, headers=caller.headers).status_code == 403


def test_a_real_replay_of_others_ids_moves_nothing(world: World) -> None:
    caller = next(one for one in world.callers if one.name == "hospital-admin@facility")
    wanted = {"where": {"ids": [world.ids[FAR]["submission_id"]]}, "reason": "test"}

    started = world.client.post("/v1/replays", json=wanted, headers=caller.headers)

    assert started.status_code == 202
    assert started.json()["total"] == 0


@pytest.mark.parametrize("path", ["/v1/submissions", "/v1/replays"])
def test_a_cursor_of_the_nations_list_shows_a_facility_no_more_than_its_own(world: World, path: str) -> None:
    nation = next(one for one in world.callers if one.name == "auditor@nation")
    own = next(one for one in world.callers if one.name == "auditor@facility")
    page = world.client.get(path, params={"limit": 1}, headers=nation.headers).json()
    cursor = page["next_cursor"]

    answer = world.client.get(path, params={"cursor": cursor, "limit": 50}, headers=own.headers)

    assert answer.status_code == 200
    assert not any(is_shown(world, answer, one) for one in (NEAR, FAR))


def test_a_cursor_of_another_facilitys_feed_shows_only_the_own_one(world: World) -> None:
    nation = next(one for one in world.callers if one.name == "auditor@nation")
    own = next(one for one in world.callers if one.name == "auditor@facility")
    first = world.client.get("/v1/events", params={"facility": FAR, "limit": 1}, headers=nation.headers)
    cursor = next(value for key, value in first.json().items() if key.startswith("next"))

    for params in ({"cursor": cursor, "after": cursor}, {"facility": FAR}):
        answer = world.client.get("/v1/events", params=params, headers=own.headers)
        assert not any(is_shown(world, answer, one) for one in (NEAR, FAR))


def test_a_webhook_of_ones_own_does_not_open_anothers_deliveries(world: World) -> None:
    caller = next(one for one in world.callers if one.name == "hospital-admin@facility")
    path = f"/v1/webhooks/{world.ids[OWN]['webhook_id']}/deliveries/{world.ids[FAR]['delivery_id']}/resend"

    assert world.client.post(path, headers=caller.headers).status_code == 404


def test_a_key_for_a_facility_is_not_taken_for_a_province_of_the_same_beginning(world: World) -> None:
    found = world.service.submissions.list_page(
        SubmissionFilter(within=Reach.of(Place("79"))), limit=10, cursor=None
    )

    assert {one.facility for one in found.items} == {OWN, NEAR}
    everything = SubmissionFilter(within=EVERYWHERE)
    assert FAR in {
        one.facility for one in world.service.submissions.list_page(everything, limit=10, cursor=None).items
    }

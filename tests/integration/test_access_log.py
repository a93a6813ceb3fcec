"""Failed sign-ins and changes of who may do what are in one log, which shows when somebody changes it."""

from datetime import timedelta

import psycopg
import pytest
from joserfc.jwk import ECKey

from claims.exchange.access.access_log import AccessFilter, AccessKind
from claims.exchange.access.attempts import BY_NAME_AND_NETWORK, Client
from claims.exchange.access.errors import SignInRefused, TooManyAttempts
from claims.exchange.access.keys import Scope
from claims.exchange.access.people import grant_of
from claims.exchange.access.places import EVERYWHERE, Place, Reach
from claims.exchange.access.principal import Grant
from claims.exchange.access.session import Stage
from claims.exchange.submission import FacilityCode
from claims.runtime.wiring import Service
from claims.storage.audit_access import access_faults
from claims.storage.chains import ChainHead
from claims.storage.faults import Fault
from tests.in_process import TestClient

FACILITY = FacilityCode("99001")
HOME = Client("192.0.2.1")


def told(service: Service, within: Reach = EVERYWHERE) -> list[tuple[str, str, str]]:
    """Return kind, who did it and to whom, the oldest first; but for the facilities of the test."""
    found = service.access_log.list_page(AccessFilter(within), limit=100, before=None)
    told = [one for one in reversed(found) if one.kind is not AccessKind.FACILITY_ADDED]
    return [(one.kind, one.by, one.about) for one in told]


def test_what_an_administrator_does_to_people_is_noted(service: Service) -> None:
    person, _ = service.manage_people.add("an", name="An", grants=[grant_of("reviewer", "79")], by="adm")
    service.manage_people.grant("an", grant_of("auditor", ""), by="adm")
    service.manage_people.grant("an", grant_of("auditor", ""), by="adm")  # he has it
    service.manage_people.revoke("an", grant_of("reviewer", "79"), by="adm")
    service.manage_people.reset("an")
    service.manage_people.disable("an")
    service.manage_people.enable("an")

    kinds = [kind for kind, _, about in told(service) if about == person.id]

    assert kinds == [
        "person_added",
        "role_given",
        "role_given",
        "role_taken",
        "person_reset",
        "person_closed",
        "person_reopened",
    ]


def test_failed_sign_ins_are_noted_and_a_lock_out_once(service: Service) -> None:
    person, password = service.manage_people.add("an", name="An", grants=[], by="test")
    for _ in range(BY_NAME_AND_NETWORK.most):
        with pytest.raises(SignInRefused):
            service.sign_in.with_password("an", "wrong", HOME)
    for _ in range(3):
        with pytest.raises(TooManyAttempts):
            service.sign_in.with_password("an", password, HOME)

    found = told(service)

    assert found.count(("sign_in_failed", "", person.id)) == BY_NAME_AND_NETWORK.most
    assert found.count(("locked_out", "", person.id)) == 1


def test_what_somebody_typed_is_nowhere_in_the_log(service: Service, database_url: str) -> None:
    with pytest.raises(SignInRefused):
        service.sign_in.with_password("my-password-in-the-wrong-field", "hunter2hunter2", HOME)

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT access_event::text FROM access_event").fetchall()

    assert "sign_in_failed" in str(rows)
    assert "my-password" not in str(rows)
    assert "hunter2" not in str(rows)


def test_keys_and_clients_are_noted_with_who_made_them(service: Service, client: TestClient) -> None:
    person, _ = service.manage_people.add(
        "adm", name="Adm", grants=[Grant("hospital-admin", Place(FACILITY))], by="test"
    )
    token = service.sessions.open(person, stage=Stage.FULL, method="password")
    who = {"Authorization": f"Bearer {token}"}

    made = client.post("/v1/keys", json={"label": "x", "scopes": ["read"]}, headers=who).json()
    key_id = made["key"].split("_")[1]
    ended = client.delete(f"/v1/keys/{key_id}", headers=who)

    assert ended.status_code == 204
    assert told(service)[-2:] == [("key_made", person.id, key_id), ("key_ended", person.id, key_id)]


def test_a_facility_sees_what_concerns_its_own_people_and_keys(service: Service) -> None:
    service.manage_people.add("an", name="A", grants=[grant_of("hospital", FACILITY)], by="test")
    service.manage_people.add("binh", name="B", grants=[grant_of("reviewer", "79")], by="test")
    service.issue_key(facility=FACILITY, scopes=frozenset({Scope.READ}), label="x")
    service.issue_key(facility=FacilityCode("99002"), scopes=frozenset({Scope.READ}), label="x")
    service.issue_key(facility=None, scopes=frozenset({Scope.READ}), label="x")

    own = [kind for kind, _, _ in told(service, Reach.of(Place(FACILITY)))]
    province = [kind for kind, _, _ in told(service, Reach.of(Place("99")))]

    assert own == ["person_added", "role_given", "key_made"]
    assert province == ["person_added", "role_given", "key_made", "key_made"]
    assert len(told(service)) == 7


def test_an_auditor_reads_the_log_page_by_page(service: Service, client: TestClient) -> None:
    person, _ = service.manage_people.add("xuan", name="X", grants=[grant_of("auditor", "")], by="test")
    who = {"Authorization": f"Bearer {service.sessions.open(person, stage=Stage.FULL, method='password')}"}

    first = client.get("/v1/access-events", params={"limit": 1, "who": person.id}, headers=who).json()
    cursor = first["next_cursor"]
    second = client.get("/v1/access-events", params={"cursor": cursor, "kind": "person_added"}, headers=who)
    head = client.get("/v1/access-events/head", headers=who).json()

    assert [one["kind"] for one in first["data"]] == ["role_given"]
    assert first["data"][0]["detail"] == {"role": "auditor", "place": "nation"}
    assert [one["kind"] for one in second.json()["data"]] == ["person_added"]
    assert head["position"] == len(
        service.access_log.list_page(AccessFilter(EVERYWHERE), limit=100, before=None)
    )


@pytest.fixture
def noted(service: Service) -> Service:
    for kind in (AccessKind.LOCKED_OUT, AccessKind.SIGN_IN_FAILED, AccessKind.SIGNED_IN):
        service.access_log.note(kind, about="", detail={"from": "192.0.2.1", "ä": "ộ"})
    return service


def test_a_log_that_nobody_touched_is_whole(noted: Service) -> None:
    head = noted.access_log.head()

    assert list(noted.access_log.faults(head)) == []
    assert list(noted.access_log.faults(ChainHead(2, "00"))) == [
        Fault("chain.other_head", "access_event", "2")
    ]


@pytest.mark.attack
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE access_event SET kind = 'signed_in' WHERE position = 2", "chain.changed 2"),
        ("UPDATE access_event SET at = at - interval '1 day' WHERE position = 1", "chain.changed 1"),
        ("UPDATE access_event SET detail = '{}' WHERE position = 3", "chain.changed 3"),
        ("DELETE FROM access_event WHERE position = 2", "chain.place_missing 2"),
    ],
)
def test_a_log_that_somebody_changed_shows_it(
    noted: Service, database_url: str, change: str, fault: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.RaiseException):
            connection.execute(change)
        connection.execute("ALTER TABLE access_event DISABLE TRIGGER access_event_stays")
        connection.execute(change)

    found = list(noted.access_log.faults())

    assert f"{found[0].code} {found[0].key}" == fault


@pytest.mark.attack
def test_the_end_cut_off_shows_against_a_head_that_was_kept(noted: Service, database_url: str) -> None:
    kept = noted.access_log.head()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE access_event DISABLE TRIGGER access_event_stays")
        connection.execute("DELETE FROM access_event WHERE kind = 'signed_in'")

    assert list(noted.access_log.faults()) == []
    assert list(noted.access_log.faults(kept)) == [Fault("chain.other_head", "access_event", "5")]


@pytest.fixture
def furnished(service: Service) -> Service:
    """One of everybody who gets in, after all that can happen to him; the log agrees."""
    for name in ("an", "binh"):
        service.manage_people.add(name, name=name, grants=[grant_of("reviewer", "79")], by="adm")
    service.manage_people.grant("an", grant_of("auditor", ""), by="adm")
    service.manage_people.revoke("an", grant_of("reviewer", "79"), by="adm")
    service.manage_people.disable("an")
    service.manage_people.enable("an")
    service.manage_people.disable("binh")
    both = frozenset({Scope.READ, Scope.SUBMIT})
    key = service.issue_key(facility=FACILITY, scopes=both, label="x")
    service.rotate_key(key.split("_")[1], overlap=timedelta(days=1))
    service.rotate_key(
        service.issue_key(facility=None, scopes=both, label="x").split("_")[1], overlap=timedelta(0)
    )
    ended = service.issue_key(facility=FACILITY, scopes=both, label="x")
    service.api_keys.revoke(ended.split("_")[1], at=service.clock.now())
    for change in (lambda _: None, service.manage_clients.suspend, service.manage_clients.revoke):
        change(a_client(service))
    assert faults(service) == []
    return service


def a_client(service: Service) -> str:
    public = ECKey.generate_key("P-256", private=False).as_pem(private=False).decode()
    scopes = frozenset({Scope.READ})
    return service.manage_clients.register(public, facility=FACILITY, scopes=scopes, label="HIS").id


def faults(service: Service, change: str = "") -> list[tuple[str, str]]:
    """Return what is wrong with who gets in once somebody has changed the database."""
    with service.pool.connection() as connection, connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL session_replication_role = replica")
        if change:
            assert connection.execute(change.encode()).rowcount == 1
        return [(one.code, one.table) for one in access_faults(connection)]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param(
            "INSERT INTO person_grant SELECT id, 'administrator', '', created_at, 'x' FROM person LIMIT 1",
            [("row.unnoted", "person_grant")],
            id="role-put-in",
        ),
        pytest.param(
            "UPDATE person_grant SET place = '' WHERE place = '79'",
            [("row.unnoted", "person_grant"), ("row.missing", "person_grant")],
            id="place-widened",
        ),
        pytest.param(
            "UPDATE person_grant SET role = 'administrator' WHERE role = 'auditor'",
            [("row.unnoted", "person_grant"), ("row.missing", "person_grant")],
            id="role-raised",
        ),
        pytest.param(
            "DELETE FROM person_grant WHERE role = 'auditor'",
            [("row.missing", "person_grant")],
            id="role-gone",
        ),
        pytest.param(
            "UPDATE person SET disabled_at = NULL WHERE login = 'binh'",
            [("row.changed", "person")],
            id="closed-person-back",
        ),
        pytest.param(
            "UPDATE person SET disabled_at = created_at WHERE login = 'an'",
            [("row.changed", "person")],
            id="person-kept-out",
        ),
        pytest.param(
            "INSERT INTO api_key (id, secret_sha256, scopes, label, created_at) "
            "VALUES ('x', 'x', '{operate}', 'x', now())",
            [("row.unnoted", "api_key")],
            id="key-put-in",
        ),
        pytest.param(
            "INSERT INTO api_key (id, facility, secret_sha256, scopes, label, created_at, line) "
            "SELECT 'x', facility, 'x', scopes, label, created_at, line FROM api_key "
            "WHERE line IS NOT NULL AND facility IS NOT NULL",
            [("row.unnoted", "api_key")],
            id="key-put-in-behind-another",
        ),
        pytest.param(
            "UPDATE api_key SET scopes = '{operate,read}' WHERE line IS NOT NULL AND facility = '99001'",
            [("row.changed", "api_key")],
            id="key-opens-more",
        ),
        pytest.param(
            "UPDATE api_key SET facility = '99002' WHERE line IS NOT NULL AND facility = '99001'",
            [("row.changed", "api_key")],
            id="key-of-another-facility",
        ),
        pytest.param(
            "UPDATE api_key SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
            [("row.changed", "api_key")],
            id="ended-key-back",
        ),
        pytest.param(
            "UPDATE api_key SET expires_at = NULL WHERE expires_at <= now()",
            [("row.changed", "api_key")],
            id="replaced-key-back",
        ),
        pytest.param(
            "UPDATE oauth_client SET scopes = '{operate,read}' "
            "WHERE revoked_at IS NULL AND suspended_at IS NULL",
            [("row.changed", "oauth_client")],
            id="client-may-more",
        ),
        pytest.param(
            "UPDATE oauth_client SET suspended_at = NULL WHERE suspended_at IS NOT NULL",
            [("row.changed", "oauth_client")],
            id="suspended-client-back",
        ),
        pytest.param(
            "UPDATE oauth_client SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
            [("row.changed", "oauth_client")],
            id="ended-client-back",
        ),
        pytest.param(
            "INSERT INTO oauth_client (id, scopes, label, created_at, is_bound) "
            "VALUES ('x', '{operate}', 'x', now(), false)",
            [("row.unnoted", "oauth_client")],
            id="client-put-in",
        ),
    ],
)
def test_who_gets_in_otherwise_than_the_log_says_is_found(
    furnished: Service, change: str, found: list[tuple[str, str]]
) -> None:
    assert faults(furnished, change) == found


def test_an_audit_asks_who_gets_in(furnished: Service) -> None:
    with furnished.pool.connection() as connection:
        connection.execute("UPDATE person SET disabled_at = NULL WHERE login = 'binh'")

    assert ("row.changed", "person") in {(one.code, one.table) for one in furnished.audit()}

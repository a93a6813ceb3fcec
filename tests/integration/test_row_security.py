"""The second net: what a request may not see, the database does not show it, whoever forgot to ask."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from claims.api.app import create_app
from claims.exchange.access.bounds import bind
from claims.exchange.access.places import EVERYWHERE, NOWHERE, Place, Reach
from claims.exchange.submission import FacilityCode, Submission, SubmissionFilter
from claims.proof.container import read_container
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from claims.storage.pool import Pool, open_pool
from claims.storage.roles import API, CONSOLE, WORKER, make_roles, tables_with_rows_of_facilities
from claims.storage.submissions import SubmissionRecords
from claims.web import from_environment
from signing.demo_pki import DemoPki
from tests.in_process import TestClient
from tests.integration.conftest import FACILITY, OTHER_FACILITY, Exchange, archived

OWN = Reach.of(Place(FACILITY))
#: Tables that say whose a row is and are open to the API as they are, with the reason.
OPEN = {
    "api_key": "is read before it is known who calls",
    "oauth_client": "is read before it is known who calls",
    "dropin_account": "is read before it is known who calls",
    "facility_certificate": "certificates are public, and any bundle may be checked",
    "registration_event": "as the certificates",
    "mark": "is blinded, and claims are compared across facilities",
    "legal_hold": "is asked together with its submission, and where the asker may see",
    "erasure": "as the holds",
}


@pytest.fixture
def plain_url(database_url: str) -> Iterator[str]:
    """Address of a login that is neither superuser nor owner, as the processes should have."""
    name = f"claims_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        make_roles(connection)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(name)))
        for role in (API, CONSOLE, WORKER):
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(name)))
    parts = urlsplit(database_url)
    place = parts.netloc.rpartition("@")[2]
    yield parts._replace(netloc=f"{name}:x@{place}").geturl()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def api(plain_url: str) -> Iterator[Pool]:
    with open_pool(plain_url, max_size=4, role=API) as pool:
        yield pool
    bind(NOWHERE)


@pytest.fixture
def worker(plain_url: str) -> Iterator[Pool]:
    with open_pool(plain_url, max_size=4, role=WORKER) as pool:
        yield pool


def seen(pool: Pool, table: str = "submission") -> int:
    """Count rows with a statement that forgot its WHERE."""
    with pool.connection() as connection:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def records(exchange: Exchange) -> None:
    exchange.received(b"1", facility=FACILITY, key="a")
    exchange.received(b"2", facility=OTHER_FACILITY, key="a")
    exchange.received(b"3", facility=OTHER_FACILITY)


def test_the_server_of_api_and_console_takes_its_role(
    plain_url: str, broker_url: str, tmp_path: Path, pki: DemoPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki.write(tmp_path / "trust")
    for name, value in {
        "DATABASE_URL": plain_url,
        "BROKER_URL": broker_url,
        "DATABASE_ROLES": "true",
        "DATA_DIR": str(tmp_path),
    }.items():
        monkeypatch.setenv(f"CLAIMS_{name}", value)

    service = from_environment().state.service

    assert service.database_role == CONSOLE
    bind(OWN)
    with service.pool.connection() as connection:
        row = connection.execute("SELECT current_user").fetchone()
    assert row == (CONSOLE,)
    service.close()


def test_the_embedded_servers_processes_have_their_roles_unless_somebody_says_otherwise() -> None:
    assert Settings().has_database_roles
    assert not Settings(database_roles=False).has_database_roles
    assert not Settings(database_url="postgresql://x/").has_database_roles
    assert Settings(database_url="postgresql://x/", database_roles=True).has_database_roles


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("table", ["submission", "event", "idempotency_key"])
def test_a_forgotten_where_shows_only_the_callers_own(api: Pool, table: str) -> None:
    bind(OWN)

    assert seen(api, table) == 1


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("reach", "rows"),
    [
        pytest.param(NOWHERE, 0, id="nobody"),
        pytest.param(Reach.of(Place("99")), 3, id="province"),
        pytest.param(Reach.of(Place("98")), 0, id="another-province"),
        pytest.param(Reach.of(Place(FACILITY), Place(OTHER_FACILITY)), 3, id="two-facilities"),
        pytest.param(EVERYWHERE, 3, id="nation"),
    ],
)
def test_the_database_knows_places(api: Pool, reach: Reach, rows: int) -> None:
    bind(reach)

    assert seen(api) == rows


@pytest.mark.usefixtures("records")
def test_a_connection_does_not_remember_the_caller_before(api: Pool) -> None:
    for reach, rows in ((EVERYWHERE, 3), (OWN, 1), (NOWHERE, 0), (OWN, 1)):
        bind(reach)
        assert seen(api) == rows


@pytest.mark.usefixtures("records")
def test_a_use_case_that_asks_for_everything_gets_its_own(api: Pool) -> None:
    bind(OWN)

    page = SubmissionRecords(api).list_page(SubmissionFilter(within=EVERYWHERE), limit=10, cursor=None)

    assert [one.facility for one in page.items] == [FACILITY]


def test_the_api_receives_what_it_cannot_read_again(api: Pool, exchange: Exchange) -> None:
    bind(OWN)
    exchange.receive = type(exchange.receive)(SubmissionRecords(api), exchange.jobs, exchange.clock)  # type: ignore[arg-type] # the receiving half

    submission = exchange.received(b"4").submission

    with pytest.raises(InsufficientPrivilege):
        SubmissionRecords(api).body(submission.id)
    assert exchange.submissions.body(submission.id) == b"4"


@pytest.fixture
def held(plain_url: str, service: Service) -> Iterator[Service]:
    """The service as the API's process has it, in its role."""
    settings = service.settings.model_copy(update={"database_roles": True})
    held = Service(settings, plain_url, service.broker_url, API)
    yield held
    held.close()


def own_submission(service: Service) -> Submission:
    """Return the one that there is of the facility."""
    which = SubmissionFilter(within=EVERYWHERE, facility=FACILITY)
    (mine,) = service.submissions.list_page(which, limit=9, cursor=None).items
    return mine


@pytest.mark.usefixtures("records")
def test_an_api_that_cannot_read_bundles_makes_archives_of_the_whole_log(
    held: Service, service: Service
) -> None:
    mine = own_submission(service)
    bind(OWN)

    archive = archived(held, mine.id, within=OWN)

    assert read_container(archive)["bundle.xml"] == held.bundle(mine.id) == b"1"
    assert json.loads(read_container(archive)["log/inclusion.json"])["size"] == 3


@pytest.mark.usefixtures("records")
def test_whoever_holds_a_paper_learns_where_the_claim_stands_without_signing_in(
    held: Service, service: Service
) -> None:
    known = own_submission(service)

    with TestClient(create_app(held)) as client:
        page = client.get(f"/v/{known.id}", params={"d": known.sha256[:16]})
        guess = client.get(f"/v/{known.id}", params={"d": "0" * 16})

    assert "data-standing=under-way" in page.text
    assert "data-standing=unknown" in guess.text


def test_nobody_hands_in_for_a_facility_elsewhere(api: Pool, exchange: Exchange) -> None:
    bind(OWN)
    exchange.receive = type(exchange.receive)(SubmissionRecords(api), exchange.jobs, exchange.clock)  # type: ignore[arg-type] # the receiving half

    with pytest.raises(InsufficientPrivilege):
        exchange.received(b"5", facility=FacilityCode(OTHER_FACILITY))


@pytest.mark.usefixtures("records")
def test_workers_see_every_record_and_no_way_in(worker: Pool) -> None:
    bind(NOWHERE)

    assert seen(worker) == 3
    assert seen(worker, "submission_body") == 3
    for table in ("person", "session", "api_key"):
        with pytest.raises(InsufficientPrivilege):
            seen(worker, table)


@pytest.mark.parametrize("process", ["api", "worker"])
def test_no_process_changes_the_databases_shape(process: str, request: pytest.FixtureRequest) -> None:
    pool: Pool = request.getfixturevalue(process)

    for statement in ("CREATE TABLE x ()", "ALTER TABLE submission DISABLE ROW LEVEL SECURITY"):
        with pool.connection() as connection, pytest.raises(InsufficientPrivilege):
            connection.execute(statement)


def test_every_table_with_rows_of_facilities_is_guarded_or_said_to_be_open(pool: Pool) -> None:
    with pool.connection() as connection:
        guarded = set(tables_with_rows_of_facilities(connection))
        rows = connection.execute(
            "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND column_name IN ('facility', 'place', 'submission_id') AND table_name <> 'person_grant' "
            # Parts of a table are reached through it alone (test_months.py).
            "AND table_name NOT IN (SELECT relname FROM pg_class WHERE relispartition)"
        ).fetchall()

    assert {row[0] for row in rows} - guarded == set(OPEN)


def test_each_use_of_a_connection_is_bound_to_its_own_request(plain_url: str) -> None:
    seen = []
    with open_pool(plain_url, max_size=1, role=API) as pool:
        for reach in (OWN, NOWHERE, OWN, EVERYWHERE):
            bind(reach)
            with pool.connection() as connection:
                seen.append(connection.execute("SELECT current_setting('claims.reach')").fetchone())
    bind(NOWHERE)

    assert seen == [(FACILITY,), ("",), (FACILITY,), ("*",)]

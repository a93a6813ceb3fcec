"""The doctor on database and broker: who lets it in, at which revision, and what waits there."""

import time
from datetime import timedelta

import psycopg
from kombu.exceptions import OperationalError

from claims.exchange.errors import StoreUnavailable
from claims.runtime.broker import make_celery
from claims.runtime.clock import SystemClock
from claims.runtime.doctor.findings import Fault
from claims.runtime.embedded import Addresses
from claims.runtime.settings import Settings
from claims.storage.migrations import current_revision, is_known, newest_revision
from claims.storage.months import KeepMonths
from claims.storage.overview import Overview
from claims.storage.pool import open_pool

_MAX_SKEW_S = 5.0
_MONTHS_LEFT = timedelta(days=7)
#: So long nothing that is due waits where somebody works.
_DUE_FOR = timedelta(minutes=5)


def look_at_database(addresses: Addresses) -> str:
    """Look whether the database lets us in and has the form that this version needs."""
    try:
        with psycopg.connect(addresses.database_url, connect_timeout=5) as connection:
            found, wanted = current_revision(connection), newest_revision()
            version = connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        said = str(error).partition("\n")[0].removeprefix("connection failed: ")
        raise Fault(f"lets nobody in: {said}", "start PostgreSQL, or correct CLAIMS_DATABASE_URL") from error
    if found is not None and not is_known(found):
        remedy = "install the version of eHoSo that made it, or a later one"
        raise Fault(f"is at revision {found}, which is newer than this version's {wanted}", remedy)
    if found != wanted:
        at = "was never migrated" if found is None else f"is at revision {found}"
        raise Fault(f"{at}, this version needs {wanted}", "run `claims migrate`")
    return f"PostgreSQL {version}, revision {found}"


def look_at_months(settings: Settings, addresses: Addresses) -> str:
    """Look how far ahead the largest tables have their months."""
    clock = SystemClock(settings.clock_skew_s)
    try:
        with open_pool(addresses.database_url, max_size=1) as pool:
            left = KeepMonths(pool, clock).made_until() - clock.now()
    except (StoreUnavailable, psycopg.Error) as error:
        raise Fault("cannot be counted", "see database") from error
    if left < _MONTHS_LEFT:
        raise Fault(
            f"of the largest tables are made for {left.days} days only",
            "start a worker, which makes them; or run `claims migrate`",
        )
    return f"of the largest tables are made for {left.days} days"


def look_at_clock(addresses: Addresses) -> str:
    """Compare the database's time with this host's."""
    before = time.time()
    try:
        with psycopg.connect(addresses.database_url, connect_timeout=5) as connection:
            row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    except psycopg.OperationalError as error:
        raise Fault("cannot be compared: the database does not answer", "see database") from error
    there = row[0] if row is not None else 0.0
    skew_s = max(before - there, there - time.time(), 0.0)
    if skew_s > _MAX_SKEW_S:
        raise Fault(f"differs from the database's by {skew_s:.0f} s", "let both hosts keep time by NTP")
    return "agrees with the database's"


def look_at_broker(settings: Settings, addresses: Addresses) -> str:
    """Look whether the broker lets us in."""
    app = make_celery(settings, addresses.broker_url)
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=5, reraise_as_library_errors=True)
            transport = str(connection.transport.driver_type)
    except OperationalError as error:
        said = str(error).partition("\n")[0]
        raise Fault(
            f"lets nobody in: {said}", "start the broker, or correct CLAIMS_BROKER_URL and the password in it"
        ) from error
    return transport


def look_at_work(settings: Settings, addresses: Addresses) -> str:
    """Look whether anything waits that somebody should be doing."""
    now = SystemClock(settings.clock_skew_s).now()
    try:
        with open_pool(addresses.database_url, max_size=1) as pool:
            overview = Overview(pool)
            waiting, logging_since = overview.waiting(), overview.logging_since()
    except (StoreUnavailable, psycopg.Error) as error:
        raise Fault("cannot be counted", "see database") from error
    for one in waiting:
        due_for = timedelta() if one.due_since is None else now - one.due_since
        if due_for > _DUE_FOR:
            raise Fault(
                f"{one.number} submission(s) wait for the step {one.step}, the first for "
                f"{due_for // timedelta(minutes=1)} minutes",
                f"start `claims worker --role {one.step}`, or more of them; its log says what holds it up",
            )
    unlogged_for = timedelta() if logging_since is None else now - logging_since
    if unlogged_for > _DUE_FOR:
        raise Fault(
            f"since {unlogged_for // timedelta(minutes=1)} minutes no evidence is made of what happens",
            "start `claims worker --role check`; its log says what holds it up",
        )
    return f"{sum(one.number for one in waiting)} submission(s) under way, none is overdue"

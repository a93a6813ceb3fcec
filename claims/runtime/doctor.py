"""The doctor: what an installation needs, checked one by one, each fault with what to do about it."""

import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2
import psycopg
from cryptography import x509
from kombu.exceptions import OperationalError

from claims.errors import ClaimsError
from claims.exchange.errors import ContentsUnavailable, StoreUnavailable
from claims.runtime.broker import make_celery
from claims.runtime.clock import SystemClock
from claims.runtime.embedded import Addresses, find_running
from claims.runtime.production import weaknesses
from claims.runtime.settings import Settings, load_settings
from claims.runtime.start import given_addresses
from claims.storage.migrations import current_revision, newest_revision
from claims.storage.months import KeepMonths
from claims.storage.moving import latest_moved
from claims.storage.objects import ObjectMissing, Objects
from claims.storage.overview import Overview
from claims.storage.pool import open_pool
from signing.errors import SigningError
from signing.trust import TrustStore

_LOW_DISK_BYTES = 2 * 2**30
_MAX_SKEW_S = 5.0
_MAX_GATEWAY_SKEW_S = 60.0
_WARN_DAYS = 30
_MONTHS_LEFT = timedelta(days=7)
#: So long nothing that is due waits where somebody works.
_DUE_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing the doctor looked at."""

    name: str
    is_fine: bool
    detail: str
    remedy: str = ""


class _Fault(Exception):
    """Something is not as it should be."""

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy


def examine() -> Iterator[Examined]:
    """Look at everything in order; what cannot be looked at without an earlier part is left out."""
    try:
        settings = load_settings()
        addresses = given_addresses(settings) or find_running(settings.data_dir)
    except ClaimsError as error:
        yield Examined("settings", is_fine=False, detail=str(error), remedy="correct the CLAIMS_ variables")
        return
    yield Examined("settings", is_fine=True, detail="every CLAIMS_ variable makes sense")
    if addresses is None:
        yield Examined(
            "servers",
            is_fine=False,
            detail=f"nothing runs in {settings.data_dir}",
            remedy="start `claims serve`, or set CLAIMS_DATABASE_URL and CLAIMS_BROKER_URL",
        )
    else:
        yield _look("database", lambda: _database(addresses))
        yield _look("months", lambda: _months(settings, addresses))
        yield _look("clock", lambda: _clock(addresses))
        yield _look("broker", lambda: _broker(settings, addresses))
        yield _look("work", lambda: _work(settings, addresses))
        yield _look("certificates", lambda: _certificates(addresses))
    yield _look("gateway", lambda: _gateway(settings))
    if settings.gateway_url is not None:
        yield _look("gateway's clock", lambda: _gateway_clock(settings.gateway_url or ""))
    yield _look("trust", lambda: _trust(settings))
    yield _look("keys", lambda: _key_files(settings))
    if settings.content_store:
        yield _look("contents", lambda: _contents(settings, addresses))
    yield _look("production", lambda: _production(settings))
    yield _look("disk", lambda: _disk(settings))


def _look(name: str, at: Callable[[], str]) -> Examined:
    try:
        return Examined(name, is_fine=True, detail=at())
    except _Fault as fault:
        return Examined(name, is_fine=False, detail=fault.detail, remedy=fault.remedy)


def _database(addresses: Addresses) -> str:
    try:
        with psycopg.connect(addresses.database_url, connect_timeout=5) as connection:
            found, wanted = current_revision(connection), newest_revision()
            version = connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        raise _Fault("does not answer", "start PostgreSQL, or correct CLAIMS_DATABASE_URL") from error
    if found != wanted:
        raise _Fault(f"is at revision {found}, this version needs {wanted}", "run `claims migrate`")
    return f"PostgreSQL {version}, revision {found}"


def _months(settings: Settings, addresses: Addresses) -> str:
    clock = SystemClock(settings.clock_skew_s)
    try:
        with open_pool(addresses.database_url, max_size=1) as pool:
            left = KeepMonths(pool, clock).made_until() - clock.now()
    except (StoreUnavailable, psycopg.Error) as error:
        raise _Fault("cannot be counted", "see database") from error
    if left < _MONTHS_LEFT:
        raise _Fault(
            f"of the largest tables are made for {left.days} days only",
            "start a worker, which makes them; or run `claims migrate`",
        )
    return f"of the largest tables are made for {left.days} days"


def _clock(addresses: Addresses) -> str:
    before = time.time()
    try:
        with psycopg.connect(addresses.database_url, connect_timeout=5) as connection:
            row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    except psycopg.OperationalError as error:
        raise _Fault("cannot be compared: the database does not answer", "see database") from error
    there = row[0] if row is not None else 0.0
    skew_s = max(before - there, there - time.time(), 0.0)
    if skew_s > _MAX_SKEW_S:
        raise _Fault(f"differs from the database's by {skew_s:.0f} s", "let both hosts keep time by NTP")
    return "agrees with the database's"


def _broker(settings: Settings, addresses: Addresses) -> str:
    app = make_celery(settings, addresses.broker_url)
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=5, reraise_as_library_errors=True)
            transport = str(connection.transport.driver_type)
    except OperationalError as error:
        raise _Fault("does not answer", "start the broker, or correct CLAIMS_BROKER_URL") from error
    return transport


def _gateway(settings: Settings) -> str:
    if settings.gateway_url is None:
        raise _Fault("is not configured: checked claims wait", "set CLAIMS_GATEWAY_URL")
    import socket

    host, port = _server_of(settings.gateway_url)
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as error:
        raise _Fault(f"{host}:{port} does not answer", "check the address and the network") from error
    return f"{host}:{port} answers"


def _server_of(url: str) -> tuple[str, int]:
    try:
        address = urlsplit(url)
        host = address.hostname or ""
        host.encode("idna")  # as the look-up of its address does
        return host, address.port or (443 if address.scheme == "https" else 80)
    except ValueError as error:
        raise _Fault("is no address of a server", "correct CLAIMS_GATEWAY_URL") from error


def _gateway_clock(url: str) -> str:
    try:
        before = datetime.now(UTC)
        answer = httpx2.head(url, timeout=5, trust_env=False)
        after = datetime.now(UTC)
        said = parsedate_to_datetime(answer.headers["Date"])
    except (httpx2.HTTPError, httpx2.InvalidURL, KeyError, ValueError) as error:
        raise _Fault("cannot be read: no answer with a date", "see gateway") from error
    # A Date is cut to the second.
    ahead_s, behind_s = (said - after).total_seconds(), (before - said).total_seconds() - 1
    if max(ahead_s, behind_s) > _MAX_GATEWAY_SKEW_S:
        skew_s = ahead_s if ahead_s > 0 else -behind_s
        raise _Fault(
            f"differs from this host's by {skew_s:+.0f} s: times of receipt will not agree",
            "let this host keep time by NTP; if it does, tell the gateway's operator",
        )
    return "agrees with this host's"


def _work(settings: Settings, addresses: Addresses) -> str:
    now = SystemClock(settings.clock_skew_s).now()
    try:
        with open_pool(addresses.database_url, max_size=1) as pool:
            waiting = Overview(pool).waiting()
    except (StoreUnavailable, psycopg.Error) as error:
        raise _Fault("cannot be counted", "see database") from error
    for one in waiting:
        due_for = timedelta() if one.due_since is None else now - one.due_since
        if due_for > _DUE_FOR:
            raise _Fault(
                f"{one.number} submission(s) wait for the step {one.step}, the first for "
                f"{due_for // timedelta(minutes=1)} minutes",
                f"start `claims worker --role {one.step}`, or more of them; its log says what holds it up",
            )
    return f"{sum(one.number for one in waiting)} submission(s) under way, none is overdue"


def _certificates(addresses: Addresses) -> str:
    try:
        with open_pool(addresses.database_url, max_size=1) as pool:
            found = [x509.load_der_x509_certificate(one) for one in Overview(pool).signing_certificates()]
    except (StoreUnavailable, psycopg.Error) as error:
        raise _Fault("cannot be read from the database", "see database") from error
    if not found:
        raise _Fault("nobody may sign", "register one with `claims certificate register`")
    now = datetime.now(UTC)
    ending = sorted((one.not_valid_after_utc - now).days for one in found)
    soon = sum(days < _WARN_DAYS for days in ending)
    if soon:
        raise _Fault(
            f"{soon} of {len(found)} facility certificates end within {_WARN_DAYS} days, the first in "
            f"{ending[0]} days",
            "register the next ones beside them: `claims certificate list` says whose",
        )
    return f"{len(found)} facility certificate(s), the first ends in {ending[0]} days"


def _key_files(settings: Settings) -> str:
    files = [settings.sealing_key_path, *sorted(settings.signing_keys_folder.glob("*.p12"))]
    present = [path for path in files if path.is_file()]
    if settings.sealing_key_path not in present:
        raise _Fault(
            f"{settings.sealing_key_path} is not there: stored passwords and secrets cannot be opened",
            "restore it from its backup; on a new installation the first start makes it",
        )
    open_ones = [path for path in present if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    if open_ones:
        listed = " ".join(map(str, open_ones))
        raise _Fault(f"others may read {len(open_ones)} key file(s)", f"chmod 600 {listed}")
    return f"{len(present)} key file(s), readable by their owner alone"


def _contents(settings: Settings, addresses: Addresses | None) -> str:
    objects = Objects(settings.content_store)
    probe = b"looked at by claims doctor"
    try:
        objects.forget(objects.keep(probe))
    except ContentsUnavailable as error:
        raise _Fault(str(error), "correct CLAIMS_CONTENT_STORE or its credentials (AWS_…)") from error
    if addresses is None:
        return "can be written"
    try:
        with open_pool(addresses.database_url, max_size=1) as pool:
            latest = latest_moved(pool)
        if latest is not None:
            objects.read(latest)
    except (StoreUnavailable, psycopg.Error) as error:
        raise _Fault("cannot be compared with the database", "see database") from error
    except ObjectMissing as error:
        raise _Fault(
            str(error), "is this the store that contents moved to? restore it from its backup"
        ) from error
    return "can be written, and has what moved there last" if latest else "can be written; nothing has moved"


def _production(settings: Settings) -> str:
    found = list(weaknesses(settings))
    if settings.production and found:
        listed = "; ".join(f"{one.what} ({one.remedy})" for one in found)
        raise _Fault(f"{len(found)} weakness(es) keep the service from starting", listed)
    if not found:
        return "nothing about it is too weak for real claims"
    return f"not asked for (CLAIMS_PRODUCTION); {len(found)} weakness(es): " + ", ".join(
        one.what for one in found
    )


def _trust(settings: Settings) -> str:
    try:
        anchors = TrustStore.load(settings.trust_folder).anchors
    except SigningError as error:
        remedy = "put the authorities' certificates into its anchors/; until then no check worker starts"
        raise _Fault(str(error), remedy) from error
    now = datetime.now(UTC)
    days = min((anchor.not_valid_after_utc - now).days for anchor in anchors)
    if days < _WARN_DAYS:
        raise _Fault(f"an anchor ends in {days} days", "add the authority's next certificate")
    return f"{len(anchors)} anchor(s), the first ends in {days} days"


def _disk(settings: Settings) -> str:
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < _LOW_DISK_BYTES:
        raise _Fault(f"{free / 2**30:.1f} GiB free at {folder}", "free some space, or move CLAIMS_DATA_DIR")
    return f"{free / 2**30:.0f} GiB free"

"""The doctor: what an installation needs, checked one by one, each fault with what to do about it."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
from kombu.exceptions import OperationalError

from claims.errors import ClaimsError
from claims.runtime.broker import make_celery
from claims.runtime.embedded import Addresses, find_running
from claims.runtime.settings import Settings, load_settings
from claims.runtime.start import given_addresses
from claims.storage.migrations import current_revision, newest_revision
from signing.certificates import TrustStore
from signing.errors import SigningError

_LOW_DISK_BYTES = 2 * 2**30
_MAX_SKEW_S = 5.0
_WARN_DAYS = 30


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
        yield _look("clock", lambda: _clock(addresses))
        yield _look("broker", lambda: _broker(settings, addresses))
    yield _look("gateway", lambda: _gateway(settings))
    yield _look("trust", lambda: _trust(settings))
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

    address = urlsplit(settings.gateway_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=5).close()
    except OSError as error:
        raise _Fault(
            f"{address.hostname}:{port} does not answer", "check the address and the network"
        ) from error
    return f"{address.hostname}:{port} answers"


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

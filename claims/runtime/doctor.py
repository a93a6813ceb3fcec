"""The doctor: what an installation needs, checked one by one, each fault with what to do about it."""

import json
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psycopg
from cryptography.exceptions import InvalidTag
from kombu.exceptions import OperationalError

from claims.bundle.deadlines import load_calendar
from claims.errors import ClaimsError
from claims.exchange.errors import ContentsUnavailable, KeysUnavailable, StoreUnavailable
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import TOKEN_PATH, BodyFormat, hash_password, write_form
from claims.localtime import local_date
from claims.runtime.archive_store import ArchiveStoreFailed, open_archives
from claims.runtime.broker import make_celery
from claims.runtime.clock import SystemClock
from claims.runtime.embedded import Addresses, find_running
from claims.runtime.named_files import WRITTEN, find_unusable
from claims.runtime.production import weaknesses
from claims.runtime.service_keys import UnusableServiceKeys
from claims.runtime.settings import PREFIX, Settings, load_settings
from claims.runtime.signing_keys import FolderOfKeys
from claims.runtime.start import given_addresses
from claims.runtime.wiring import Service
from claims.storage.migrations import current_revision, is_known, newest_revision
from claims.storage.months import KeepMonths
from claims.storage.moving import latest_moved
from claims.storage.objects import ObjectMissing, Objects
from claims.storage.overview import Overview
from claims.storage.pool import open_pool
from claims.storage.sealing import UnusableSealingKey
from claims.storage.vault import UnreadableContent
from signing.errors import SigningError
from signing.trust import TrustStore

_LOW_DISK_BYTES = 2 * 2**30
_MAX_SKEW_S = 5.0
_MAX_GATEWAY_SKEW_S = 60.0
_MOST_ANSWER_BYTES = 64 * 2**10
_LONGEST_ANSWER_S = 10.0
_WARN = timedelta(days=30)
_MONTHS_LEFT = timedelta(days=7)
#: Of those of an installation that does not say that it holds real claims.
_WEAKNESSES_SHOWN = 5
#: So long nothing that is due waits where somebody works.
_DUE_FOR = timedelta(minutes=5)
_LAST_MONTH = 12
_DATA_KEY = bytes(32)


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
    yield _look("files", lambda: _files_named(settings))
    has_database = False
    if addresses is None:
        yield Examined(
            "servers",
            is_fine=False,
            detail=f"nothing runs in {settings.data_dir}",
            remedy="start `claims serve`, or set CLAIMS_DATABASE_URL and CLAIMS_BROKER_URL",
        )
    else:
        database = _look("database", lambda: _database(addresses))
        yield database
        has_database = database.is_fine
        if has_database:
            yield _look("months", lambda: _months(settings, addresses))
            yield _look("clock", lambda: _clock(addresses))
        yield _look("broker", lambda: _broker(settings, addresses))
        if has_database:
            yield _look("work", lambda: _work(settings, addresses))
            yield _look("certificates", lambda: _certificates(addresses))
    yield _look("gateway", lambda: _gateway(settings))
    if settings.gateway_url is not None:
        yield _look("gateway's clock", lambda: _gateway_clock(settings.gateway_url or ""))
    yield _look("trust", lambda: _trust(settings))
    yield _look("keys", lambda: _key_files(settings))
    if addresses is not None and has_database:
        yield _look("stored", lambda: _stored(settings, addresses))
    if settings.content_store:
        yield _look("contents", lambda: _contents(settings, addresses))
    if settings.archive_store:
        yield _look("archives", lambda: _archives(settings))
    yield _look("production", lambda: _production(settings))
    yield _look("disk", lambda: _disk(settings))
    yield _look("calendar", lambda: _calendar(settings))


def _look(name: str, at: Callable[[], str]) -> Examined:
    try:
        return Examined(name, is_fine=True, detail=at())
    except _Fault as fault:
        return Examined(name, is_fine=False, detail=fault.detail, remedy=fault.remedy)
    except OSError as error:
        remedy = "let the service's user read it (`claims doctor` must run as that user, too)"
        return Examined(name, is_fine=False, detail=f"cannot be looked at: {error}", remedy=remedy)


def _files_named(settings: Settings) -> str:
    unusable = list(find_unusable(settings, but=WRITTEN))  # which are tried below
    if unusable:
        raise _Fault(
            f"not there, or not to be used: {' '.join(unusable)}",
            "correct the name, or let the service's user in; nothing starts before",
        )
    return "what settings name is there"


def _database(addresses: Addresses) -> str:
    try:
        with psycopg.connect(addresses.database_url, connect_timeout=5) as connection:
            found, wanted = current_revision(connection), newest_revision()
            version = connection.info.server_version // 10_000
    except psycopg.OperationalError as error:
        said = str(error).partition("\n")[0].removeprefix("connection failed: ")
        raise _Fault(f"lets nobody in: {said}", "start PostgreSQL, or correct CLAIMS_DATABASE_URL") from error
    if found is not None and not is_known(found):
        remedy = "install the version of eHoSo that made it, or a later one"
        raise _Fault(f"is at revision {found}, which is newer than this version's {wanted}", remedy)
    if found != wanted:
        at = "was never migrated" if found is None else f"is at revision {found}"
        raise _Fault(f"{at}, this version needs {wanted}", "run `claims migrate`")
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
        said = str(error).partition("\n")[0]
        raise _Fault(
            f"lets nobody in: {said}", "start the broker, or correct CLAIMS_BROKER_URL and the password in it"
        ) from error
    return transport


def _gateway(settings: Settings) -> str:
    if settings.gateway_url is None:
        raise _Fault("is not configured: checked claims wait", "set CLAIMS_GATEWAY_URL")
    host, port = _server_of(settings.gateway_url)
    # Nobody's account: what counts is that the answer is one of the protocol.
    asked = write_form({"username": "claims doctor", "password": hash_password("")})
    url, headers = f"{settings.gateway_url.rstrip('/')}{TOKEN_PATH}", {"Content-Type": BodyFormat.FORM}
    try:
        with httpx2.stream("POST", url, content=asked, headers=headers, timeout=5, trust_env=False) as answer:
            body = _beginning(answer)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        said = str(error) or type(error).__name__
        raise _Fault(f"{host}:{port} does not answer: {said}", "check the address and the network") from error
    if not _is_of_the_protocol(body):
        what = "a web page" if "html" in answer.headers.get("Content-Type", "") else "something else"
        raise _Fault(
            f"{host}:{port} answers a sign-in with status {answer.status_code} and {what}, as none does",
            "correct CLAIMS_GATEWAY_URL; if it is right, a proxy answers, or the gateway is closed",
        )
    return f"{host}:{port} answers as a gateway does"


def _beginning(answer: httpx2.Response) -> bytes:
    """Return what an answer says as far as a gateway's goes; nobody waits for the end of another."""
    until, body = time.monotonic() + _LONGEST_ANSWER_S, b""
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > _MOST_ANSWER_BYTES or time.monotonic() > until:
            break
    return body


def _is_of_the_protocol(body: bytes) -> bool:
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return isinstance(said, dict) and "maKetQua" in said


def _server_of(url: str) -> tuple[str, int]:
    address = urlsplit(url)
    return address.hostname or "", address.port or (443 if address.scheme == "https" else 80)


def _gateway_clock(url: str) -> str:
    try:
        before = datetime.now(UTC)
        answer = httpx2.head(url, timeout=5, trust_env=False)
        after = datetime.now(UTC)
        said = parsedate_to_datetime(answer.headers["Date"])
    except (httpx2.HTTPError, httpx2.InvalidURL, KeyError, ValueError) as error:
        why = "the answer has no date" if isinstance(error, KeyError) else error
        raise _Fault(f"cannot be read: {why}", "see gateway") from error
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
            spans = Overview(pool).signing_spans()
    except (StoreUnavailable, psycopg.Error) as error:
        raise _Fault("cannot be read from the database", "see database") from error
    if not spans:
        raise _Fault("nobody may sign", "register one with `claims certificate register`")
    now = datetime.now(UTC)
    later = [begins for begins, _ in spans if begins > now]
    if later:
        raise _Fault(
            f"{len(later)} of {len(spans)} facilities have none that is valid yet, the first from "
            f"{min(later):%Y-%m-%d %H:%M} UTC on: until then what they sign is rejected",
            "let this host keep time by NTP; if it does, register one that is valid beside it",
        )
    left = [end - now for _, end in spans]
    soon = sum(one < _WARN for one in left)
    if soon:
        raise _Fault(
            f"{soon} of {len(left)} facilities have none that lasts another {_WARN.days} days, the first "
            f"{_when(min(left))}",
            "register the next ones beside them: `claims certificate list CODE` shows a facility's",
        )
    return f"of {len(left)} facilities, the first {_when(min(left))}"


def _when(left: timedelta) -> str:
    return f"ends in {left.days} days" if left >= timedelta() else f"ended {-left.days} day(s) ago"


def _key_files(settings: Settings) -> str:
    files = [
        settings.sealing_key_path,
        *_files(settings.signing_keys_folder, ".p12"),
        *_files(settings.content_keys_folder, ".key"),
        *(one for one in _files(settings.evidence_keys_folder, ".pem") if b"PRIVATE KEY" in one.read_bytes()),
    ]
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
    signing = FolderOfKeys(settings.signing_keys_folder, settings.signing_keys_passphrase)
    for path in _files(settings.signing_keys_folder, ".p12"):
        try:
            signing.find(FacilityCode(path.stem))
        except SigningError as error:
            raise _Fault(
                f"{path} cannot be used: {error}",
                "correct CLAIMS_SIGNING_KEYS_PASSPHRASE, which is one for all of them, or replace the file",
            ) from error
    return f"{len(present)} key file(s), readable by their owner alone"


def _files(folder: Path, ending: str) -> list[Path]:
    # Not by a pattern, which finds nothing in a folder that may not be read.
    return sorted(one for one in folder.iterdir() if one.suffix == ending) if folder.is_dir() else []


def _stored(settings: Settings, addresses: Addresses) -> str:
    if not settings.sealing_key_path.is_file():
        raise _Fault("cannot be opened without the sealing key", "see keys")
    service = Service(settings, addresses.database_url, addresses.broker_url)
    try:
        return _opened(service)
    except InvalidTag as error:
        raise _Fault(
            f"{settings.sealing_key_path} is another key than the one that sealed what is stored",
            "restore it from its backup",
        ) from error
    except UnreadableContent as error:
        remedy = f"restore {settings.content_keys_folder} and {settings.sealing_key_path} from their backup"
        raise _Fault(str(error), remedy) from error
    except (UnusableSealingKey, UnusableServiceKeys) as error:
        raise _Fault(
            str(error), "docs/guides/backup.md says what to keep, and what to do without it"
        ) from error
    except KeysUnavailable as error:
        raise _Fault(str(error), "see CLAIMS_CONTENT_KEYS_IN: is the token or the service there?") from error
    except (StoreUnavailable, psycopg.Error) as error:
        raise _Fault("cannot be read", "see database") from error
    finally:
        service.close()


def _opened(service: Service) -> str:
    """Open one of everything that is stored under keys that are not in the database."""
    in_use, keys = service.keys_in_use, service.master_keys
    keys.wrap(keys.current(), _DATA_KEY, belongs_to="claims doctor")
    facility, latest = in_use.account(), in_use.latest_lock()
    if facility is not None:
        service.gateway_accounts.find(facility)
    if latest is not None:
        service.vault.open(*latest)
    if in_use.is_anything_signed():
        lost = in_use.signers() - service.service_keys.certificates().keys()
        if lost:
            raise _Fault(
                f"the log was signed by keys that are not in {service.service_keys.folder}: {' '.join(lost)}",
                "restore the folder from its backup, beside the files that are there",
            )
    return "can be opened and proved with the keys that are here"


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


def _archives(settings: Settings) -> str:
    try:
        next(open_archives(settings.archive_store).names(), None)
    except ArchiveStoreFailed as error:
        raise _Fault(str(error), "correct CLAIMS_ARCHIVE_STORE or its credentials (AWS_…)") from error
    return "can be read"


def _production(settings: Settings) -> str:
    found = list(weaknesses(settings))
    if settings.production and found:
        listed = "; ".join(f"{one.what} ({one.remedy})" for one in found)
        raise _Fault(f"{len(found)} weakness(es) keep the service from starting", listed)
    if not found:
        return "nothing about it is too weak for real claims"
    some = ", ".join(one.what for one in found[:_WEAKNESSES_SHOWN])
    more = f" and {len(found) - _WEAKNESSES_SHOWN} more" if len(found) > _WEAKNESSES_SHOWN else ""
    return f"not asked for (CLAIMS_PRODUCTION); {len(found)} weakness(es): {some}{more}"


def _trust(settings: Settings) -> str:
    try:
        anchors = TrustStore.load(settings.trust_folder).anchors
    except SigningError as error:
        remedy = "put the authorities' certificates into its anchors/; until then no check worker starts"
        raise _Fault(str(error), remedy) from error
    now = datetime.now(UTC)
    later = [one.not_valid_before_utc for one in anchors if one.not_valid_before_utc > now]
    if later:
        raise _Fault(
            f"an anchor is not valid before {min(later):%Y-%m-%d %H:%M} UTC",
            "let this host keep time by NTP; if it does, add the authority's present certificate",
        )
    left = min(anchor.not_valid_after_utc - now for anchor in anchors)
    if left < _WARN:
        raise _Fault(f"an anchor {_when(left)}", "add the authority's next certificate")
    return f"{len(anchors)} anchor(s), the first {_when(left)}"


def _calendar(settings: Settings) -> str:
    day = local_date(SystemClock(settings.clock_skew_s).now())
    years = load_calendar().years
    # The days off are announced each autumn for the year to come.
    needed = day.year + (day.month == _LAST_MONTH)
    if needed not in years:
        raise _Fault(
            f"no days off are known for {needed}: deadlines leave out Saturdays and Sundays alone",
            "put a holidays.toml with that year into CLAIMS_FORMAT_FOLDER (docs/guides/later-decision.md)",
        )
    return f"days off are known up to {max(years)}"


def _disk(settings: Settings) -> str:
    folders = {"DATA_DIR": settings.data_dir, "BATCH_DIR": settings.batch_folder}
    free = min(_free_in(folder, PREFIX + name) for name, folder in folders.items())
    return f"{free / 2**30:.0f} GiB free"


def _free_in(wanted: Path, setting: str) -> int:
    folder = wanted
    while not folder.exists():
        folder = folder.parent
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        remedy = f"let the service's user write there, or move {setting}"
        raise _Fault(f"{wanted} cannot be written: {error.strerror}", remedy) from error
    free = shutil.disk_usage(folder).free
    if free < _LOW_DISK_BYTES:
        raise _Fault(f"{free / 2**30:.1f} GiB free at {folder}", f"free some space, or move {setting}")
    return free

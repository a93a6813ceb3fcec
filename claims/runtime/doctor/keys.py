"""The doctor on keys and certificates: who is trusted and until when, and what is stored under them."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from cryptography.exceptions import InvalidTag

from claims.exchange.errors import KeysUnavailable, StoreUnavailable
from claims.exchange.submission import FacilityCode
from claims.runtime.doctor.findings import Fault
from claims.runtime.embedded import Addresses
from claims.runtime.service_keys import UnusableServiceKeys
from claims.runtime.settings import Settings
from claims.runtime.signing_keys import FolderOfKeys
from claims.runtime.wiring import Service
from claims.storage.overview import Overview
from claims.storage.pool import open_pool
from claims.storage.sealing import UnusableSealingKey
from claims.storage.vault import UnreadableContent
from signing.errors import SigningError
from signing.trust import TrustStore

_WARN = timedelta(days=30)
_DATA_KEY = bytes(32)


def look_at_trust(settings: Settings) -> str:
    """Look whom signatures may lead to, and until when."""
    try:
        anchors = TrustStore.load(settings.trust_folder).anchors
    except SigningError as error:
        remedy = "put the authorities' certificates into its anchors/; until then no check worker starts"
        raise Fault(str(error), remedy) from error
    now = datetime.now(UTC)
    later = [one.not_valid_before_utc for one in anchors if one.not_valid_before_utc > now]
    if later:
        raise Fault(
            f"an anchor is not valid before {min(later):%Y-%m-%d %H:%M} UTC",
            "let this host keep time by NTP; if it does, add the authority's present certificate",
        )
    left = min(anchor.not_valid_after_utc - now for anchor in anchors)
    if left < _WARN:
        raise Fault(f"an anchor {ends_when(left)}", "add the authority's next certificate")
    return f"{len(anchors)} anchor(s), the first {ends_when(left)}"


def look_at_certificates(addresses: Addresses) -> str:
    """Look until when facilities can sign."""
    try:
        with open_pool(addresses.database_url, max_size=1) as pool:
            spans = Overview(pool).signing_spans()
    except (StoreUnavailable, psycopg.Error) as error:
        raise Fault("cannot be read from the database", "see database") from error
    if not spans:
        raise Fault("nobody may sign", "register one with `claims certificate register`")
    now = datetime.now(UTC)
    later = [begins for begins, _ in spans if begins > now]
    if later:
        raise Fault(
            f"{len(later)} of {len(spans)} facilities have none that is valid yet, the first from "
            f"{min(later):%Y-%m-%d %H:%M} UTC on: until then what they sign is rejected",
            "let this host keep time by NTP; if it does, register one that is valid beside it",
        )
    left = [end - now for _, end in spans]
    soon = sum(one < _WARN for one in left)
    if soon:
        raise Fault(
            f"{soon} of {len(left)} facilities have none that lasts another {_WARN.days} days, the first "
            f"{ends_when(min(left))}",
            "register the next ones beside them: `claims certificate list CODE` shows a facility's",
        )
    return f"of {len(left)} facilities, the first {ends_when(min(left))}"


def ends_when(left: timedelta) -> str:
    """Say how long something lasts, or since when it does not."""
    return f"ends in {left.days} days" if left >= timedelta() else f"ended {-left.days} day(s) ago"


def look_at_key_files(settings: Settings) -> str:
    """Look whether keys are there, for their owner alone, and can be used."""
    files = [
        settings.sealing_key_path,
        *_files(settings.signing_keys_folder, ".p12"),
        *_files(settings.content_keys_folder, ".key"),
        *(one for one in _files(settings.evidence_keys_folder, ".pem") if b"PRIVATE KEY" in one.read_bytes()),
    ]
    present = [path for path in files if path.is_file()]
    if settings.sealing_key_path not in present:
        raise Fault(
            f"{settings.sealing_key_path} is not there: stored passwords and secrets cannot be opened",
            "restore it from its backup; on a new installation the first start makes it",
        )
    open_ones = [path for path in present if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    if open_ones:
        listed = " ".join(map(str, open_ones))
        raise Fault(f"others may read {len(open_ones)} key file(s)", f"chmod 600 {listed}")
    signing = FolderOfKeys(settings.signing_keys_folder, settings.signing_keys_passphrase)
    for path in _files(settings.signing_keys_folder, ".p12"):
        try:
            signing.find(FacilityCode(path.stem))
        except SigningError as error:
            raise Fault(
                f"{path} cannot be used: {error}",
                "correct CLAIMS_SIGNING_KEYS_PASSPHRASE, which is one for all of them, or replace the file",
            ) from error
    return f"{len(present)} key file(s), readable by their owner alone"


def _files(folder: Path, ending: str) -> list[Path]:
    # Not by a pattern, which finds nothing in a folder that may not be read.
    return sorted(one for one in folder.iterdir() if one.suffix == ending) if folder.is_dir() else []


def look_at_stored(settings: Settings, addresses: Addresses) -> str:
    """Open and prove something of what is stored."""
    if not settings.sealing_key_path.is_file():
        raise Fault("cannot be opened without the sealing key", "see keys")
    service = Service(settings, addresses.database_url, addresses.broker_url)
    try:
        return _opened(service)
    except InvalidTag as error:
        raise Fault(
            f"{settings.sealing_key_path} is another key than the one that sealed what is stored",
            "restore it from its backup",
        ) from error
    except UnreadableContent as error:
        remedy = f"restore {settings.content_keys_folder} and {settings.sealing_key_path} from their backup"
        raise Fault(str(error), remedy) from error
    except (UnusableSealingKey, UnusableServiceKeys) as error:
        raise Fault(
            str(error), "docs/guides/backup.md says what to keep, and what to do without it"
        ) from error
    except KeysUnavailable as error:
        raise Fault(str(error), "see CLAIMS_CONTENT_KEYS_IN: is the token or the service there?") from error
    except (StoreUnavailable, psycopg.Error) as error:
        raise Fault("cannot be read", "see database") from error
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
            raise Fault(
                f"the log was signed by keys that are not in {service.service_keys.folder}: {' '.join(lost)}",
                "restore the folder from its backup, beside the files that are there",
            )
    return "can be opened and proved with the keys that are here"

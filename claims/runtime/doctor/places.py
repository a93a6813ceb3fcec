"""The doctor on files, folders and stores: whether they are there, can be written and have room."""

import shutil
import tempfile
from pathlib import Path

import psycopg

from claims.exchange.errors import ContentsUnavailable, StoreUnavailable
from claims.runtime.archive_store import ArchiveStoreFailed, open_archives
from claims.runtime.doctor.findings import Fault
from claims.runtime.embedded import Addresses
from claims.runtime.named_files import WRITTEN, find_unusable
from claims.runtime.settings import PREFIX, Settings
from claims.storage.moving import latest_moved
from claims.storage.objects import ObjectMissing, Objects
from claims.storage.pool import open_pool

_LOW_DISK_BYTES = 2 * 2**30


def look_at_files_named(settings: Settings) -> str:
    """Look whether what settings name is there."""
    unusable = list(find_unusable(settings, but=WRITTEN))  # which are tried below
    if unusable:
        raise Fault(
            f"not there, or not to be used: {' '.join(unusable)}",
            "correct the name, or let the service's user in; nothing starts before",
        )
    return "what settings name is there"


def look_at_contents(settings: Settings, addresses: Addresses | None) -> str:
    """Look whether contents can be written where they move to, and read."""
    objects = Objects(settings.content_store)
    probe = b"looked at by claims doctor"
    try:
        objects.forget(objects.keep(probe))
    except ContentsUnavailable as error:
        raise Fault(str(error), "correct CLAIMS_CONTENT_STORE or its credentials (AWS_…)") from error
    if addresses is None:
        return "can be written"
    try:
        with open_pool(addresses.database_url, max_size=1) as pool:
            latest = latest_moved(pool)
        if latest is not None:
            objects.read(latest)
    except (StoreUnavailable, psycopg.Error) as error:
        raise Fault("cannot be compared with the database", "see database") from error
    except ObjectMissing as error:
        raise Fault(
            str(error), "is this the store that contents moved to? restore it from its backup"
        ) from error
    return "can be written, and has what moved there last" if latest else "can be written; nothing has moved"


def look_at_archives(settings: Settings) -> str:
    """Look whether the store of archives can be read."""
    try:
        next(open_archives(settings.archive_store).names(), None)
    except ArchiveStoreFailed as error:
        raise Fault(str(error), "correct CLAIMS_ARCHIVE_STORE or its credentials (AWS_…)") from error
    return "can be read"


def look_at_disk(settings: Settings) -> str:
    """Look whether there is room to write."""
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
        raise Fault(f"{wanted} cannot be written: {error.strerror}", remedy) from error
    free = shutil.disk_usage(folder).free
    if free < _LOW_DISK_BYTES:
        raise Fault(f"{free / 2**30:.1f} GiB free at {folder}", f"free some space, or move {setting}")
    return free

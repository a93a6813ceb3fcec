"""The doctor: what an installation needs, checked one by one, each fault with what to do about it."""

from collections.abc import Iterator

from claims.errors import ClaimsError
from claims.runtime.doctor.findings import Examined, look
from claims.runtime.doctor.gateway import look_at_gateway, look_at_gateway_clock
from claims.runtime.doctor.keys import look_at_certificates, look_at_key_files, look_at_stored, look_at_trust
from claims.runtime.doctor.outlook import look_at_calendar, look_at_production
from claims.runtime.doctor.places import look_at_archives, look_at_contents, look_at_disk, look_at_files_named
from claims.runtime.doctor.servers import (
    look_at_broker,
    look_at_clock,
    look_at_database,
    look_at_months,
    look_at_work,
)
from claims.runtime.embedded import find_running
from claims.runtime.settings import load_settings
from claims.runtime.start import given_addresses


def examine() -> Iterator[Examined]:
    """Look at everything in order; what cannot be looked at without an earlier part is left out."""
    try:
        settings = load_settings()
        addresses = given_addresses(settings) or find_running(settings.data_dir)
    except ClaimsError as error:
        yield Examined("settings", is_fine=False, detail=str(error), remedy="correct the CLAIMS_ variables")
        return
    yield Examined("settings", is_fine=True, detail="every CLAIMS_ variable makes sense")
    yield look("files", lambda: look_at_files_named(settings))
    has_database = False
    if addresses is None:
        yield Examined(
            "servers",
            is_fine=False,
            detail=f"nothing runs in {settings.data_dir}",
            remedy="start `claims serve`, or set CLAIMS_DATABASE_URL and CLAIMS_BROKER_URL",
        )
    else:
        database = look("database", lambda: look_at_database(addresses))
        yield database
        has_database = database.is_fine
        if has_database:
            yield look("months", lambda: look_at_months(settings, addresses))
            yield look("clock", lambda: look_at_clock(addresses))
        yield look("broker", lambda: look_at_broker(settings, addresses))
        if has_database:
            yield look("work", lambda: look_at_work(settings, addresses))
            yield look("certificates", lambda: look_at_certificates(addresses))
    yield look("gateway", lambda: look_at_gateway(settings))
    if settings.gateway_url is not None:
        yield look("gateway's clock", lambda: look_at_gateway_clock(settings.gateway_url or ""))
    yield look("trust", lambda: look_at_trust(settings))
    yield look("keys", lambda: look_at_key_files(settings))
    if addresses is not None and has_database:
        yield look("stored", lambda: look_at_stored(settings, addresses))
    if settings.content_store:
        yield look("contents", lambda: look_at_contents(settings, addresses))
    if settings.archive_store:
        yield look("archives", lambda: look_at_archives(settings))
    yield look("production", lambda: look_at_production(settings))
    yield look("disk", lambda: look_at_disk(settings))
    yield look("calendar", lambda: look_at_calendar(settings))

"""Starting up: from the environment to a service, whichever servers it uses."""

import atexit
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claims.bundle.format import use_format_folder
from claims.errors import ClaimsError
from claims.exchange.access.acting import act_as
from claims.runtime.embedded import Addresses, embedded_services, find_running
from claims.runtime.log import configure_logging
from claims.runtime.production import refuse_weak
from claims.runtime.settings import Settings, load_settings
from claims.runtime.wiring import Service
from claims.storage.pool import require_database
from signing.errors import TrustStoreUnreadable
from signing.trust import TrustStore


class NothingRuns(ClaimsError):
    """No server addresses are set and no embedded servers run in the data folder."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            f"nothing runs in {settings.data_dir}: start `claims serve`, or set CLAIMS_DATABASE_URL and "
            "CLAIMS_BROKER_URL"
        )


class NoTrustAnchors(ClaimsError):
    """There is no authority whose signatures would count: every claim would be rejected."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"thư mục {folder} không có chứng thư số nào: hãy đặt vào đó chứng thư của các tổ chức "
            "chứng thực mà chữ ký được công nhận (.pem, .crt, .cer, .der), hoặc đặt CLAIMS_TRUST_DIR\n"
            f"the folder {folder} holds no certificate: put those of the authorities whose signatures count "
            "there (.pem, .crt, .cer, .der), or set CLAIMS_TRUST_DIR"
        )
        self.folder = folder


def require_trust(settings: Settings) -> None:
    """Look whether anybody is trusted, before anything starts: it is better to let claims wait.

    Raises:
        NoTrustAnchors: Nobody is.
        TrustStoreUnreadable: A file of the folder is not what it must be.
    """
    try:
        TrustStore.load(settings.trust_folder)
    except TrustStoreUnreadable as error:
        if isinstance(error.__cause__, OSError) or error.path != settings.trust_folder / "anchors":
            raise
        raise NoTrustAnchors(error.path) from None


class HalfConfigured(ClaimsError):
    """One of the two server addresses is set and the other is not."""

    def __init__(self) -> None:
        super().__init__("set both CLAIMS_DATABASE_URL and CLAIMS_BROKER_URL, or neither")


def given_addresses(settings: Settings) -> Addresses | None:
    """Return the addresses the settings give, or None when they leave it to the embedded servers.

    Raises:
        HalfConfigured: Only one of them is given.
    """
    if settings.database_url is None and settings.broker_url is None:
        return None
    if settings.database_url is None or settings.broker_url is None:
        raise HalfConfigured
    return Addresses(settings.database_url, settings.broker_url)


@contextmanager
def servers(settings: Settings) -> Iterator[Addresses]:
    """Provide a database and a broker while the block runs, starting the embedded ones if need be."""
    given = given_addresses(settings)
    if given is not None:
        yield given
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with embedded_services(settings.data_dir) as addresses:
        yield addresses


def open_service(settings: Settings | None = None, *, database_role: str | None = None) -> Service:
    """Return the service on servers that run already.

    Args:
        settings: How it runs; otherwise as the environment says.
        database_role: What this process is in the database, where processes have roles of their own; None: a
            command, which does not wait for a database that is away.

    Raises:
        InvalidSettings: The environment does not make sense.
        NotForProduction: It says that it holds real claims, and something about it is too weak for that.
        NothingRuns: No addresses are set and nothing runs in the data folder.
        StoreUnavailable: A command found that the database does not let it in.
        UnusableFormatFolder: The folder of format data makes no sense.
    """
    settings = settings or load_settings()
    configure_logging(settings.log_level)
    refuse_weak(settings)
    if settings.format_folder is not None:
        use_format_folder(settings.format_folder)
    addresses = given_addresses(settings) or find_running(settings.data_dir)
    if addresses is None:
        raise NothingRuns(settings)
    if database_role is None:
        require_database(addresses.database_url)
    act_as(f"cli:{getpass.getuser()}")
    service = Service(settings, addresses.database_url, addresses.broker_url, database_role)
    # A pool that nobody closes ends in whichever thread collects the garbage: one of its own cannot wait for
    # itself, and says so with a traceback behind whatever a command has to say.
    atexit.register(service.close)
    return service

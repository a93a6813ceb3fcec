"""Which exit code an error stands for."""

from claims.authorities.errors import UnusableCredentials
from claims.bundle.format import UnusableFormatFolder
from claims.checking.own.rules import UnusableOwnRules
from claims.checking.policy_file import UnreadablePolicy
from claims.cli.output import Exit
from claims.cli.watching import FolderWatched
from claims.client import ApiRefused, ApiUnreachable
from claims.exchange.errors import StoreUnavailable
from claims.exchange.retention import UnreadableRetention
from claims.listening import AddressUnavailable
from claims.outbound.errors import TargetUnreachable, UnusableAddress
from claims.runtime.archive_store import ArchiveStoreFailed
from claims.runtime.embedded import EmbeddedServiceFailed, NoEmbeddedServices
from claims.runtime.named_files import UnusableFile
from claims.runtime.service_keys import UnusableServiceKeys
from claims.runtime.settings import InvalidSettings
from claims.runtime.start import HalfConfigured, NothingRuns, NoTrustAnchors
from claims.runtime.telemetry.scrape import UnusableMetricsPort
from claims.storage.migrations import NewerDatabase
from claims.storage.sealing import UnusableSealingKey
from claims.storage.store_address import UnusableStoreAddress
from signing.errors import (
    PolicyUnreadable,
    RemoteAccountRefused,
    RemoteCertificateNotFound,
    RemoteUnavailable,
    TrustStoreUnreadable,
)

_CONFIGURATION = (
    AddressUnavailable,
    FolderWatched,
    InvalidSettings,
    NewerDatabase,
    HalfConfigured,
    NoEmbeddedServices,
    NoTrustAnchors,
    NothingRuns,
    PolicyUnreadable,
    RemoteAccountRefused,
    RemoteCertificateNotFound,
    TrustStoreUnreadable,
    UnusableAddress,
    UnusableMetricsPort,
    UnusableCredentials,
    UnusableStoreAddress,
    UnreadablePolicy,
    UnreadableRetention,
    UnusableFile,
    UnusableFormatFolder,
    UnusableOwnRules,
    UnusableSealingKey,
    UnusableServiceKeys,
)
_UNREACHABLE = (
    ApiUnreachable,
    ArchiveStoreFailed,
    TargetUnreachable,
    RemoteUnavailable,
    StoreUnavailable,
    EmbeddedServiceFailed,
    ConnectionError,
    TimeoutError,
)


def exit_code_of(error: Exception) -> Exit:
    """Return the exit code for an error that a command let through."""
    if isinstance(error, _CONFIGURATION):
        return Exit.CONFIGURATION
    if isinstance(error, _UNREACHABLE):
        return Exit.UNREACHABLE
    if isinstance(error, ApiRefused) and error.code in {"unauthenticated", "forbidden"}:
        return Exit.CONFIGURATION
    return Exit.BLOCKED

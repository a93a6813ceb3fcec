"""Which exit code an error stands for.

Errors are named by where they are, not imported: they come from everywhere, and to load all that would take
longer than what most commands do. Whose instance an error is has been loaded.
"""

from collections.abc import Set as AbstractSet
from typing import Final

from claims.cli.output import Exit

CONFIGURATION: Final = frozenset(
    {
        "claims.authorities.errors.UnusableCredentials",
        "claims.bundle.format.UnusableFormatFolder",
        "claims.checking.own.rules.UnusableOwnRules",
        "claims.checking.policy_file.UnreadablePolicy",
        "claims.cli.watching.FolderWatched",
        "claims.exchange.retention.UnreadableRetention",
        "claims.listening.AddressUnavailable",
        "claims.outbound.errors.UnusableAddress",
        "claims.runtime.embedded.NoEmbeddedServices",
        "claims.runtime.named_files.NamesNothing",
        "claims.runtime.named_files.UnusableFile",
        "claims.runtime.service_keys.UnusableServiceKeys",
        "claims.runtime.settings.InvalidSettings",
        "claims.runtime.start.HalfConfigured",
        "claims.runtime.start.NoTrustAnchors",
        "claims.runtime.start.NothingRuns",
        "claims.runtime.telemetry.scrape.UnusableMetricsPort",
        "claims.storage.migrations.NewerDatabase",
        "claims.storage.sealing.UnusableSealingKey",
        "claims.storage.store_address.UnusableStoreAddress",
        "signing.errors.PolicyUnreadable",
        "signing.errors.RemoteAccountRefused",
        "signing.errors.RemoteCertificateNotFound",
        "signing.errors.TrustStoreUnreadable",
    }
)
UNREACHABLE: Final = frozenset(
    {
        "builtins.ConnectionError",
        "builtins.TimeoutError",
        "claims.client.ApiUnreachable",
        "claims.exchange.errors.StoreUnavailable",
        "claims.outbound.errors.TargetUnreachable",
        "claims.runtime.archive_store.ArchiveStoreFailed",
        "claims.runtime.archive_store.ArchiveStoreTaken",
        "claims.runtime.embedded.EmbeddedServiceFailed",
        "signing.errors.RemoteUnavailable",
    }
)
#: Those of its refusals that are about who asks carry a code that says so.
REFUSED: Final = frozenset({"claims.client.ApiRefused"})


def exit_code_of(error: Exception) -> Exit:
    """Return the exit code for an error that a command let through."""
    if _is_one(error, CONFIGURATION):
        return Exit.CONFIGURATION
    if _is_one(error, UNREACHABLE):
        return Exit.UNREACHABLE
    if _is_one(error, REFUSED) and getattr(error, "code", None) in {"unauthenticated", "forbidden"}:
        return Exit.CONFIGURATION
    return Exit.BLOCKED


def _is_one(error: Exception, names: AbstractSet[str]) -> bool:
    return any(f"{kind.__module__}.{kind.__qualname__}" in names for kind in type(error).__mro__)

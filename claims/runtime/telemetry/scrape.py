"""What `/metrics` answers: the processes' numbers, and what is asked of the database at that moment."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import structlog
from cachetools.func import ttl_cache
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from claims.errors import ClaimsError
from claims.runtime.telemetry.metrics import AT_SCRAPE
from claims.storage.overview import Overview
from signing.errors import SigningError
from signing.trust import TrustStore

log = structlog.get_logger()

_SOON_S = 30 * 86_400
#: Reading some thousand certificates takes a part of a second; they do not change from minute to minute.
_READ_CERTIFICATES_EVERY_S = 600


class UnusableMetricsPort(ClaimsError):
    """The port for metrics cannot be had."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"cannot listen on port {port} of {host} for metrics: {reason}; "
            "choose others with CLAIMS_METRICS_PORT and CLAIMS_METRICS_HOST"
        )


def process_registry() -> CollectorRegistry:
    """Return the numbers of this process, or of all its fellows that share a folder."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types there
    return registry


def full_registry(overview: Overview, trust: Callable[[], TrustStore]) -> CollectorRegistry:
    """Return the numbers of the API's processes and what is asked of the database."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types there
    else:
        registry.register(REGISTRY)
    registry.register(_AskedNow(overview, trust))
    return registry


def exposition(registry: CollectorRegistry) -> bytes:
    """Return the text that Prometheus reads."""
    return generate_latest(registry)


def listen(registry: CollectorRegistry, *, host: str, port: int) -> None:
    """Answer on a port of its own, until the process ends.

    Raises:
        UnusableMetricsPort: Somebody else listens there, or it is no address of this machine.
    """
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise UnusableMetricsPort(host, port, error.strerror or str(error)) from error


class _AskedNow(Collector):
    """Asks the database; when it does not answer, its numbers are missing and the others are there."""

    def __init__(self, overview: Overview, trust: Callable[[], TrustStore]) -> None:
        self._overview = overview
        self._trust = trust
        self._ends = ttl_cache(maxsize=1, ttl=_READ_CERTIFICATES_EVERY_S)(self._read_ends)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Say that nothing is known beforehand, so that registering asks nothing."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask."""
        now = datetime.now(UTC)
        try:
            yield from self._queues(now)
            yield from self._certificates(now)
        except ClaimsError as error:
            log.warning("metrics.not_asked", reason=type(error).__name__)

    def _queues(self, now: datetime) -> Iterator[GaugeMetricFamily]:
        waiting = _family("claims_outbox_waiting", "step")
        oldest = _family("claims_outbox_oldest_seconds", "step")
        for one in self._overview.waiting():
            waiting.add_metric([one.step], one.number)
            oldest.add_metric([one.step], _since(one.due_since, now))
        telling = _family("claims_webhooks_oldest_seconds")
        telling.add_metric([], _since(self._overview.telling_since(), now))
        logging = _family("claims_log_oldest_seconds")
        logging.add_metric([], _since(self._overview.logging_since(), now))
        yield from (waiting, oldest, telling, logging)

    def _certificates(self, now: datetime) -> Iterator[GaugeMetricFamily]:
        first = _family("claims_cert_expiry_seconds", "kind")
        ending = _family("claims_certs_ending", "kind")
        for kind, ends in self._ends().items():
            left = [(end - now).total_seconds() for end in ends]
            if left:
                first.add_metric([kind], min(left))
            ending.add_metric([kind], sum(one < _SOON_S for one in left))
        yield from (first, ending)

    def _read_ends(self) -> dict[str, list[datetime]]:
        try:
            anchors = list(self._trust().anchors)
        except SigningError:  # the doctor says so; metrics go on
            anchors = []
        return {
            "facility": list(self._overview.signing_ends()),
            "anchor": [one.not_valid_after_utc for one in anchors],
        }


def _family(name: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, AT_SCRAPE[name], labels=labels)


def _since(due: datetime | None, now: datetime) -> float:
    return 0.0 if due is None else max(0.0, (now - due).total_seconds())

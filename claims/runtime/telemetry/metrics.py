"""The service's metrics, by name. What they mean is in docs/guides/running.md."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from billiard import current_process
from prometheus_client import Counter, Gauge, Histogram, values
from prometheus_client.values import MultiProcessValue


def _identity() -> str:
    # A pool's child is known by its place and not by its id: its successor goes on with the same files,
    # which stay as many as there are places. So no child has to be declared dead.
    index = getattr(current_process(), "index", None)
    return str(os.getpid()) if index is None else f"child{index}"


if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    values.ValueClass = MultiProcessValue(process_identifier=_identity)  # type: ignore[no-untyped-call]  # the library has no types there

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0, 30.0)
_SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0)

REQUESTS = Histogram(
    "claims_http_request_seconds",
    "Requests to the API, by route as declared and status.",
    ["method", "route", "status"],
    buckets=_FAST,
)
TASKS = Histogram("claims_task_seconds", "Batches that workers ran.", ["task", "outcome"], buckets=_SLOW)
SUBMISSIONS = Counter("claims_submissions_total", "Submissions that came into a state.", ["state"])
FINDINGS = Counter("claims_findings_total", "Findings of checks, by code.", ["code"])
SIGNATURES = Counter("claims_signature_total", "Verdicts about signatures.", ["indication"])
GATEWAY = Histogram(
    "claims_gateway_seconds",
    "Exchanges with the gateway, by how they ended.",
    ["call", "outcome"],
    buckets=_SLOW,
)
CIRCUIT = Gauge(
    "claims_gateway_circuit_open",
    "1 while requests to the gateway rest because nobody answers there.",
    multiprocess_mode="livemax",
)
WEBHOOKS = Counter("claims_webhook_posts_total", "Posts to webhooks, by how they ended.", ["outcome"])

#: Known at the moment of asking, from the database and the trust folder (`scrape`).
AT_SCRAPE = {
    "claims_outbox_waiting": "Submissions that wait for a worker, by step.",
    "claims_outbox_oldest_seconds": "How long the one that is due longest has been due, by step.",
    "claims_webhooks_oldest_seconds": "How long the delivery to a webhook that is due longest has been due.",
    "claims_log_oldest_seconds": "How long the event that waits longest has waited for its place in the log.",
    "claims_cert_expiry_seconds": "Seconds until the first certificate of its kind ends.",
    "claims_certs_ending": "Anchors, or last certificates of facilities, that end within 30 days.",
}


@contextmanager
def timed(histogram: Histogram, **labels: str) -> Iterator[dict[str, str]]:
    """Observe how long the block takes; labels that are known only then may be set in what is given."""
    began = time.perf_counter()
    try:
        yield labels
    finally:
        histogram.labels(**labels).observe(time.perf_counter() - began)

"""Traces: a request's trace goes on in the workers, by the `traceparent` that is stored with the submission.

Without an address to export to nothing is recorded and nothing leaves the process.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bound_contextvars

from claims.exchange.ports import Leased
from claims.runtime.settings import Settings

_W3C: Final = TraceContextTextMapPropagator()
_TRACER: Final = trace.get_tracer("ehoso")
_HEADER: Final = "traceparent"


#: What a `FastAPI` application is told: our own span around a request is enough, and a framework's may hold
#: what was in the request. ``logs`` and ``auto_configure`` are what an environment variable could switch on.
NOT_THE_FRAMEWORKS: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


class _Switch:
    """Whether this process makes traces."""

    is_on = False


def configure_tracing(settings: Settings, part: str) -> None:
    """Send spans to the collector that the settings name; without one, record nothing."""
    if settings.otlp_url is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        # Nothing of the environment: a host's name and variables are nobody's business outside.
        resource=Resource({"service.name": f"ehoso-{part}"}),
        sampler=ParentBased(TraceIdRatioBased(settings.trace_share)),
    )
    exporter = OTLPSpanExporter(f"{settings.otlp_url.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    _Switch.is_on = True


def current_traceparent() -> str | None:
    """Return how others refer to the span that is going on; None when none is."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(_HEADER)


def current_trace_id() -> str | None:
    """Return the id of the trace that is going on; None when none is."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


@contextmanager
def span(
    name: str,
    *,
    parent: str | None = None,
    links: Sequence[SpanContext] = (),
    kind: SpanKind = SpanKind.INTERNAL,
    **attributes: str | int,
) -> Iterator[Span]:
    """Record the block under a parent that a `traceparent` names, or under what is going on."""
    if not _Switch.is_on:
        # The library's own no-op costs a dozen microseconds a span, four times a claim.
        yield trace.INVALID_SPAN
        return
    context = None if parent is None else _W3C.extract({_HEADER: parent})
    with _TRACER.start_as_current_span(
        name, context, kind=kind, attributes=attributes, links=[Link(one) for one in links]
    ) as recorded:
        yield recorded


def link_all(parents: Sequence[str | None]) -> None:
    """Say of the span that is going on that it works for all of these, as a batch does."""
    going_on = trace.get_current_span()
    if not going_on.is_recording():
        return
    for parent in parents:
        context = span_context(parent)
        if context is not None:
            going_on.add_link(context)


def span_context(traceparent: str | None) -> SpanContext | None:
    """Return what a `traceparent` names, or None if it names nothing."""
    if traceparent is None:
        return None
    context = trace.get_current_span(_W3C.extract({_HEADER: traceparent})).get_span_context()
    return context if context.is_valid else None


class Serving:
    """Around the work on one submission: its own trace goes on, and log lines name it."""

    def __init__(self, step: str) -> None:
        self._step = step

    @contextmanager
    def __call__(self, leased: Leased) -> Iterator[None]:
        """Record the block in the submission's trace, linked to the batch that it is done in."""
        batch = trace.get_current_span().get_span_context()
        with (
            bound_contextvars(submission_id=leased.id),
            span(
                f"claims.{self._step}",
                parent=leased.traceparent,
                links=[batch] if batch.is_valid else [],
                submission_id=leased.id,
                attempt=leased.attempts,
            ),
        ):
            yield

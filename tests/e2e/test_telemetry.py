"""A claim's trace goes from the request to the gateway; every process's numbers and lines agree with it."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from claims.cli.demo.installation import IMPATIENT, Installation
from claims.emr.synthetic import generate_encounters
from claims.listening import AddressUnavailable, bind
from claims.runtime.embedded import Addresses
from tests.unit.authorities.web import serving

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
COUNT = 6


@contextmanager
def collecting() -> Iterator[tuple[str, list[Span]]]:
    """Stand in for a collector; its address, and the spans that came."""
    spans: list[Span] = []

    def take(body: bytes) -> tuple[int, dict[str, str], bytes]:
        request = ExportTraceServiceRequest.FromString(body)
        spans.extend(
            one
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for one in scope.spans
        )
        return 200, {"Content-Type": "application/x-protobuf"}, b""

    with serving() as web:
        web.answers["/v1/traces"] = take
        yield web.url(""), spans


def scraped(port: int) -> dict[tuple[str, str], float]:
    """Return a metrics page's values by name and the value of any label."""
    text = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=60).text
    return {
        (sample.name, value): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for value in sample.labels.values() or ("",)
    }


@contextmanager
def adjacent_ports(count: int) -> Iterator[int]:
    """Have ports in a row until the block ends, as `reserved_port` has one; gives the first."""
    while True:
        with ExitStack() as stack, suppress(AddressUnavailable):
            first = stack.enter_context(bind("", 0)).getsockname()[1]
            for port in range(first + 1, first + count):
                stack.enter_context(bind("", port))
            yield first
            return


def wait_for(what: str, is_there: object) -> None:
    deadline = time.monotonic() + 60
    while not is_there():  # type: ignore[operator]  # a question
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.mark.any_server
@pytest.mark.slow
def test_a_trace_goes_on_through_the_outbox(tmp_path: Path, database_url: str, broker_url: str) -> None:
    encounters = list(generate_encounters(seed=3, count=COUNT, facilities=["99001"], on=date(2026, 11, 20)))
    with adjacent_ports(3) as port, collecting() as (collector, spans):
        settings = {
            **IMPATIENT,
            "CLAIMS_CHECK_LEASE_S": "60",  # nothing is checked again because a busy machine starts slowly
            "CLAIMS_OTLP_URL": collector,
            "CLAIMS_METRICS_PORT": str(port),
            "CLAIMS_CHECK_PROCESSES": "2",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        addresses = Addresses(database_url, broker_url)
        with Installation(tmp_path, {"99001": "Một"}, addresses=addresses, settings=settings) as installation:
            installation.add_fault(kind="error_503_html", rate=1.0, count=1)
            key = installation.facilities["99001"].api_key
            for number, encounter in enumerate(encounters):
                httpx2.post(
                    f"{installation.api_url}/v1/encounters",
                    content=json.dumps(encounter, ensure_ascii=False).encode(),
                    headers={
                        "Authorization": f"Bearer {key}",
                        "traceparent": f"00-{TRACE}-{number + 1:016x}-01",
                    },
                    trust_env=False,
                    timeout=60,
                ).raise_for_status()
            with installation.api(key) as api:
                wait_for(
                    "acknowledged",
                    lambda: sum(one["state"] == "acknowledged" for one in api.submissions()) == COUNT,
                )
            for name, least in (("gateway.send", COUNT + 1), ("claims.check", COUNT), ("workers.check", 1)):
                wait_for(name, lambda: sum(one.name == name for one in list(spans)) >= least)  # noqa: B023
            taken = ("claims_submissions_total", "acknowledged")
            wait_for("numbers", lambda: scraped(port + 2).get(taken) == COUNT)
            numbers = [scraped(port + offset) for offset in range(3)]
        logs = "".join(path.read_text("utf-8", "replace") for path in tmp_path.glob("*.log"))

    mine = [one for one in spans if one.trace_id.hex() == TRACE]
    by_id = {one.span_id: one for one in spans}
    requests = [one for one in mine if one.name == "POST /v1/encounters"]
    checks = [one for one in mine if one.name == "claims.check"]
    sends = [one for one in mine if one.name == "gateway.send"]
    assert {int.from_bytes(one.parent_span_id) for one in requests} == set(range(1, COUNT + 1))
    asked = {one.span_id for one in requests}
    assert sorted(one.parent_span_id for one in checks) == sorted(asked)  # one each
    assert all(by_id[one.parent_span_id].name == "claims.deliver" for one in sends)
    assert {by_id[one.parent_span_id].parent_span_id for one in sends} == asked
    batches = [one for one in spans if one.name == "workers.check" and one.links]
    assert {link.span_id for one in batches for link in one.links} == asked

    api_numbers, check_numbers, deliver_numbers = numbers
    assert api_numbers["claims_submissions_total", "received"] == COUNT
    assert check_numbers["claims_submissions_total", "checked"] == COUNT
    assert check_numbers["claims_signature_total", "TOTAL-PASSED"] == COUNT
    assert check_numbers["claims_task_seconds_count", "workers.check"] >= 1
    assert deliver_numbers["claims_submissions_total", "acknowledged"] == COUNT
    assert ("claims_gateway_seconds_count", "send") in deliver_numbers

    failed = [json.loads(line) for line in logs.splitlines() if '"gateway.failed"' in line]
    assert {"submission_id", "task_id", "trace_id"} <= set(failed[0])
    assert failed[0]["trace_id"] == TRACE
    for encounter in encounters:
        assert str(_find(encounter["patient"], "name")) not in logs
    assert not re.search(r"\b[A-Z]{2}[1-5]\d{12}\b", logs)


def _find(document: object, name: str) -> object:
    if isinstance(document, dict):
        for key, value in document.items():
            if key == name:
                return value
            if (found := _find(value, name)) is not None:
                return found
    if isinstance(document, list):
        for one in document:
            if (found := _find(one, name)) is not None:
                return found
    return None

"""Every route holds what its description promises: random requests meet no failure and no answer unsaid."""

import itertools
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from claims.api.app import create_app
from claims.exchange.access.keys import Scope
from claims.exchange.submission import FacilityCode
from claims.runtime.wiring import Service
from tests.served import on_loopback

FACILITY = FacilityCode("99001")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 4


@pytest.fixture
def address(service: Service) -> Iterator[str]:
    with on_loopback(create_app(service)) as address:
        yield address


def known_ids(headers: dict[str, str], address: str) -> dict[str, str]:
    """Hand something in, so that there is something to ask for."""

    def post(path: str, **body: Any) -> str:
        answer = httpx2.post(f"{address}/v1/{path}", headers=headers, timeout=60, **body)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    parcel = {"files": {"file": ("a.xml", b"<a/>", "application/xml")}}
    wanted = {"where": {"state": ["received"]}, "reason": "r"}
    return {
        "submission_id": post("submissions", content=b"<x/>"),
        "batch_id": post("batches", **parcel),
        "replay_id": post("replays", json=wanted),
    }


def statuses_of(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    headers: dict[str, str],
    ids: dict[str, str],
) -> set[int]:
    """Return what random requests to an operation are answered."""
    seen: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def exercise(case: schemathesis.Case[Any]) -> None:
        # Nothing is waited for.
        case.query = {name: value for name, value in (case.query or {}).items() if name != "wait"}
        if mode is GenerationMode.POSITIVE:
            case.path_parameters = {**(case.path_parameters or {}), **_named_in(operation.path, ids)}
        response = case.call(headers=headers, timeout=60)
        seen.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    exercise()
    return seen


def _named_in(path: str, ids: dict[str, str]) -> dict[str, str]:
    return {name: one for name, one in ids.items() if f"{{{name}}}" in path}


@pytest.mark.slow
# The service's threads draw their jitter in this process, which looks to the engine as if a strategy did.
@pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)
def test_random_requests_get_only_answers_that_are_described(service: Service, address: str) -> None:
    text = service.issue_key(facility=FACILITY, scopes=frozenset(Scope), label="test")
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    failures: dict[str, str] = {}
    tried: dict[str, set[int]] = {}
    headers = {"Authorization": f"Bearer {text}"}
    ids = known_ids(headers, address)

    for found, mode in itertools.product(schema.get_all_operations(), GenerationMode):
        assert isinstance(found, Ok)
        operation = found.ok()
        try:
            seen = statuses_of(operation, mode, headers, ids)
            tried.setdefault(operation.label, set()).update(seen)
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # where nothing is asked for, nothing can be asked wrongly
        except (FailureGroup, Failure) as error:
            failures[operation.label] = str(error)

    assert failures == {}
    assert {200, 202, 404, 422} <= set().union(*tried.values())
    assert len(tried) >= 30

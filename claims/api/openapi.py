"""The OpenAPI document: what each route may answer, by status and problem, with examples that are real.

What follows from a route's shape is said once here: a guarded one knows 401 and 403, one that reads a body
knows 413. What follows from its work stands in the table below.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from claims.api import problems
from claims.api.problems import ENCODED, INTERNAL, INVALID, KINDS, MEDIA_TYPE, TOO_LARGE, Kind
from claims.building.errors import CannotBuild
from claims.emr.errors import MalformedEncounter
from claims.emr.synthetic import generate_encounters
from claims.exchange import errors
from claims.exchange.access import errors as access_errors
from claims.exchange.submit_encounter import WrongFacility
from claims.outbound.errors import UnusableAddress

_METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})
_BUNDLE: Final = (errors.IdempotencyMismatch, access_errors.TooManyRequests)
#: What a route's work may lead to, by its operation.
_BY_OPERATION: Final[Mapping[str, tuple[type[Exception], ...]]] = {
    "submitBundle": _BUNDLE,
    "submitEncounter": (*_BUNDLE, MalformedEncounter, CannotBuild, WrongFacility, errors.NoSigningKey),
    "submitBatch": (errors.UnusableBatch, access_errors.TooManyRequests),
    "checkBundle": (access_errors.TooManyRequests,),
    "checkIn": (
        errors.CheckInRefused,
        errors.GatewayRefused,
        errors.GatewayError,
        access_errors.TooManyRequests,
    ),
    "listSubmissions": (errors.InvalidCursor,),
    "readFeed": (errors.InvalidCursor,),
    "withdrawSubmission": (errors.CannotWithdraw,),
    "answerReview": (errors.ReviewChanged,),
    "createReplay": (errors.EmptySelection, errors.IdempotencyMismatch),
    "pauseReplay": (errors.ReplayEnded,),
    "resumeReplay": (errors.ReplayEnded,),
    "cancelReplay": (errors.ReplayEnded,),
    "createWebhook": (errors.TooManyWebhooks, UnusableAddress),
    "changeWebhook": (UnusableAddress,),
    "rotateWebhookSecret": (errors.TwoSecretsLive,),
    "pingWebhook": (errors.WebhookDisabled, UnusableAddress),
    "resendDelivery": (errors.WebhookDisabled,),
    "issueKey": (errors.UnknownFacility,),
    "rotateKey": (access_errors.TooManyKeys,),
    "registerClient": (access_errors.UnusableKey, errors.UnknownFacility),
    "addClientKey": (access_errors.UnusableKey, access_errors.TooManyKeys),
    "getPaper": (access_errors.ProtectedRecord, errors.NothingToShow),
    "getArchive": (access_errors.ProtectedRecord,),
    "getAssessment": (access_errors.ProtectedRecord,),
    "getInclusion": (errors.NotInLog,),
    "getConsistency": (errors.NotInLog,),
    "getLogHead": (errors.NotInLog,),
    "listLogHeads": (errors.NotInLog,),
}
#: Below which parameters of a query that a route does not have are refused.
_STRICT: Final = "/v1/"
_BAD_REQUEST: Final = problems.BY_STATUS[400]
_NOT_FOUND: Final = problems.BY_STATUS[404]


def install(app: FastAPI) -> None:
    """Make the app describe itself so."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign] # FastAPI's own way to another document


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=_DESCRIPTION, routes=app.routes
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = problems.Problem.model_json_schema()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                _say_problems(path, operation)
    _show_encounter(document)
    return document


def _say_problems(path: str, operation: dict[str, Any]) -> None:
    by_status: dict[int, dict[str, Kind]] = defaultdict(dict)
    for kind in _kinds_of(path, operation):
        by_status[kind.status][kind.code] = kind
    # The framework describes its own 422, which is not what it answers here.
    operation["responses"].pop("422", None)
    operation["responses"].pop("default", None)
    for status, kinds in sorted(by_status.items()):
        operation["responses"][str(status)] = {
            "description": ", ".join(f"`{code}`: {kind.title}" for code, kind in sorted(kinds.items())),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {
                        code: {"value": _example(path, kind)} for code, kind in sorted(kinds.items())
                    },
                }
            },
        }


def _kinds_of(path: str, operation: Mapping[str, Any]) -> Iterable[Kind]:
    yield INTERNAL
    yield KINDS[errors.StoreUnavailable]
    if operation.get("security"):
        yield KINDS[access_errors.UnknownKey]
        yield KINDS[access_errors.AccessDenied]
    if operation.get("parameters") or "requestBody" in operation or path.startswith(_STRICT):
        yield INVALID
    if "requestBody" in operation:
        yield TOO_LARGE
        yield ENCODED
        yield _BAD_REQUEST
    if "{" in path:
        yield _NOT_FOUND
    for error in _BY_OPERATION.get(operation["operationId"], ()):
        yield KINDS[error]


def _example(path: str, kind: Kind) -> dict[str, object]:
    return problems.Problem(
        type=f"{problems.PAGE}#{kind.code}",
        title=kind.title,
        status=kind.status,
        code=kind.code,
        detail=kind.title,
        instance=path,
        request_id="0d5f3f1c6b6e4b6c9d0f0a5a3c1e7b42",
        retryable=kind.retryable,
    ).model_dump()


def _show_encounter(document: dict[str, Any]) -> None:
    """Put a whole made-up encounter where one is taken."""
    body = document["paths"]["/v1/encounters"]["post"]["requestBody"]["content"]["application/json"]
    day = date(2026, 10, 15)
    body["example"] = next(iter(generate_encounters(seed=1, count=1, facilities=["79001"], on=day)))


_DESCRIPTION: Final = """\
Hand in claims, follow them, replay what failed.

* **Keys**: `Authorization: Bearer ehs_…`. A facility's key sees and does what is its own.
* **Idempotency**: the same bytes again are the same submission. `Idempotency-Key` makes any POST that takes
  it safe to repeat; it is remembered for seven days.
* **Errors** are `application/problem+json` (RFC 9457). `code` is stable; `Accept-Language: vi` or `en` picks
  the language of what people read.
* **Parameters** of a query that an operation does not have are refused (422, `invalid-request`), and so is
  one that comes twice and is no list, or a header that comes twice and counts once.
* **Lists** are `{data, next_cursor, has_more}`; give `next_cursor` as `cursor` for the rest.
"""
